"""Coming from mlx_lm.lora, and leaving for it, with the same training."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest
import tiny_project
import yaml

from tui_tuner.choices import TrainingChoice
from tui_tuner.errors import ConfigurationError
from tui_tuner.project import create_project, open_project
from tui_tuner.training.coming_and_leaving import settings_from_yaml, settings_to_yaml
from tui_tuner.training.mlx_lm_words import in_mlx_lms_words
from tui_tuner.training.mlx_lm_yaml import ADAPTER, PLACES, SAME, WITHOUT, read_yaml, write_yaml

CHOICE = TrainingChoice(
    iters=2,
    batch_size=2,
    num_layers=2,
    learning_rate=3e-4,
    fine_tune_type="dora",
    rank=4,
    keys=("self_attn.q_proj", "mlp.down_proj"),
    lr_schedule="cosine_decay",
    warmup=1,
    decay_steps=7,
    lr_end=1e-5,
    optimizer="adamw",
    optimizer_config=("weight_decay=0.05", "betas=0.9, 0.98"),
    grad_accumulation_steps=2,
    grad_checkpoint=True,
    mask_prompt=False,
)


def write(tmp_path, text):
    path = tmp_path / "lora.yaml"
    path.write_text(text)
    return path


def test_the_defaults_are_those_of_the_installed_mlx_lm():
    from mlx_lm.lora import CONFIG_DEFAULTS

    known = {*SAME, *WITHOUT, *PLACES, "optimizer_config", "lr_schedule", "lora_parameters"}
    assert set(CONFIG_DEFAULTS) <= known
    assert {name: CONFIG_DEFAULTS[name] for name in SAME} == SAME
    assert CONFIG_DEFAULTS["lora_parameters"] == ADAPTER


def test_what_is_left_out_has_mlx_lms_default(tmp_path):
    found = read_yaml(write(tmp_path, "model: some/model\niters: 5\n"))
    assert (found.choice.iters, found.choice.learning_rate, found.choice.mask_prompt) == (5, 1e-5, False)
    assert (found.model, found.data, found.notices) == ("some/model", "", ())


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"lr_schedule": "linear_schedule"},
        {"lr_schedule": "step_decay", "step_size": 5, "decay_rate": 0.25},
        {"lr_schedule": "exponential_decay", "warmup": 0},
        {"lr_schedule": "constant"},
        {"fine_tune_type": "full", "optimizer": "muon", "optimizer_config": ()},
        {"optimizer": "adafactor", "optimizer_config": ("relative_step=false", "eps=1e-30, 0.001")},
    ],
    ids=str,
)
def test_what_was_written_is_read_as_the_same_training(tmp_path, settings):
    choice = dataclasses.replace(CHOICE, **settings)
    path = tmp_path / "lora.yaml"
    write_yaml(path, choice, model="/m", data=tmp_path, trust_remote_code=False)
    assert in_mlx_lms_words(read_yaml(path).choice) == in_mlx_lms_words(choice)


def test_unknown_keys_and_those_without_a_counterpart_are_named(tmp_path):
    text = "lerning_rate: 1\nval_batches: 25\nreport_to: wandb\ntrain: true\nlora_parameters: {rank: 4, alpha: 16}\n"
    found = read_yaml(write(tmp_path, text)).notices
    assert [notice.split(":")[0] for notice in found] == [
        "lerning_rate", "val_batches", "report_to", "lora_parameters.alpha",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("iters: many", "iters is 'many', expected a whole number"),
        ("optimizer: lion", "optimizer is 'lion', expected one of"),
        ("optimizer_config: {adam: {momentum: 1}}", "adam knows no 'momentum=1'"),
        ("lr_schedule: {name: join_schedules, arguments: [1, 2]}", "'join_schedules' with 2 arguments"),
        ("lora_parameters: 8", "lora_parameters is 8, expected names and values"),
        ("a: [1", "not valid YAML"),
        ("just words", "it holds no settings"),
    ],
)
def test_mistakes_are_named_with_the_file(tmp_path, text, message):
    with pytest.raises(ConfigurationError) as raised:
        read_yaml(write(tmp_path, text))
    assert message in raised.value.what
    assert "lora.yaml" in raised.value.where


def test_a_file_of_mlx_lms_becomes_a_project(tmp_path, monkeypatch):
    source = tiny_project.make(tmp_path / "source")
    project = create_project(tmp_path / "p")
    monkeypatch.chdir(source.folder)
    path = write(
        tmp_path, "model: ../model\ndata: data\nlearning_rate: 1e-4\nlora_parameters: {rank: 16, scale: 10.0}\n"
    )
    told = []
    settings_from_yaml(project, path, emit=told.append)
    found = open_project(project.folder)
    assert found.choices.model.name == str((tmp_path / "source" / "model").resolve())
    assert (found.choices.training.rank, found.choices.training.learning_rate) == (16, 1e-4)
    assert (found.data / "train.jsonl").read_bytes() == (source.data / "train.jsonl").read_bytes()
    settings_from_yaml(found, path, emit=told.append)
    assert any("of its own" in notice.text for notice in told)


def test_mlx_lm_accepts_what_is_written(tmp_path):
    project = tiny_project.make(tmp_path).with_choice("training", CHOICE)
    path = tmp_path / "lora.yaml"
    told = []
    settings_to_yaml(project, path, emit=told.append)
    assert yaml.safe_load(path.read_text())["data"] == str(project.data)
    done = subprocess.run(
        [sys.executable, "-m", "mlx_lm", "lora", "-c", str(path)], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "adapters" / "adapters.safetensors").is_file()
    assert "mlx_lm.lora -c" in told[-1].text
