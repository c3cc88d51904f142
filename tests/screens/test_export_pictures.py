"""What the Export step looks like in its main states, kept as pictures. Nothing in them depends on the machine."""

import dataclasses
from pathlib import Path

import pytest
from test_app import WaitingWork

import tui_tuner.screens.export as module
from tui_tuner.app import TunerApp
from tui_tuner.export.ollama_export import NameTaken
from tui_tuner.export.proof_rows import Proof, ProofRow, keep_proof
from tui_tuner.files import write_json, write_text
from tui_tuner.models.model_files import write_provenance
from tui_tuner.progress import StageProgress
from tui_tuner.project import Choices, create_project
from tui_tuner.settings import Settings

FUSED = Proof(
    "fused model",
    True,
    (
        ProofRow("logits", "passed", "differ by 0.00012 at most, 1e-09 nats; training by 3.1"),
        ProofRow("next tokens", "passed", "24 of 24 the same"),
        ProofRow("chat template", "passed", "5 conversations, 213 tokens, all the same"),
        ProofRow("end of turn", "passed", "<|im_end|>"),
    ),
    "2026-11-25T12:00:00Z",
)
OLLAMA = Proof(
    "Ollama garden",
    False,
    (
        ProofRow("chat template", "passed", "5 conversations rendered alike, letter by letter"),
        ProofRow("answers", "differs", "1 of 3 the same", "It answers otherwise than the model that was trained."),
    ),
    "2026-11-25T12:05:00Z",
)
GGUF = Proof(
    "GGUF garden-q8_0",
    True,
    (
        ProofRow("weights", "passed", "272 tensors read back, all the same but for rounding"),
        ProofRow("llama.cpp", "unproved", "llama-cpp-python is not installed", "Install it and export again."),
    ),
    "2026-11-25T12:10:00Z",
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with a run, in a folder whose name is no other on another machine."""
    monkeypatch.chdir(tmp_path)
    made = create_project(Path("garden"), choices=Choices()).with_settings("model", {"name": "not-here"})
    made = dataclasses.replace(made, folder=Path("garden"))
    run = made.runs / "run-1"
    run.mkdir(parents=True)
    for name in ("config.toml", "metrics.jsonl", "adapters.safetensors"):
        write_text(run / name, "")
    write_json(run / "adapter_config.json", {"model": "not-here"})
    return made


@pytest.fixture
def fused(project):
    folder = project.fused_model
    folder.mkdir(parents=True)
    for name, size in {"model.safetensors": 269_000, "config.json": 700, "tokenizer.json": 3_000}.items():
        write_text(folder / name, "{}" + " " * (size - 2))
    write_provenance(folder, {"model": "not-here", "run": "run-1"})
    for proof in (FUSED, OLLAMA, GGUF):
        keep_proof(folder, proof)
    return project


@pytest.fixture
def picture(snap_compare):
    def compare(project, *keys, size=(80, 24), until=None):
        app = TunerApp(project, Settings(last_step="export"))

        async def ready(pilot):
            await pilot.press(*keys)
            while until is not None and not until(app):
                await pilot.pause(0.02)
            await pilot.pause()

        try:
            return snap_compare(app, terminal_size=size, run_before=ready)
        finally:
            app.close()

    return compare


def test_before_there_is_a_model(picture, project):
    assert picture(project)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_what_was_proved_of_it(picture, fused, size):
    assert picture(fused, size=size)


def test_what_differs_in_ollama(picture, fused):
    assert picture(fused, "down")


def test_what_could_not_be_proved(picture, fused):
    assert picture(fused, "down", "down", "down")


def test_it_is_being_written(picture, fused, monkeypatch):
    waiting = WaitingWork()

    def work(emit, stop):
        emit(StageProgress("Ask the fused model", 1.0, ended=True))
        emit(StageProgress("Write the GGUF file", 40.0, 145.0, "MB", 20.0, 5.0, detail="blk.7.ffn_down.weight"))
        waiting(emit, stop)

    monkeypatch.setattr(module, "gguf_work", lambda _project: work)
    assert picture(fused, "w", until=lambda _app: waiting.began.is_set())


def test_what_would_be_uploaded(picture, fused):
    assert picture(fused.with_settings("export", {"repository": "me/garden"}), "u")


def test_a_name_that_is_taken(picture, fused, monkeypatch):
    def taken(_emit, _stop):
        raise NameTaken("there is a model garden already", where="Ollama at localhost:11434", advice="Replace it.")

    monkeypatch.setattr(module, "ollama_work", lambda _project, replace: taken)
    assert picture(fused, "o", until=lambda app: isinstance(app.screen, module.Question))
