"""The LoRA layers: put into a model, counted, written where mlx-lm reads them (`--adapter-path`)."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_tuner.files import write_bytes, write_json
from tui_tuner.training.plan import TrainingPlan

if TYPE_CHECKING:
    import mlx.core as mx

ADAPTER = "adapters.safetensors"
ADAPTER_CONFIG = "adapter_config.json"


def attach_adapter(model: Any, plan: TrainingPlan) -> dict[str, Any]:
    """Freeze `model` and give its last layers fresh LoRA layers, from the same seed in the same order as mlx-lm.

    Returns:
        The adapter's configuration, in mlx-lm's words. `num_layers` is what the model really has, where more were
        asked.
    """
    import mlx.core as mx
    from mlx_lm.tuner.utils import linear_to_lora_layers

    choice = plan.choice
    layers = len(model.layers)
    num_layers = min(choice.num_layers, layers) if choice.num_layers > 0 else layers
    parameters = {"rank": choice.rank, "dropout": choice.dropout, "scale": choice.scale}
    mx.random.seed(choice.seed)
    model.freeze()
    linear_to_lora_layers(model, num_layers, parameters)
    settings = {key: value for key, value in dataclasses.asdict(choice).items() if key not in parameters}
    return {
        "fine_tune_type": "lora",
        **settings,
        "num_layers": num_layers,
        "lora_parameters": parameters,
        "optimizer": "adam",
        "model": str(plan.model),
        "data": str(plan.data),
    }


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
