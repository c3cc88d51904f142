"""Downloads from a hub on this machine, well-behaved and not."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from models import small_hub
from models.small_hub import SmallHub

from tui_tuner.errors import ModelError, Stopped, StorageError
from tui_tuner.models.catalogue import fetch_model, is_model_folder
from tui_tuner.models.hub import DownloadProgress, download_snapshot
from tui_tuner.models.hub_transfer import HubFile, NoRoom, require_room
from tui_tuner.progress import StopToken, ignore_event

REPOSITORY = "somebody/a-model"
WEIGHTS = bytes(range(256)) * 120_000  # the hub's library writes 10 MB at a time
FILES = {
    "config.json": b"{}",
    "model.safetensors": WEIGHTS,
    "modeling.py": b"print('code of its own')",
    "README.md": b"the card: it says the licence",
    "pytorch_model.bin": b"not wanted either",
}
TOKEN = "hf_a-secret-nobody-should-see"
WITHIN = 30.0  # seconds, for what takes less than one


@pytest.fixture
def hub(tmp_path, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HF_HUB_OFFLINE", "HF_HUB_CACHE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    with SmallHub({REPOSITORY: FILES}).running() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


def download(**options) -> Path:
    return download_snapshot(REPOSITORY, emit=ignore_event, stop=StopToken(), **options)


def parts(tmp_path) -> list[Path]:
    return list((tmp_path / "home").rglob("*.incomplete"))


def test_brings_what_mlx_lm_reads_and_neither_programs_nor_anything_else(hub):
    events: list[DownloadProgress] = []
    folder = download_snapshot(REPOSITORY, emit=events.append, stop=StopToken())
    assert {path.name for path in folder.iterdir()} == {"README.md", "config.json", "model.safetensors"}
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert is_model_folder(folder)
    assert events[0].total == pytest.approx(30.720002) and REPOSITORY in events[0].stage
    assert events[-1].ended and events[-1].done == events[-1].total
    assert [file.name for file in events[-1].files] == ["model.safetensors", "README.md", "config.json"]
    assert all(file.done == file.total for file in events[-1].files)


def test_programs_come_only_with_a_model_that_is_trusted(hub):
    assert (download(code=True) / "modeling.py").read_bytes() == FILES["modeling.py"]


def test_what_is_here_is_not_fetched_again(hub):
    download()
    hub.ranges.clear()
    download()
    assert not hub.ranges


def test_stopped_half_way_it_goes_on_there(hub, tmp_path):
    hub.go_on.clear()
    stop, events = StopToken(), []

    def stop_in_the_middle(event) -> None:
        events.append(event)
        if event.done > 9 and event.detail:  # the first look has none to tell
            stop.request()

    with pytest.raises(Stopped):
        download_snapshot(REPOSITORY, emit=stop_in_the_middle, stop=stop)
    assert 9 < events[-1].done < 16
    assert "model.safetensors" in events[-1].detail and "of 3 files" in events[-1].detail
    arrived = parts(tmp_path)[0].stat().st_size
    assert arrived > 9_000_000
    hub.go_on.set()
    events.clear()
    folder = download_snapshot(REPOSITORY, emit=events.append, stop=StopToken())
    assert hub.ranges[-1] == f"bytes={arrived}-"
    # A fast machine has fetched some of the rest before the first look.
    assert events[0].done > (arrived + 1) / 1e6 and not events[0].rate
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert not parts(tmp_path)


def test_killed_half_way_it_goes_on_there_and_its_own_process_ends_too(hub, tmp_path):
    hub.go_on.clear()
    code = f"""
import os, signal
from tui_tuner.models.hub import download_snapshot
from tui_tuner.progress import StopToken

def hear(event):
    if event.done > 9:
        os.kill(os.getpid(), signal.SIGKILL)

download_snapshot({REPOSITORY!r}, emit=hear, stop=StopToken())
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    with next((tmp_path / "home").rglob(f"{parts(tmp_path)[0].name.partition('.')[0]}.lock")).open() as lock:
        # An orphan that went on would hold it for minutes.
        free = threading.Thread(target=fcntl.flock, args=(lock, fcntl.LOCK_EX), daemon=True)
        free.start()
        free.join(WITHIN)
        assert not free.is_alive()
    arrived = parts(tmp_path)[0].stat().st_size
    hub.go_on.set()
    assert (download() / "model.safetensors").read_bytes() == WEIGHTS
    assert arrived > 9_000_000 and hub.ranges == [None, f"bytes={arrived}-"]


@pytest.mark.parametrize(
    "bad_days",
    [
        [
            small_hub.drops_the_connection,
            small_hub.is_busy,
            small_hub.drops_the_connection,
            small_hub.ignores_the_range,
        ],
        [small_hub.ends_early],
        [small_hub.sends_too_much],
        [small_hub.sends_something_else],
    ],
)
def test_a_bad_day_of_the_hub_is_got_over(hub, tmp_path, bad_days):
    hub.bad_days = list(bad_days)
    assert (download() / "model.safetensors").read_bytes() == WEIGHTS
    assert not hub.bad_days and not parts(tmp_path)


def test_what_stays_damaged_is_refused(hub, tmp_path):
    hub.bad_days = [small_hub.sends_something_else] * 2
    with pytest.raises(ModelError, match=r"model\.safetensors does not arrive"):
        download()
    assert not parts(tmp_path)


@pytest.mark.parametrize(
    ("refusal", "what", "advice"),
    [
        ((401, "GatedRepo"), "gated", "then log in with: hf auth login"),
        ((404, "RepoNotFound"), "no such model", "log in with: hf auth login"),
        ((403, ""), "wants to know who asks", "settings/tokens"),
        ((500, ""), "busy or has a fault", "Start it again"),
    ],
)
def test_what_the_hub_refuses_is_explained(hub, refusal, what, advice):
    hub.refusal = refusal
    with pytest.raises(ModelError, match=what) as caught:
        download()
    assert caught.value.where == REPOSITORY
    assert advice in caught.value.advice


@pytest.mark.parametrize(
    ("refusal", "advice"),
    [((403, "GatedRepo"), "with the account of your token"), ((404, "RepoNotFound"), "your token may not see it")],
)
def test_with_a_token_the_advice_is_another(hub, monkeypatch, refusal, advice):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.refusal = refusal
    with pytest.raises(ModelError) as caught:
        download()
    assert advice in caught.value.advice
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("place", ["HF_TOKEN", "file"])
def test_the_token_of_the_usual_places_goes_to_the_hub_and_nowhere_else(hub, monkeypatch, tmp_path, place):
    hub.token = TOKEN
    if place == "HF_TOKEN":
        monkeypatch.setenv("HF_TOKEN", TOKEN)
    else:
        (tmp_path / "home").mkdir()
        (tmp_path / "home" / "token").write_text(TOKEN)
    events: list[DownloadProgress] = []
    folder = download_snapshot(REPOSITORY, emit=events.append, stop=StopToken())
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert hub.ranges and not hub.tokens_seen
    assert TOKEN not in repr(events)
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "token"]
    assert not any(TOKEN.encode() in path.read_bytes() for path in written)


def test_a_token_that_is_refused_is_said_and_not_shown(hub, monkeypatch):
    hub.token = "another one"
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with pytest.raises(ModelError, match="refuses your token") as caught:
        download()
    assert TOKEN not in str(caught.value)


def test_a_signature_in_an_address_is_not_shown(hub):
    hub.bad_days = [lambda store, content: store.reply(400)]
    with pytest.raises(ModelError, match="download failed") as caught:
        download()
    assert "secret" not in str(caught.value)


def test_a_hub_out_of_reach_is_explained(hub, monkeypatch):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: refused at once
        monkeypatch.setenv("HF_ENDPOINT", f"http://me:a-password@127.0.0.1:{nobody.getsockname()[1]}")
        with pytest.raises(ModelError, match="cannot be reached") as caught:
            download()
    assert "a-password" not in str(caught.value)


def test_offline_by_choice_is_explained(hub, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE keeps"):
        download()


def test_what_does_not_fit_on_the_disk_is_not_begun(tmp_path):
    blobs = tmp_path / "models--a--b" / "blobs"
    blobs.mkdir(parents=True)
    huge = HubFile("model.safetensors", 10**18, "", "", blobs / "aa")
    with pytest.raises(NoRoom) as caught:
        require_room([huge])
    assert caught.value.needed > 10**18 > caught.value.free
    huge.part.touch()
    os.truncate(huge.part, 10**12)  # of this, something is here already
    with pytest.raises(NoRoom) as caught:
        require_room([huge])
    assert caught.value.needed < 10**18


def test_no_room_is_said_with_both_sizes(hub, monkeypatch, tmp_path):
    answer = {"failure": "room", "needed": 5_000_000_000, "free": 1_000_000_000, "place": "/cache"}
    from tui_tuner.models.hub_failures import failure

    error = failure(REPOSITORY, answer, "")
    assert isinstance(error, StorageError)
    assert "5.0 GB more, 1.0 GB are free in /cache" in error.what


def test_a_repository_without_weights_for_mlx_is_refused(hub, monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "home" / "hub"))
    del hub.repositories[REPOSITORY]["model.safetensors"]
    with pytest.raises(ModelError, match="no weights that mlx-lm reads"):
        fetch_model(REPOSITORY, emit=ignore_event, stop=StopToken())


def test_files_in_the_persons_folder_do_not_stand_in_for_pythons_own(hub, monkeypatch, tmp_path):
    (tmp_path / "random.py").write_text("raise SystemExit('taken for the real one')")
    monkeypatch.chdir(tmp_path)
    assert download().is_dir()
