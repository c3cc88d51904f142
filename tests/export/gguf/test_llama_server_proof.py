"""llama.cpp's own server as the proof, where its library for Python is not installed."""

import sys
from pathlib import Path

import pytest
import tiny_families
from export.gguf import small_llama_server

from tui_tuner.errors import ExportError, Stopped
from tui_tuner.export.gguf import llama_proof
from tui_tuner.export.gguf.write import GgufPlan, write_gguf
from tui_tuner.progress import StageProgress, StopToken, ignore_event

needs_llama_cpp = pytest.mark.skipif(not llama_proof.has_llama_cpp(), reason="llama-cpp-python is not installed")


@pytest.fixture(autouse=True)
def server(tmp_path, monkeypatch):
    """A `llama-server` on the path, and no library for Python."""
    program = tmp_path / "bin" / "llama-server"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{Path(small_llama_server.__file__)}' \"$@\"\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setattr(llama_proof, "has_llama_cpp", lambda: False)
    return program


def proof(tmp_path, kind="qwen3", emit=ignore_event, stop=None):
    plan = GgufPlan(tiny_families.make(tmp_path / "model", kind), tmp_path / "out", "f32", "my model")
    return write_gguf(plan, emit=emit, stop=stop or StopToken()).proof


@needs_llama_cpp
@pytest.mark.parametrize("kind", ["llama", "qwen3", "mistral"])
def test_it_reads_and_says_what_mlx_does(tmp_path, kind):
    found = proof(tmp_path, kind)
    assert [row.name for row in found.rows][-3:] == ["tokenizer", "chat template", "answers"]
    assert {row.verdict for row in found.rows} == {"passed"}, found.rows


@needs_llama_cpp
def test_one_that_reads_otherwise_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setenv("SMALL_LLAMA_SERVER", "lower")
    with pytest.raises(ExportError, match="tokenizer: token"):
        proof(tmp_path)


@needs_llama_cpp
def test_one_that_cannot_be_understood_proves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("SMALL_LLAMA_SERVER", "torn")
    (row,) = [row for row in proof(tmp_path).rows if row.verdict != "passed"]
    assert (row.name, row.verdict) == ("llama.cpp", "unproved") and "cannot be asked" in row.finding


@needs_llama_cpp
def test_one_that_a_question_ends_has_proved_the_file_wrong(tmp_path, monkeypatch):
    monkeypatch.setenv("SMALL_LLAMA_SERVER", "fatal")
    with pytest.raises(ExportError, match="GGML_ASSERT"):
        proof(tmp_path)


def test_one_that_is_too_old_or_cannot_load_the_file_is_told_apart(tmp_path, monkeypatch):
    monkeypatch.setenv("SMALL_LLAMA_SERVER", "error: unknown model architecture: 'qwen9'")
    row = proof(tmp_path).rows[-1]
    assert row.verdict == "unproved" and "too old" in row.finding and "brew install" in row.meaning
    monkeypatch.setenv("SMALL_LLAMA_SERVER", "GGML_ASSERT(n > 0) failed")
    with pytest.raises(ExportError, match="GGML_ASSERT"):
        proof(tmp_path / "again")


def test_it_can_be_stopped_while_it_loads(tmp_path, monkeypatch):
    monkeypatch.setenv("SMALL_LLAMA_SERVER", "deaf")
    stop = StopToken()

    def emit(event):
        if isinstance(event, StageProgress) and event.stage == "Ask llama.cpp":
            stop.request()

    with pytest.raises(Stopped):
        proof(tmp_path, emit=emit, stop=stop)
    assert not (tmp_path / "out").exists()
