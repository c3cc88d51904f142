import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
import tuned_model
from export.ollama_with_store import OllamaWithStore
from export.test_chat_form import CHATML, QWEN3

from tui_tuner.errors import (
    ConfigurationError,
    ExportError,
    StorageError,
    TeacherError,
    TeacherRefused,
    TeacherUnavailable,
)
from tui_tuner.export.fuse import fuse, plan_fuse
from tui_tuner.export.greedy import speak
from tui_tuner.export.ollama_export import NameTaken, export_to_ollama, ollama_name, parameters_of, plan_ollama
from tui_tuner.export.proof_rows import Proof, kept_proofs
from tui_tuner.models.loading import load_model
from tui_tuner.progress import Notice, StageProgress, StopToken, ignore_event

WITHIN = 60


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project with a fused model, and what that answers."""
    place = tmp_path_factory.mktemp("made")
    base = tuned_model.speaker(place / "base")
    project = tuned_model.project(place / "My Project!", base)
    fuse(plan_fuse(project, base), emit=ignore_event, stop=StopToken())
    return project, {one.question: one.text for one in speak(load_model(project.fused_model), StopToken())}


@pytest.fixture
def server(made, tmp_path, monkeypatch):
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "store"))
    tokenizer = made[0].fused_model / "tokenizer.json"
    with OllamaWithStore(tmp_path / "store", tokenizer, lambda question: made[1].get(question, "")) as running:
        yield running


@pytest.fixture
def project(made, server):
    path = made[0].fused_model / "tuner.json"
    story = path.read_bytes()
    yield made[0].with_settings("export", {"ollama_url": server.place, "ollama_name": "mine"})
    path.write_bytes(story)


@pytest.fixture
def put_template(made):
    """Gives the fused model another chat template."""
    path = made[0].fused_model / "tokenizer_config.json"
    before = path.read_bytes()
    yield lambda template: path.write_text(json.dumps({**json.loads(before), "chat_template": template}))
    path.write_bytes(before)


@pytest.fixture
def no_gguf(monkeypatch):
    """A kind of model that cannot be written as GGUF here, and that Ollama converts itself."""
    import tui_tuner.export.gguf.write as module

    def refuse(_plan):
        raise ExportError("no GGUF of this kind of model")

    monkeypatch.setattr(module, "contents_of", refuse)


def export(project, *, emit=ignore_event, stop=None, replace=False):
    return export_to_ollama(plan_ollama(project, replace=replace), emit=emit, stop=stop or StopToken())


def test_a_date_in_the_template_is_said_to_stay(put_template, project):
    put_template("{{ 'Today: ' + strftime_now('%d %b %Y') + '\n' }}" + CHATML)
    notices = []
    with contextlib.suppress(ExportError):  # what it answers is another matter
        export(project, emit=notices.append)
    today = time.strftime("%d %b %Y")
    assert f"it stays {today}" in "\n".join(event.text for event in notices if isinstance(event, Notice))


def test_a_model_that_thinks_is_compared_with_its_thinking_on_and_off(put_template, project, server, monkeypatch):
    # mlx-lm tells such a model by tokens of its own for `<think>`, which this small one has not.
    monkeypatch.setattr("mlx_lm.tokenizer_utils.TokenizerWrapper.has_thinking", True)
    put_template(QWEN3)
    loaded = load_model(project.fused_model)
    spoken = speak(loaded, StopToken())
    assert loaded.tokenizer.decode(list(spoken[0].prompt)).endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")
    monkeypatch.setattr(server, "says", {one.question: one.text for one in spoken}.__getitem__)
    rows = {row.name: row for row in export(project).proof.rows}
    assert {row.verdict for row in rows.values()} == {"passed"}
    assert rows["chat template"].finding.startswith("10 conversations")
    # One that would be told otherwise not to think is noticed.
    server.mangle = lambda template: template.replace("</think>\\n", "</think>")
    with pytest.raises(ExportError, match="instead of"):
        export(project, replace=True)


@pytest.mark.parametrize("way", ["gguf", "safetensors"])
def test_the_model_is_brought_proved_and_named(way, project, server, request):
    if way == "safetensors":
        request.getfixturevalue("no_gguf")
    events = []
    found = export(project, emit=events.append)
    assert server.names() == ["mine:latest"]
    assert found.proof.passed
    assert [row.verdict for row in found.proof.rows] == ["passed"] * 5
    assert kept_proofs(project.fused_model)[-1] == found.proof
    (body,) = server.created
    assert body["parameters"] == {"stop": ["<|im_end|>"]}
    if way == "gguf":
        assert list(body["files"]) == ["My Project!.gguf"]
    else:
        assert "model.safetensors" in body["files"] and "tuner.json" not in body["files"]
    assert "quantize" not in body
    stages = [event.stage for event in events if isinstance(event, StageProgress) and event.ended]
    assert stages[0] == "Ask the fused model"
    assert stages[-4:] == ["Read the files", "Upload", "Ollama imports it", "Prove it in Ollama"]
    upload = [event for event in events if isinstance(event, StageProgress) and event.stage == "Upload"]
    assert upload[-1].done == pytest.approx(upload[-1].total)
    assert server.evicted == ["mine:tuner-check"]  # it gives its memory back


@pytest.mark.parametrize("way", ["gguf", "safetensors"])
def test_nothing_but_the_model_stays_in_the_store(way, project, server, request):
    if way == "safetensors":
        request.getfixturevalue("no_gguf")
    export(project)
    assert not list((project.folder / "exports").glob(".*"))
    (layer,) = server.model("mine")["layers"]
    assert [path.name for path in (server.store / "blobs").iterdir()] == [layer["digest"].replace(":", "-")]


def test_squeezed_there_it_is_made_in_two_steps_and_leaves_nothing(project, server):
    export(project.with_settings("export", {"ollama_quantize": "q4_K_M", "ollama_parameters": "num_ctx=4096"}))
    first, second = server.created
    assert "quantize" not in first and "files" in first
    assert (second["quantize"], second["from"]) == ("Q4_K_M", first["model"])
    assert second["parameters"]["num_ctx"] == 4096
    assert server.names() == ["mine:latest"]
    assert len(list((server.store / "blobs").iterdir())) == 1


def test_a_name_that_is_taken_is_asked_about(project, server):
    server.make("mine:latest", old=True)
    with pytest.raises(NameTaken, match="mine already"):
        export(project)
    assert server.model("mine")["old"] and not server.created
    export(project, replace=True)
    assert "old" not in server.model("mine")
    assert server.names() == ["mine:latest"]


@pytest.mark.parametrize("fault", ["template", "answers", "bos"])
def test_another_model_than_the_trained_one_is_not_done(fault, project, server, made):
    server.make("mine:latest", old=True)
    if fault == "template":
        server.mangle = lambda template: template.replace("assistant", "model")
    elif fault == "answers":
        server.says = lambda question: made[1][question][::-1]
    else:
        server.adds_bos = True
    events = []
    with pytest.raises(ExportError, match="not the one that was trained"):
        export(project, emit=events.append, replace=True)
    assert server.model("mine")["old"]  # what was there is as it was
    assert server.names() == ["mine:latest"]
    (proof,) = [event for event in events if isinstance(event, Proof)]
    differing = {row.name for row in proof.rows if row.verdict == "differs"}
    assert (
        differing
        == {
            "template": {"template", "chat template", "tokens"},
            "answers": {"answers"},
            "bos": {"tokens"},
        }[fault]
    )
    assert all(row.meaning for row in proof.rows if row.verdict == "differs")
    assert not kept_proofs(project.fused_model)[-1].passed


def test_an_ollama_that_cannot_show_its_prompts_leaves_a_row_unproved(project, server):
    server.shows_prompts = False
    found = export(project)
    assert {row.name: row.verdict for row in found.proof.rows}["chat template"] == "unproved"
    assert found.proof.passed


@pytest.mark.parametrize(
    ("day", "error", "words"),
    [
        ("breaks off", TeacherUnavailable, "broke off"),
        ("disk full", TeacherRefused, "disk is full"),
        ("damaged", TeacherRefused, "digest mismatch"),
    ],
)
def test_after_a_bad_day_only_the_rest_is_sent(day, error, words, project, server, no_gguf):
    parts = plan_ollama(project).fused.parts
    server.bad_days = ["", day]
    with pytest.raises(error, match=words):
        export(project)
    assert len(server.received) == 1
    assert not server.created
    export(project)
    assert sorted(server.received) == sorted(set(server.received))  # no file twice
    assert len(server.received) == len(parts)
    assert server.names() == ["mine:latest"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"status": "converting model"}, {"error": "unsupported architecture"}], "unsupported architecture"),
        ([{"status": "converting model"}], "ended early, at: converting model"),
        ([{"error": "write /tmp: no space left on device"}], "disk is full"),
    ],
)
def test_an_import_that_fails_leaves_nothing_behind(rows, words, project, server):
    server.on_create = lambda handler, _body: handler.lines(*rows)
    with pytest.raises(TeacherError, match=words):
        export(project)
    assert server.names() == []
    assert list((server.store / "blobs").iterdir()) == []


def test_a_store_that_is_not_found_is_said_and_other_models_are_never_touched(project, server, monkeypatch, no_gguf):
    folder = project.fused_model
    other = server.keep((folder / "tokenizer.json").read_bytes())  # a model of somebody else's is made of this file
    server.manifest("other:latest").parent.mkdir()
    server.manifest("other:latest").write_text(json.dumps({"layers": [{"digest": other}]}))
    events = []
    export(project, emit=events.append)
    assert server.blob(other).is_file()
    assert not [event for event in events if isinstance(event, Notice) and "stay in" in event.text]
    monkeypatch.setenv("OLLAMA_MODELS", "/nowhere")
    export(project, emit=events.append, replace=True)
    (notice,) = [event for event in events if isinstance(event, Notice) and "stay in" in event.text]
    assert "until it is started again" in notice.text


def test_stopped_while_it_uploads_the_server_notices(project, server):
    assert server.stopped_half_way(lambda stop: export(project, stop=stop), held=False)
    assert server.names() == []


def test_killed_while_it_uploads_the_next_one_goes_on(project, server, tmp_path):
    server.go_on.clear()
    code = f"""
from pathlib import Path
from tui_tuner.models.blas import load_fast_blas
load_fast_blas()
from tui_tuner.project import open_project
from tui_tuner.step_work import ollama_work
from tui_tuner.progress import StopToken, ignore_event
project = open_project(Path({str(project.folder)!r}))
project = project.with_settings("export", {{"ollama_url": {server.place!r}, "ollama_name": "mine"}})
ollama_work(project)(ignore_event, StopToken())
"""
    child = subprocess.Popen([sys.executable, "-c", code])
    try:
        assert server.half.wait(WITHIN)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait(WITHIN)
    server.go_on.set()
    export(project)
    assert server.names() == ["mine:latest"]
    assert len(server.received) == 1
    assert len(list((server.store / "blobs").iterdir())) == 1
    assert not list((project.folder / "exports").glob(".*"))


def test_a_full_disk_here_brings_nothing_there_and_leaves_nothing(project, server, monkeypatch):
    from gguf import GGUFWriter

    def full(_self, _tensor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(GGUFWriter, "write_tensor_data", full)
        with pytest.raises(StorageError, match="the disk is full"):
            export(project)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=1000))
        with pytest.raises(StorageError, match="not enough disk space"):
            export(project)
    assert not server.received and not server.created
    assert not list((project.folder / "exports").glob(".*"))
    export(project)
    assert server.names() == ["mine:latest"]


def test_without_an_ollama_there_is_a_modelfile_and_the_command(made, project):
    away = project.with_settings("export", {"ollama_url": "127.0.0.1:9", "ollama_parameters": "temperature=0.2"})
    with pytest.raises(TeacherUnavailable) as caught:
        export(away)
    file = project.fused_model / "Modelfile"
    assert "ollama create mine -f" in caught.value.advice and str(file) in caught.value.advice
    text = file.read_text()
    file.unlink()
    assert text.startswith('FROM .\nTEMPLATE """{{ range')
    assert 'PARAMETER stop "<|im_end|>"\nPARAMETER temperature 0.2\n' in text


def test_what_cannot_be_planned(project, made, tmp_path):
    assert ollama_name(made[0]) == "my-project"
    for name in ("two words", "../x", "a:b:c", ":tag"):
        with pytest.raises(ConfigurationError, match="no name for Ollama"):
            plan_ollama(project.with_settings("export", {"ollama_name": name}))
    with pytest.raises(ConfigurationError, match="no parameter"):
        plan_ollama(project.with_settings("export", {"ollama_parameters": "temperature"}))
    with pytest.raises(ExportError, match="no fused model yet"):
        plan_ollama(project.with_settings("export", {"name": "another"}))
    numbers = project.with_settings("export", {"ollama_parameters": "num_ctx=4096; top_p=0.5; penalize_newline=true"})
    assert parameters_of(numbers.choices.export) == {"num_ctx": 4096, "top_p": 0.5, "penalize_newline": True}


def test_what_ollama_cannot_read_is_known_before_it_is_asked(project, no_gguf, server):
    path = project.fused_model / "config.json"
    before = path.read_bytes()
    try:
        path.write_text(json.dumps({**json.loads(before), "quantization": {"bits": 4}}))
        with pytest.raises(ExportError, match="squeezed"):
            plan_ollama(project)
        path.write_text(json.dumps({**json.loads(before), "architectures": ["MistralForCausalLM"]}))
        with pytest.raises(ExportError, match="no GGUF of this kind"):
            export(project)
        assert not server.received
    finally:
        path.write_bytes(before)


def test_a_model_nobody_proved_is_not_handed_on(project):
    (project.fused_model / "tuner.json").write_text("{}")
    with pytest.raises(ExportError, match="nothing proves"):
        plan_ollama(project)
