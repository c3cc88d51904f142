"""Every test has its own configuration, cache and log folders, and no way out to the network."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tui_tuner.models.blas import load_fast_blas

if "PYTEST_XDIST_WORKER" in os.environ:
    # Each core has a worker: two threads of OpenBLAS that wait for a core both others use make it several times slower.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
load_fast_blas()  # here already: test modules import MLX when they are collected, and it has to come first

REAL_CACHE = os.environ.get("TUNER_CACHE")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The real model may take a quarter of an hour where MLX multiplies without a fast BLAS."""
    for item in items:
        if item.get_closest_marker("starter") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(1800))


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    base = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("TUNER_CONFIG", str(base / "config"))
    monkeypatch.setenv("TUNER_CACHE", str(base / "cache"))
    monkeypatch.setenv("TUNER_LOG", str(base / "log"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(base / "hub"))
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")  # the discard port: a developer's own Ollama is left alone


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if host not in ("127.0.0.1", "::1", "localhost", ""):
            raise ConnectionRefusedError(f"a test may not connect to {host}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def no_llama_cpp(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without llama.cpp, whatever a developer's own has."""
    from tui_tuner.export.gguf import llama_proof

    monkeypatch.setattr(llama_proof, "has_llama_cpp", lambda: False)
    monkeypatch.setattr(llama_proof, "find_llama_server", lambda: "")


@pytest.fixture
def starter(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The real starter model, made once on this machine and kept in the real cache."""
    from tui_tuner.models.starter import make_starter
    from tui_tuner.progress import StopToken, ignore_event

    if REAL_CACHE is None:
        monkeypatch.delenv("TUNER_CACHE")
    else:
        monkeypatch.setenv("TUNER_CACHE", REAL_CACHE)
    return make_starter(emit=ignore_event, stop=StopToken())
