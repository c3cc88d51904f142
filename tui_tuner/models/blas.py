"""A fast BLAS under MLX on Linux, where its wheel links the slow reference BLAS.

`mlx[cpu]` on Linux calls the plain `sgemm` of the reference BLAS, one thread, about 6 GFLOP/s. A dynamic linker takes
the first global definition of a name, so OpenBLAS loaded with `RTLD_GLOBAL` before MLX answers those calls instead: 80
to 200 GFLOP/s on two cores. It must therefore come before the first `import mlx`.

OpenBLAS chooses among its products, one for each family of processors, by a table of those known when it was built. On
a younger processor it takes the oldest: measured with Debian 12's 0.3.21 on an Intel of 2023, 28 GFLOP/s a core where
130 are possible. There it is loaded once more, told what the processor can do.
"""

from __future__ import annotations

import _ctypes
import contextlib
import ctypes
import functools
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui_tuner.language import _

SWITCH_OFF = "TUNER_NO_OPENBLAS"
# Fedora's `libopenblas.so.0` has one thread, its `libopenblasp.so.0` has many; Debian has only the first name.
SYSTEM_LIBRARIES = ("libopenblasp.so.0", "libopenblas.so.0")
# Where the wheel `cmeel-openblas` puts its library inside a site-packages folder.
WHEEL_LIBRARY = Path("cmeel.prefix", "lib", "libopenblas.so.0")
# That wheel is built for the processor it was built on (0.3.31: with AVX-512), and one without it kills the process at
# the first product. So it has to multiply in a process of its own first.
TRIAL = """
import ctypes, sys
blas, n = ctypes.CDLL(sys.argv[1]), 128
ones, product = (ctypes.c_float * (n * n))(*[1.0] * (n * n)), (ctypes.c_float * (n * n))()
one, zero = ctypes.c_float(1), ctypes.c_float(0)
blas.cblas_sgemm(101, 111, 111, n, n, n, one, ones, n, ones, n, zero, product, n)
sys.exit(product[n * n - 1] != n)
"""
TRIAL_SECONDS = 20
# The variable by which OpenBLAS is told which processor it runs on.
PROCESSOR = "OPENBLAS_CORETYPE"
# OpenBLAS's names of processors before AVX2, from its `driver/others/dynamic.c`.
WITHOUT_AVX2 = {"prescott", "core2", "penryn", "dunnington", "nehalem", "sandybridge", "atom", "nano", "katmai"}
WITHOUT_AVX2 |= {"coppermine", "northwood", "banias", "athlon", "opteron", "opteron_sse3", "barcelona", "bobcat"}
WITHOUT_AVX2 |= {"bulldozer", "piledriver", "steamroller"}


@dataclass(frozen=True)
class BlasReport:
    """Which BLAS MLX multiplies with on the CPU.

    Attributes:
        name: the fast library as a person knows it; None where MLX uses its own slow one.
        advice: what would make it faster and how; empty where nothing would.
        library: its functions, where it was loaded here.
    """

    name: str | None
    advice: str
    library: Any = field(default=None, repr=False, compare=False)


@functools.cache
def load_fast_blas() -> BlasReport:
    """Load OpenBLAS before MLX where that helps; the first call does it, later ones repeat its report."""
    if sys.platform == "darwin":
        return BlasReport("Accelerate", "")
    if os.environ.get(SWITCH_OFF, "") not in ("", "0"):
        return BlasReport(None, _("OpenBLAS is switched off by {name}.", name=SWITCH_OFF))
    late = "mlx.core" in sys.modules
    for candidate in _candidates():
        try:
            library = ctypes.CDLL(candidate, mode=ctypes.RTLD_GLOBAL)
        except OSError:  # not installed, or without the Fortran library it needs
            continue
        if late:
            return BlasReport(None, _("MLX was loaded before OpenBLAS and does not use it: start the program again."))
        return BlasReport(f"OpenBLAS ({candidate})", "", _for_this_processor(candidate, library))
    commands = [_system_command()]
    if _wheel_suits():
        commands.append(f"{sys.executable} -m pip install cmeel-openblas")
    return BlasReport(
        None,
        _(
            "Matrix products on the CPU are ten times faster and more with OpenBLAS: {command}; then start again.",
            command=_(" or ").join(commands),
        ),
    )


def _candidates() -> Iterator[str]:
    yield from SYSTEM_LIBRARIES
    for folder in sys.path:
        library = Path(folder) / WHEEL_LIBRARY
        if library.is_file() and _runs_here(str(library)):
            yield str(library)


def _for_this_processor(name: str, library: Any) -> Any:
    """`library`, loaded once more where it takes this processor for one that is much older."""
    better = _processor(_flags())
    if better is None or PROCESSOR in os.environ or not hasattr(library, "openblas_get_corename"):
        return library
    library.openblas_get_corename.restype = ctypes.c_char_p
    if library.openblas_get_corename().decode().lower() not in WITHOUT_AVX2:
        return library
    os.environ[PROCESSOR] = better
    try:
        # It decides when it is loaded. Nothing has used it yet, so it can be given back.
        _ctypes.dlclose(library._handle)
        return ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
    finally:
        del os.environ[PROCESSOR]  # what else this process starts shall decide for itself


@contextlib.contextmanager
def products_on_one_core() -> Iterator[None]:
    """Within the block each matrix product is computed by the thread that asks for it, whatever others do meanwhile."""
    library = load_fast_blas().library
    if not hasattr(library, "openblas_set_num_threads"):  # another BLAS, which has one thread
        yield
        return
    before = library.openblas_get_num_threads()
    library.openblas_set_num_threads(1)
    try:
        yield
    finally:
        library.openblas_set_num_threads(before)


def _processor(flags: set[str]) -> str | None:
    """OpenBLAS's name for a processor with these abilities, as `/proc/cpuinfo` calls them; None for an old one."""
    if {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"} <= flags:
        return "SKYLAKEX"
    return "HASWELL" if {"avx2", "fma"} <= flags else None


def _flags() -> set[str]:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("flags"):
                return set(line.split())
    return set()


def _runs_here(library: str) -> bool:
    """Whether `library` can multiply on this processor, tried where a crash hurts nobody."""
    try:
        trial = subprocess.run(
            [sys.executable, "-I", "-S", "-c", TRIAL, library],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=TRIAL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return trial.returncode == 0


def _wheel_suits() -> bool:
    """Whether the wheel's library would run on this processor; there is no asking it before it is installed."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return True
    return "avx512f" in _flags()


def _system_command() -> str:
    """The command that installs OpenBLAS with this distribution's own tool."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    family = {release.get("ID", ""), *release.get("ID_LIKE", "").split()}
    if family & {"fedora", "rhel", "centos"}:
        return "sudo dnf install openblas-threads"
    if "arch" in family:
        return "sudo pacman -S openblas"
    return "sudo apt install libopenblas0-pthread"
