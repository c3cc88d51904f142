"""What is trained of a model: its adapters, or its layers; counted, and written as mlx-lm does (`--adapter-path`)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_tuner.errors import TrainingError
from tui_tuner.files import write_bytes, write_json
from tui_tuner.language import _
from tui_tuner.training.mlx_lm_words import in_mlx_lms_words
from tui_tuner.training.plan import TrainingPlan

if TYPE_CHECKING:
    import mlx.core as mx

ADAPTER = "adapters.safetensors"
ADAPTER_CONFIG = "adapter_config.json"


def attach_adapter(model: Any, plan: TrainingPlan) -> dict[str, Any]:
    """Freeze `model` except for what is trained: fresh adapters on its last layers, or these layers themselves.

    From the same seed in the same order as mlx-lm.

    Returns:
        The adapter's configuration, in mlx-lm's words. `num_layers` is what the model really has, where more were
        asked.

    Raises:
        TrainingError: this model cannot be trained so; says what can.
    """
    import mlx.core as mx

    choice = plan.choice
    layers = len(model.layers)
    num_layers = min(choice.num_layers, layers) if choice.num_layers > 0 else layers
    trained = model.layers[-num_layers:]
    configuration = in_mlx_lms_words(choice) | {
        "num_layers": num_layers,
        "model": str(plan.model),
        "data": str(plan.data),
    }
    mx.random.seed(choice.seed)
    model.freeze()
    if choice.fine_tune_type == "full":
        _unfreeze(trained, plan.model_name)
    else:
        _require_known(choice.keys, model, trained)
        _add_adapters(model, num_layers, configuration["lora_parameters"], dora=choice.fine_tune_type == "dora")
    return configuration


def _unfreeze(layers: Sequence[Any], model_name: str) -> None:
    if any("scales" in module for layer in layers for _name, module in layer.named_modules()):
        # mlx-lm would train the few weights that are not quantized and say nothing.
        raise TrainingError(
            _("{model} is quantized: its weights cannot be trained themselves", model=model_name),
            advice=_("Set fine_tune_type to lora or dora, or choose a base model that is not quantized."),
        )
    for layer in layers:
        layer.unfreeze()


def _require_known(keys: Sequence[str], model: Any, layers: Sequence[Any]) -> None:
    """mlx-lm passes over names that no module has, and would train nothing."""
    inside = {name for layer in layers for name in _adaptable(layer)}
    unknown = [key for key in keys if key not in inside | _adaptable(model)]
    if unknown:
        raise TrainingError(
            _("keys: this model has no module {name} that can have an adapter", name=repr(unknown[0])),
            advice=_("Its layers have {names}.", names=", ".join(sorted(inside))),
        )


def _adaptable(module: Any) -> set[str]:
    """The names inside `module` of all that mlx-lm can give an adapter."""
    from mlx import nn
    from mlx_lm.models.switch_layers import QuantizedSwitchLinear, SwitchLinear

    kinds = (
        nn.Linear,
        nn.QuantizedLinear,
        nn.Embedding,
        nn.QuantizedEmbedding,
        SwitchLinear,
        QuantizedSwitchLinear,
    )
    return {name for name, part in module.named_modules() if isinstance(part, kinds) or hasattr(part, "to_lora")}


def _add_adapters(model: Any, num_layers: int, parameters: dict[str, Any], *, dora: bool) -> None:
    from mlx_lm.tuner.utils import linear_to_lora_layers

    advice = _("Set fine_tune_type to lora, or choose the adapted modules with keys.")
    try:
        linear_to_lora_layers(model, num_layers, parameters, use_dora=dora)
    except ValueError as error:
        raise TrainingError(str(error), advice=advice) from error
    for name, module in model.named_modules() if dora else ():
        linear = getattr(module, "linear", None)
        if linear is None or "lora_a" not in module or "scales" not in linear:
            continue
        inputs = linear.scales.shape[-1] * linear.group_size
        if module.lora_a.shape[0] != inputs:  # mlx-lm miscounts where 32 is no multiple of the bits
            raise TrainingError(
                _("mlx-lm's DoRA does not fit weights of {bits} bits ({name})", bits=linear.bits, name=name),
                advice=advice,
            )


def adapter_weights(model: Any) -> dict[str, mx.array]:
    """Everything that is trained, by mlx-lm's names."""
    from mlx.utils import tree_flatten

    return dict(tree_flatten(model.trainable_parameters()))


def count_parameters(model: Any) -> tuple[int, int]:
    """How many numbers are trained, and how many there are in all; quantized ones count as what they stand for."""
    from mlx_lm.utils import get_total_parameters

    return sum(weight.size for weight in adapter_weights(model).values()), get_total_parameters(model)


def save_adapter(folder: Path, model: Any, configuration: dict[str, Any]) -> None:
    """Write the adapter into `folder`, each file wholly or not at all.

    Raises:
        StorageError: the disk is full or the folder not writable; an earlier adapter is as it was.
    """
    import mlx.core as mx

    write_json(folder / ADAPTER_CONFIG, configuration)
    content = io.BytesIO()
    mx.save_safetensors(content, adapter_weights(model))
    write_bytes(folder / ADAPTER, content.getvalue())
