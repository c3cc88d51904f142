from __future__ import annotations

import hashlib
import http.server
import json
import socket
import threading
import time
from pathlib import Path

import pytest

from tui_tuner.errors import ModelError, Stopped
from tui_tuner.models.catalogue import fetch_model, is_model_folder
from tui_tuner.models.hub import download_snapshot
from tui_tuner.models.hub_download import folder_size
from tui_tuner.progress import StageProgress, StopToken, ignore_event

REPOSITORY = "somebody/a-model"
COMMIT = "0123456789012345678901234567890123456789"
FILES = {
    "config.json": b"{}",
    "model.safetensors": bytes(range(256)) * 120_000,  # the hub's library writes 10 MB at a time
    "README.md": b"not wanted",
    "pytorch_model.bin": b"not wanted either",
}


class Hub(http.server.ThreadingHTTPServer):
    """As much of the hub as a download asks for; may refuse, and may hold the weights back half-way."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.refusal = ""  # the hub's own code: "GatedRepo" or "RepoNotFound"
        self.files = dict(FILES)
        self.go_on = threading.Event()
        self.go_on.set()
        self.asked: list[str] = []


class Answers(http.server.BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        path = self.path.split("?")[0]
        self.server.asked.append(path)
        if self.server.refusal:
            self.reply(403 if self.server.refusal == "GatedRepo" else 404, b"", {"X-Error-Code": self.server.refusal})
        elif path.startswith(f"/{REPOSITORY}/resolve/"):
            content = self.server.files[path.rsplit("/", 1)[1]]
            tag = hashlib.sha1(content).hexdigest()
            self.reply(200, content, {"X-Repo-Commit": COMMIT, "ETag": f'"{tag}"'}, body=body)
        elif "/tree/" in path:
            tree = [
                {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for name, content in self.server.files.items()
            ]
            self.reply(200, json.dumps(tree).encode())
        else:
            names = [{"rfilename": name} for name in self.server.files]
            self.reply(200, json.dumps({"id": REPOSITORY, "sha": COMMIT, "siblings": names}).encode())

    def reply(self, code: int, content: bytes, headers: dict[str, str] | None = None, *, body: bool = True) -> None:
        self.send_response(code)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            half = len(content) // 2
            self.wfile.write(content[:half])
            self.wfile.flush()
            if content == FILES["model.safetensors"]:
                self.server.go_on.wait()
            self.wfile.write(content[half:])

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def hub(tmp_path, monkeypatch):
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HF_HUB_OFFLINE", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    yield server
    server.go_on.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_downloads_what_mlx_lm_reads_and_nothing_else(hub):
    events: list[StageProgress] = []
    folder = download_snapshot(REPOSITORY, emit=events.append, stop=StopToken())
    assert {path.name for path in folder.iterdir()} == {"config.json", "model.safetensors"}
    assert (folder / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    assert is_model_folder(folder)
    assert events[0].total == pytest.approx(30.720002) and REPOSITORY in events[0].stage
    assert events[-1].ended and events[-1].done == events[-1].total


def test_growth_is_progress_and_stop_keeps_only_whole_files(hub, tmp_path):
    hub.go_on.clear()
    stop, events = StopToken(), []

    def stop_in_the_middle(event) -> None:
        events.append(event)
        if event.done > 9:
            stop.request()

    with pytest.raises(Stopped):
        download_snapshot(REPOSITORY, emit=stop_in_the_middle, stop=stop)
    assert 9 < events[-1].done < 16 and events[-1].rate and events[-1].eta_seconds
    assert not list(Path(tmp_path / "home").rglob("*.incomplete"))
    hub.go_on.set()
    hub.asked.clear()
    assert is_model_folder(download_snapshot(REPOSITORY, emit=ignore_event, stop=StopToken()))
    assert not any(path.endswith("config.json") for path in hub.asked)  # had arrived before


@pytest.mark.parametrize(
    ("refusal", "what", "advice"),
    [("GatedRepo", "gated", "hf auth login"), ("RepoNotFound", "no such model", "Check the name")],
)
def test_what_the_hub_refuses_is_explained(hub, refusal, what, advice):
    hub.refusal = refusal
    with pytest.raises(ModelError, match=what) as caught:
        download_snapshot(REPOSITORY, emit=ignore_event, stop=StopToken())
    assert caught.value.where == REPOSITORY
    assert advice in caught.value.advice and f"127.0.0.1:{hub.server_port}/{REPOSITORY}" in caught.value.advice


def test_a_hub_out_of_reach_is_explained(hub, monkeypatch):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: refused at once
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        began = time.perf_counter()
        with pytest.raises(ModelError, match="cannot be reached"):
            download_snapshot(REPOSITORY, emit=ignore_event, stop=StopToken())
        assert time.perf_counter() - began < 30


def test_offline_by_choice_is_explained(hub, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="cannot be reached"):
        download_snapshot(REPOSITORY, emit=ignore_event, stop=StopToken())


def test_a_repository_without_weights_for_mlx_is_refused(hub, monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "home" / "hub"))
    del hub.files["model.safetensors"]
    with pytest.raises(ModelError, match="no weights that mlx-lm reads"):
        fetch_model(REPOSITORY, emit=ignore_event, stop=StopToken())


def test_files_in_the_persons_folder_do_not_stand_in_for_pythons_own(hub, monkeypatch, tmp_path):
    (tmp_path / "random.py").write_text("raise SystemExit('taken for the real one')")
    monkeypatch.chdir(tmp_path)
    assert download_snapshot(REPOSITORY, emit=ignore_event, stop=StopToken()).is_dir()


def test_a_part_counts_by_what_is_written_not_by_where_it_ends(tmp_path):
    with (tmp_path / "part").open("wb") as part:
        part.truncate(50_000_000)  # reserved, nothing written yet
    (tmp_path / "whole").write_bytes(bytes(1000))
    assert 1000 <= folder_size(tmp_path) < 1_000_000
    assert folder_size(tmp_path / "nothing") == 0
