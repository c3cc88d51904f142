from __future__ import annotations

import ctypes
import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tui_tuner.models import blas


@pytest.fixture
def fresh(monkeypatch):
    """The next call decides anew, as in a process where MLX is not loaded yet."""
    monkeypatch.setattr(blas, "load_fast_blas", functools.cache(blas.load_fast_blas.__wrapped__))
    monkeypatch.delenv(blas.SWITCH_OFF, raising=False)
    monkeypatch.delitem(sys.modules, "mlx.core", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")


def refuse(name, mode=0):
    raise OSError(name)


def test_loads_the_library_of_a_wheel_where_the_system_has_none(fresh, monkeypatch, tmp_path):
    library = tmp_path / blas.WHEEL_LIBRARY
    library.parent.mkdir(parents=True)
    library.touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setattr(blas, "_runs_here", lambda name: True)
    loaded = []

    def only_the_wheel(name, mode=0):
        if name != str(library):
            raise OSError(name)
        loaded.append((name, mode))

    monkeypatch.setattr(ctypes, "CDLL", only_the_wheel)
    first, second = blas.load_fast_blas(), blas.load_fast_blas()
    assert loaded == [(str(library), ctypes.RTLD_GLOBAL)]  # once, and for every library loaded later to see
    assert first is second
    assert first.name is not None and str(library) in first.name and first.advice == ""


def test_a_library_that_kills_its_process_is_left_alone(fresh, monkeypatch, tmp_path):
    library = tmp_path / blas.WHEEL_LIBRARY
    library.parent.mkdir(parents=True)
    library.touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setattr(blas, "TRIAL", "import os, signal; os.kill(os.getpid(), signal.SIGILL)")
    monkeypatch.setattr(blas, "SYSTEM_LIBRARIES", ())
    monkeypatch.setattr(ctypes, "CDLL", lambda name, mode=0: pytest.fail("loaded all the same"))
    assert blas.load_fast_blas().name is None


@pytest.mark.skipif(sys.platform != "linux", reason="macOS has Accelerate")
def test_the_trial_tells_a_library_that_multiplies_from_one_that_does_not(tmp_path):
    (tmp_path / "empty.so").touch()
    assert not blas._runs_here(str(tmp_path / "empty.so"))
    assert not blas._runs_here("libc.so.6")  # loads, but knows no sgemm
    try:
        ctypes.CDLL("libopenblas.so.0")
    except OSError:
        pytest.skip("no OpenBLAS on this machine")
    assert blas._runs_here("libopenblas.so.0")


@pytest.mark.parametrize("suits", [True, False])
def test_says_how_to_install_it_where_it_is_missing(fresh, monkeypatch, suits):
    monkeypatch.setattr(ctypes, "CDLL", refuse)
    monkeypatch.setattr(blas, "_wheel_suits", lambda: suits)
    report = blas.load_fast_blas()
    assert report.name is None
    assert "sudo " in report.advice
    assert ("cmeel-openblas" in report.advice) is suits


@pytest.mark.parametrize(
    ("release", "command"),
    [
        ({"ID": "ubuntu", "ID_LIKE": "debian"}, "apt install libopenblas0-pthread"),
        ({"ID": "fedora"}, "dnf install openblas-threads"),
        ({"ID": "manjaro", "ID_LIKE": "arch"}, "pacman -S openblas"),
    ],
)
def test_names_the_distributions_own_command(fresh, monkeypatch, release, command):
    monkeypatch.setattr(ctypes, "CDLL", refuse)
    monkeypatch.setattr(blas.platform, "freedesktop_os_release", lambda: release)
    assert command in blas.load_fast_blas().advice


def test_says_so_when_mlx_came_first(fresh, monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name, mode=0: None)
    monkeypatch.setitem(sys.modules, "mlx.core", sys)
    report = blas.load_fast_blas()
    assert report.name is None and "before" in report.advice


def test_can_be_switched_off(fresh, monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name, mode=0: pytest.fail("loaded all the same"))
    monkeypatch.setenv(blas.SWITCH_OFF, "1")
    report = blas.load_fast_blas()
    assert report.name is None and blas.SWITCH_OFF in report.advice


def test_macos_has_its_own(fresh, monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name, mode=0: pytest.fail("nothing to load on macOS"))
    monkeypatch.setattr(sys, "platform", "darwin")
    assert blas.load_fast_blas() == blas.BlasReport("Accelerate", "")


NEW = {"avx2", "fma", "avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}


@pytest.mark.parametrize(
    ("flags", "processor"), [(NEW, "SKYLAKEX"), (NEW - {"avx512bw"}, "HASWELL"), ({"avx2"}, None), (set(), None)]
)
def test_knows_what_a_processor_can_do(flags, processor):
    assert blas._processor(flags) == processor


@pytest.mark.skipif(sys.platform != "linux", reason="macOS has Accelerate")
@pytest.mark.parametrize(("told", "expected"), [("", "young"), ("HASWELL", "haswell")])
def test_openblas_does_not_take_a_young_processor_for_an_old_one(told, expected):
    """Whatever it recognises by itself: only what the person says is left as it is."""
    program = """
import ctypes, os
from tui_tuner.models import blas
name = blas.load_fast_blas().name
if name is None:
    raise SystemExit(3)
library = ctypes.CDLL(name.partition("(")[2].rstrip(")"))
library.openblas_get_corename.restype = ctypes.c_char_p
print(library.openblas_get_corename().decode().lower(), os.environ.get(blas.PROCESSOR, ""))
"""
    if blas._processor(blas._flags()) is None:
        pytest.skip("an old processor")
    environment = {name: value for name, value in os.environ.items() if name not in (blas.PROCESSOR, blas.SWITCH_OFF)}
    if told:
        environment[blas.PROCESSOR] = told
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    if run.returncode == 3:
        pytest.skip("no OpenBLAS on this machine")
    found, *left = run.stdout.split()
    assert left == ([told] if told else []), "other programs decide for themselves"
    assert found == expected if told else found not in blas.WITHOUT_AVX2


@pytest.mark.skipif(sys.platform != "linux", reason="macOS has Accelerate")
def test_mlx_really_multiplies_with_it():
    """With one thread allowed, OpenBLAS is still several times the reference BLAS; both answer the same."""
    program = """
import json, sys, time
from tui_tuner.models.blas import load_fast_blas
name = load_fast_blas().name
import mlx.core as mx
left, right = mx.random.normal((512, 512), key=mx.random.key(1)), mx.random.normal((512, 512), key=mx.random.key(2))
mx.eval(left, right)
mx.eval(left @ right)
times = []
for _ in range(5):
    began = time.perf_counter()
    mx.eval(left @ right)
    times.append(time.perf_counter() - began)
print(json.dumps([name, min(times), float((left @ right).sum())]))
"""
    results = []
    for switch in ("0", "1"):
        environment = {**os.environ, blas.SWITCH_OFF: switch, "OPENBLAS_NUM_THREADS": "1"}
        run = subprocess.run(
            [sys.executable, "-c", program], env=environment, cwd=Path(__file__).parent, capture_output=True, check=True
        )
        results.append(json.loads(run.stdout))
    (name, fast, total), (off, slow, same) = results
    if name is None:
        pytest.skip("no OpenBLAS on this machine")
    assert off is None
    assert total == pytest.approx(same, rel=1e-3)
    assert slow > 2 * fast
