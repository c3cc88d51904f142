"""A chat model in memory. Runs on the engine's thread."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner.errors import ModelError
from tui_tuner.language import _


@dataclass
class LoadedModel:
    """A model with its tokenizer, ready to answer.

    Attributes:
        model: the MLX module.
        tokenizer: mlx-lm's wrapper, with the chat template.
        path: the folder it was read from.
        adapter: the run's folder whose adapter is applied, or None for the model as it is.
    """

    model: Any
    tokenizer: Any
    path: Path
    adapter: Path | None = None


def load_model(path: Path, adapter: Path | None = None, *, trust_remote_code: bool = False) -> LoadedModel:
    """Read the model in `path`, with the adapter of a run applied where one is given.

    Where only a CPU is there, weights become float32: half-precision products do not go through BLAS and are many times
    slower. Nothing is looked up on the network: `path` is a folder on this machine.

    Raises:
        ModelError: the folder or the adapter is missing, incomplete or of an unknown kind.
    """
    import mlx.core as mx
    from mlx.utils import tree_map
    from mlx_lm.utils import load

    # The tokenizers library warns, and may deadlock, when a process that used its threads forks later.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if adapter is not None and not (adapter / "adapters.safetensors").is_file():
        raise ModelError(
            _("this run has no adapter yet"), where=str(adapter), advice=_("Train first, or choose another run.")
        )
    if not (path / "config.json").is_file():
        raise ModelError(
            _("this is not a model folder (no config.json)"),
            where=str(path),
            advice=_("Fetch the base model in the Environment step, or with: tuner check --fix model"),
        )
    try:
        model, tokenizer = load(
            str(path),
            adapter_path=str(adapter) if adapter else None,
            tokenizer_config={"trust_remote_code": trust_remote_code},
        )[:2]
        if mx.default_device() == mx.cpu:
            model.update(tree_map(lambda weight: _float32(weight), model.parameters()))
            mx.eval(model.parameters())
    except Exception as error:
        raise ModelError(
            _("the model cannot be loaded: {error}", error=f"{type(error).__name__}: {error}"),
            where=str(path),
            advice=_("Its files may be incomplete: fetch it again, or choose another model."),
        ) from error
    return LoadedModel(model, tokenizer, path, adapter)


def _float32(weight: Any) -> Any:
    import mlx.core as mx

    return weight.astype(mx.float32) if weight.dtype in (mx.float16, mx.bfloat16) else weight
