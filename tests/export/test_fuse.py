import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest
import tiny_model
import tuned_model

from tui_tuner.errors import ConfigurationError, ExportError, ProjectError, Stopped, StorageError
from tui_tuner.export.fuse import fuse, plan_fuse, usage_of
from tui_tuner.export.fused import fused_folder
from tui_tuner.export.proof_rows import Proof, kept_proofs
from tui_tuner.models.loading import load_model
from tui_tuner.models.model_files import copy_tokenizer
from tui_tuner.progress import Notice, StageProgress, StopToken, ignore_event
from tui_tuner.project import save_project

TOKENS = [1, 50, 60, 70, 80, 90]
FULL_PRECISION = {"float32": "float32", "float16": "float16", "bfloat16": "bfloat16", "q4": "bfloat16", "q8": "float32"}


def logits(loaded):
    import mlx.core as mx

    return loaded.model(mx.array([TOKENS])).astype(mx.float32)


def stored_types(folder):
    import mlx.core as mx

    return {
        str(weight.dtype).removeprefix("mlx.core.") for weight in mx.load(str(folder / "model.safetensors")).values()
    }


@pytest.fixture
def base(tmp_path):
    return tiny_model.make(tmp_path / "base", tied=False)


@pytest.fixture
def project(tmp_path, base):
    return tuned_model.project(tmp_path / "my project", base)


def of_kind(kind, base, tmp_path):
    if kind == "float32":
        return base
    if kind == "q8":
        return tuned_model.quantized(base, tmp_path / "q8", 8)
    if kind == "q4":
        return tuned_model.quantized(tuned_model.in_type(base, tmp_path / "half", "bfloat16"), tmp_path / "q4", 4)
    return tuned_model.in_type(base, tmp_path / "half", kind)


@pytest.mark.parametrize("kind", list(FULL_PRECISION))
def test_mlx_lm_loads_the_fused_folder_as_the_tuned_model(kind, base, project, tmp_path):
    from mlx_lm import load

    model = of_kind(kind, base, tmp_path)
    events = []
    fused = fuse(plan_fuse(project, model), emit=events.append, stop=StopToken())
    assert fused.path == project.fused_model
    assert stored_types(fused.path) == {FULL_PRECISION[kind]} == {fused.weight_type}
    tuned = logits(load_model(model, project.runs / "run-1"))
    theirs, tokenizer, config = load(str(fused.path), return_config=True)
    found = logits(SimpleNamespace(model=theirs))
    largest = float(abs(tuned - logits(load_model(model))).max())
    assert float(abs(found - tuned).max()) < (1e-4 if "float32" in FULL_PRECISION[kind] else 0.05) * largest
    assert not {"quantization", "quantization_config"} & set(config)
    assert tokenizer.chat_template == tiny_model.TEMPLATE
    assert [event for event in events if isinstance(event, Proof)] == [fused.proof] == kept_proofs(fused.path)
    assert [row.verdict for row in fused.proof.rows] == ["passed"] * 6
    likeness = fused.likeness
    assert likeness.tuning > 1000 * likeness.divergence or kind not in ("float32", "q8")
    beforehand = events[: next(place for place, event in enumerate(events) if isinstance(event, StageProgress))]
    notices = [event.text for event in beforehand if isinstance(event, Notice)]
    assert FULL_PRECISION[kind] in notices[0]
    assert ("full precision" in " ".join(notices)) == kind.startswith("q")  # a quantized base grows: said beforehand


@pytest.mark.parametrize(
    ("fine_tune_type", "kind"),
    [("dora", "float32"), ("dora", "bfloat16"), ("dora", "q4"), ("full", "float32"), ("full", "bfloat16")],
)
def test_every_kind_of_adapter_is_fused_in_the_type_of_the_base(fine_tune_type, kind, base, project, tmp_path):
    model = of_kind(kind, base, tmp_path)
    shutil.rmtree(project.runs / "run-1")
    tuned_model.adapter(project.runs / "run-1", model, fine_tune_type=fine_tune_type)
    fused = fuse(plan_fuse(project, model), emit=ignore_event, stop=StopToken())
    assert fused.proof.passed
    assert fused.likeness.tuning > 100 * fused.likeness.divergence
    assert stored_types(fused.path) == {FULL_PRECISION[kind]} == {fused.weight_type}


@pytest.mark.parametrize("bits", [8])
def test_a_base_may_stay_quantized_where_that_keeps_the_tuning(bits, base, project, tmp_path):
    import mlx.core as mx

    model = tuned_model.quantized(base, tmp_path / "squeezed", bits)
    project = project.with_settings("export", {"dequantize": "false"})
    fused = fuse(plan_fuse(project, model), emit=ignore_event, stop=StopToken())
    assert json.loads((fused.path / "config.json").read_text())["quantization"]["bits"] == bits
    names = set(mx.load(str(fused.path / "model.safetensors")))
    assert names == set(mx.load(str(model / "model.safetensors")))
    assert 1e-6 < fused.likeness.divergence < fused.likeness.tuning / 10
    row = next(row for row in fused.proof.rows if row.name == "tuning")  # what was lost is measured, and kept
    assert f"{fused.likeness.lost:.1%} of it undone" in row.finding


@pytest.mark.parametrize("kind", ["float32", "q4", "q8"])
def test_it_may_be_squeezed_afterwards_and_what_that_costs_is_measured(kind, base, project, tmp_path):
    from mlx_lm import load

    model = of_kind(kind, base, tmp_path)
    project = project.with_settings("export", {"quantize": "8"})
    fused = fuse(plan_fuse(project, model), emit=ignore_event, stop=StopToken())
    config = json.loads((fused.path / "config.json").read_text())
    assert (config["quantization"]["bits"], config["quantization"]["group_size"]) == (8, 64)
    assert config["quantization_config"] == config["quantization"]
    assert 0 < fused.likeness.lost < 0.25
    theirs, _tokenizer = load(str(fused.path))
    tuned = logits(load_model(model, project.runs / "run-1"))
    assert float(abs(logits(SimpleNamespace(model=theirs)) - tuned).max()) < 0.2 * float(abs(tuned).max())


def test_squeezing_that_loses_the_tuning_is_refused(base, project, tmp_path):
    model = tuned_model.quantized(base, tmp_path / "squeezed", 2)
    shutil.rmtree(project.runs / "run-1")
    tuned_model.adapter(project.runs / "run-1", model, strength=0.001)
    project = project.with_settings("export", {"dequantize": "false"})
    with pytest.raises(ExportError, match="not the one that was trained") as caught:
        fuse(plan_fuse(project, model), emit=ignore_event, stop=StopToken())
    assert "dequantize=true" in caught.value.advice
    assert not project.fused_model.exists()


def test_a_failed_proof_puts_nothing_in_place(base, project, monkeypatch):
    from mlx_lm.tuner.lora import LoRALinear

    right = LoRALinear.fuse
    broken = []

    def forgets_one_layer(self, dequantize=False):
        if not broken:
            broken.append(self)
            self.lora_b = self.lora_b * 0
        return right(self, dequantize)

    earlier = fuse(plan_fuse(project, base), emit=ignore_event, stop=StopToken())
    marker = earlier.path / "mine.txt"
    marker.touch()
    monkeypatch.setattr(LoRALinear, "fuse", forgets_one_layer)
    events = []
    with pytest.raises(ExportError, match="not the one that was trained"):
        fuse(plan_fuse(project, base), emit=events.append, stop=StopToken())
    (proof,) = [event for event in events if isinstance(event, Proof)]
    assert not proof.passed
    assert {row.name for row in proof.rows if row.meaning} <= {"logits", "next tokens"}
    assert marker.exists()
    assert list(project.fused_model.parent.iterdir()) == [project.fused_model]


def test_the_folder_is_a_standard_one(base, project):
    (base / "tokenizer_config.json").write_text(
        json.dumps(
            {k: v for k, v in json.loads((base / "tokenizer_config.json").read_text()).items() if k != "chat_template"}
        )
    )
    (base / "chat_template.jinja").write_text(tiny_model.TEMPLATE)
    (base / "generation_config.json").write_text('{"eos_token_id": 2}')
    (base / "LICENSE").write_text("free")
    fused = fuse(plan_fuse(project, base), emit=ignore_event, stop=StopToken()).path
    assert sorted(path.name for path in fused.iterdir()) == [
        "LICENSE",
        "README.md",
        "chat_template.jinja",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "tuner.json",
    ]
    assert json.loads((fused / "tokenizer_config.json").read_text())["chat_template"] == tiny_model.TEMPLATE
    assert (fused / "tokenizer.json").read_bytes() == (base / "tokenizer.json").read_bytes()
    card = (fused / "README.md").read_text()
    for fact in ("| Training examples | 6 |", "| Held-out examples | 3 |", "| learning_rate | 0.0001 |", "run-1"):
        assert fact in card
    assert fused.stat().st_mode & 0o777 == 0o755


def test_large_models_are_written_in_several_files_with_an_index(base, project, monkeypatch):
    import mlx_lm.utils

    from tui_tuner.models.writing import flat_weights

    shards = mlx_lm.utils.make_shards

    def small(tensors, _gigabytes):
        return [dict(list(tensors.items())[:5]), *shards(dict(list(tensors.items())[5:]))]

    monkeypatch.setattr(mlx_lm.utils, "make_shards", small)
    fused = fuse(plan_fuse(project, base), emit=ignore_event, stop=StopToken())
    names = sorted(path.name for path in fused.path.glob("*.safetensors"))
    assert names == ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    index = json.loads((fused.path / "model.safetensors.index.json").read_text())
    assert index["metadata"]["total_size"] == fused.size
    assert set(index["weight_map"].values()) == set(names)
    assert len(index["weight_map"]) == len(flat_weights(load_model(fused.path).model))


def test_a_disk_too_small_is_known_before_anything_is_written(base, project, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=50_000_000))
    events = []
    with pytest.raises(StorageError, match=r"not enough disk space: .* 14\.\d MB more are needed"):
        fuse(plan_fuse(project, base), emit=events.append, stop=StopToken())
    assert events == []
    assert not project.fused_model.parent.exists()


def test_a_disk_that_fills_up_leaves_nothing(base, project, monkeypatch):
    import mlx.core as mx

    def full(path, _weights, _metadata):
        raise RuntimeError(f"[write] Unable to write 5 bytes to {path}")

    monkeypatch.setattr(mx, "save_safetensors", full)
    free = iter([10**12, 0])
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=next(free)))
    with pytest.raises(StorageError, match="disk is full"):
        fuse(plan_fuse(project, base), emit=ignore_event, stop=StopToken())
    assert list(project.fused_model.parent.iterdir()) == []


def test_a_cut_off_file_is_noticed(base, project, monkeypatch):
    import mlx.core as mx

    save = mx.save_safetensors

    def cut(path, weights, metadata):
        save(path, weights, metadata)
        os.truncate(path, 1000)

    monkeypatch.setattr(mx, "save_safetensors", cut)
    with pytest.raises(StorageError) as caught:
        fuse(plan_fuse(project, base), emit=ignore_event, stop=StopToken())
    assert caught.value.__cause__.errno == errno.ENOSPC


def test_stopped_it_leaves_what_was_there(base, project):
    first = fuse(plan_fuse(project, base), emit=ignore_event, stop=StopToken())
    before = (first.path / "model.safetensors").stat()
    for stage in ("Ask the tuned model", "Write the fused model", "Prove the fused model"):
        stop = StopToken()

        def emit(event, stage=stage, stop=stop):
            if isinstance(event, StageProgress) and event.stage == stage:
                stop.request()

        with pytest.raises(Stopped):
            fuse(plan_fuse(project, base), emit=emit, stop=stop)
    assert (first.path / "model.safetensors").stat().st_mtime_ns == before.st_mtime_ns
    assert list(project.fused_model.parent.iterdir()) == [project.fused_model]


def test_what_a_killed_process_left_is_cleared_away(base, project):
    models = project.fused_model.parent
    name = project.fused_model.name
    (models / f".{name}.abcd1234").mkdir(parents=True)
    (models / f".{name}.old.abcd1234" / name).mkdir(parents=True)
    (models / f".{name}.old.abcd1234" / name / "mine.txt").touch()
    (models / f".{name}.keep").mkdir()
    stop = StopToken()
    stop.request()
    with pytest.raises(Stopped):
        fuse(plan_fuse(project, base), emit=ignore_event, stop=stop)
    # Killed between two renames: the earlier model is put back, the rest is gone, what is not ours stays.
    assert sorted(path.name for path in models.iterdir()) == [f".{name}.keep", name]
    assert (project.fused_model / "mine.txt").exists()


def test_each_question_of_the_proof_is_heard_of(base, project):
    events = []
    fuse(plan_fuse(project, base), emit=events.append, stop=StopToken())
    for stage in ("Ask the tuned model", "Prove the fused model"):
        last = [event for event in events if isinstance(event, StageProgress) and event.stage == stage][-1]
        assert (last.done, last.total, last.unit, last.ended) == (3, 3, "questions", True)


@pytest.mark.parametrize("stage", ["Write the fused model", "Prove the fused model"])
def test_killed_it_has_made_nothing_and_the_next_start_does_it_all(stage, base, project):
    code = f"""
import os, signal
from pathlib import Path
from tui_tuner.models.blas import load_fast_blas
load_fast_blas()
from tui_tuner.export.fuse import fuse, plan_fuse
from tui_tuner.progress import StopToken
from tui_tuner.project import open_project

def emit(event):
    if getattr(event, "stage", "") == {stage!r}:
        os.kill(os.getpid(), signal.SIGKILL)

fuse(plan_fuse(open_project(Path({str(project.folder)!r})), Path({str(base)!r})), emit=emit, stop=StopToken())
"""
    save_project(project)
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == -signal.SIGKILL
    (left,) = project.fused_model.parent.iterdir()
    assert left.name.startswith(f".{project.fused_model.name}.")
    with pytest.raises(ExportError, match="no fused model yet"):
        fused_folder(project)
    fuse(plan_fuse(project, base), emit=ignore_event, stop=StopToken())
    assert list(project.fused_model.parent.iterdir()) == [project.fused_model]
    assert fused_folder(project).parts


def test_how_it_is_used(base, project, tmp_path):
    fused = fuse(plan_fuse(project, base), emit=ignore_event, stop=StopToken()).path
    assert usage_of(fused, project) == [
        f"tuner chat --project '{project.folder}'",
        f"mlx_lm.chat --model '{fused}'",
        f"mlx_lm.server --model '{fused}'",
    ]
    assert len(usage_of(tmp_path / "elsewhere" / "model")) == 2


def test_a_lost_chat_template_is_not_a_fused_model(base, project, monkeypatch):
    import tui_tuner.export.fuse as module

    def forgets(source, folder):
        copy_tokenizer(source, folder)
        table = json.loads((folder / "tokenizer_config.json").read_text())
        table["chat_template"] = table["chat_template"].replace("<|im_end|>", "")
        (folder / "tokenizer_config.json").write_text(json.dumps(table))

    monkeypatch.setattr(module, "copy_tokenizer", forgets)
    with pytest.raises(ExportError, match="chat template: a question: token"):
        fuse(plan_fuse(project, base), emit=ignore_event, stop=StopToken())
    assert not project.fused_model.exists()


def test_it_can_be_saved_elsewhere_but_never_over_something_else(base, project, tmp_path):
    elsewhere = project.with_settings("export", {"save_path": str(tmp_path / "large disk"), "name": "mine"})
    for _time in range(2):  # an earlier one is replaced
        fused = fuse(plan_fuse(elsewhere, base), emit=ignore_event, stop=StopToken())
    assert fused.path == elsewhere.fused_model == tmp_path / "large disk" / "mine"
    other = tmp_path / "large disk" / "holiday"
    other.mkdir()
    plan_fuse(elsewhere.with_settings("export", {"name": "holiday"}), base)
    (other / "picture.jpg").touch()
    with pytest.raises(ConfigurationError, match="not a fused model"):
        plan_fuse(elsewhere.with_settings("export", {"name": "holiday"}), base)
    assert (other / "picture.jpg").exists()


def test_what_cannot_be_planned(base, project, tmp_path):
    for name in ("a/b", "../out", ".hidden", ".."):
        with pytest.raises(ConfigurationError, match="not a name for a folder"):
            plan_fuse(project.with_settings("export", {"name": name}), base)
    with pytest.raises(ProjectError, match="no tuned model yet"):
        plan_fuse(tuned_model.project(tmp_path / "empty"), base)


@pytest.mark.starter
def test_the_starter_is_fused_and_proved(starter, tmp_path):
    from mlx_lm import generate, load

    project = tuned_model.project(tmp_path / "project")
    run = tuned_model.adapter(project.runs / "run-1", starter, strength=0.02, num_layers=8)
    fused = fuse(plan_fuse(project, starter, run), emit=ignore_event, stop=StopToken())
    assert fused.likeness.same_tokens == fused.likeness.tokens == 24
    assert fused.likeness.largest_difference < 1e-3
    answers = []
    for folder, adapter in ((starter, str(run)), (fused.path, None)):
        model, tokenizer = load(str(folder), adapter_path=adapter)
        prompt = tokenizer.apply_chat_template([{"role": "user", "content": "hi"}], add_generation_prompt=True)
        answers.append(generate(model, tokenizer, prompt, max_tokens=8))
    assert answers[0] == answers[1]
