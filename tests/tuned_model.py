"""Tiny base models of several kinds, adapters for them, and a project around both."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from pathlib import Path
from typing import Any

import tiny_model

from tui_tuner.choices import TrainingChoice
from tui_tuner.files import write_json, write_json_lines
from tui_tuner.project import Choices, Project, create_project, save_project
from tui_tuner.training.run_config import RunConfig, RunFacts, write_config

LETTERS = [*range(ord("a"), ord("z") + 1), ord(" ")]


def speaker(folder: Path, *, ends: bool = True, **config: Any) -> Path:
    """A tiny model that writes nothing but letters and spaces, and where it `ends` also the end of its turn.

    Its text is therefore read back as the very tokens it wrote, as that of a trained model mostly is.
    """
    import mlx.core as mx

    tiny_model.make(folder, tied=False)
    weights = mx.load(str(folder / "model.safetensors"))
    head = weights["lm_head.weight"]
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    names = {"Ġ": " "}
    kept = [names.get(name, name) in map(chr, LETTERS) for name in tokenizer["model"]["vocab"]]
    scale = mx.array(kept).astype(mx.float32)
    scale[tokenizer["model"]["vocab"]["<|im_end|>"]] = 1.5 if ends else 0.0
    weights["lm_head.weight"] = head * scale[:, None]
    save(folder, weights, **config)
    return folder


def save(folder: Path, weights: dict[str, Any], **config: Any) -> None:
    import mlx.core as mx

    mx.eval(weights)
    (folder / "model.safetensors").unlink(missing_ok=True)
    mx.save_safetensors(str(folder / "model.safetensors"), weights, {"format": "mlx"})
    write_json(folder / "config.json", json.loads((folder / "config.json").read_text()) | config)


def in_type(source: Path, folder: Path, dtype: str) -> Path:
    """The model in `source` with its weights in another type, such as bfloat16."""
    import mlx.core as mx

    shutil.copytree(source, folder)
    weights = {name: w.astype(getattr(mx, dtype)) for name, w in mx.load(str(source / "model.safetensors")).items()}
    save(folder, weights, torch_dtype=dtype)
    return folder


def quantized(source: Path, folder: Path, bits: int = 4) -> Path:
    """The model in `source` squeezed by mlx-lm, as one downloads it."""
    from mlx.utils import tree_flatten
    from mlx_lm.utils import load_model, quantize_model

    model, config = load_model(source)
    with contextlib.redirect_stdout(io.StringIO()):
        model, config = quantize_model(model, config, 32, bits)
    shutil.copytree(source, folder)
    save(folder, dict(tree_flatten(model.parameters())), **config)
    return folder


def adapter(
    run: Path,
    model: Path,
    *,
    strength: float = 0.2,
    num_layers: int = 2,
    model_name: str = "tiny",
    fine_tune_type: str = "lora",
) -> Path:
    """A run's folder with an adapter for `model` that changes a lot of what it says, as training on a CPU leaves it."""
    import mlx.core as mx
    from mlx.utils import tree_flatten
    from mlx_lm.tuner.utils import linear_to_lora_layers
    from mlx_lm.utils import load_model

    parameters = {"rank": 4, "scale": 5.0, "dropout": 0.1}
    module, _config = load_model(model, lazy=True)
    module.freeze()
    mx.random.seed(1)
    if fine_tune_type == "full":
        for layer in module.layers[-num_layers:]:
            layer.unfreeze()
    else:
        linear_to_lora_layers(module, num_layers, parameters, use_dora=fine_tune_type == "dora")
    weights = {
        name: weight.astype(mx.float32)
        + (mx.random.normal(weight.shape) * strength if not name.endswith("lora_a") else 0)
        for name, weight in tree_flatten(module.trainable_parameters())
    }
    run.mkdir(parents=True)
    mx.save_safetensors(str(run / "adapters.safetensors"), weights)
    write_json(
        run / "adapter_config.json",
        {"fine_tune_type": fine_tune_type, "num_layers": num_layers, "lora_parameters": parameters},
    )
    write_config(run, RunConfig(RunFacts(run=run.name, model_name=model_name), TrainingChoice()))
    return run


def project(folder: Path, model: Path | None = None) -> Project:
    """A project with held-out examples, and a tuned run of `model` where one is given."""
    made = create_project(folder, choices=Choices())
    made = made.with_settings("model", {"name": "tiny"})
    rows = [_row("how do I start?"), _row("how do I start?"), _row("what is this?", system="be kind")]
    write_json_lines(made.data / "valid.jsonl", rows)
    write_json_lines(made.data / "train.jsonl", rows * 2)
    if model is not None:
        adapter(made.runs / "run-1", model)
    return made


def talker(folder: Path, **chat: str) -> Project:
    """A saved project whose base and tuned model answer in a few words, with a context that is soon full."""
    base = speaker(folder / "base", max_position_embeddings=120)
    made = project(folder / "project").with_settings("model", {"name": str(base)})
    adapter(made.runs / "run-1", base, model_name=str(base))
    made = made.with_settings("chat", {"max_tokens": "8", **chat})
    save_project(made)
    return made


def _row(question: str, system: str = "") -> dict[str, Any]:
    head = [{"role": "system", "content": system}] if system else []
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": "so"}]
    return {"messages": [*head, *turns, {"role": "user", "content": "and then?"}]}
