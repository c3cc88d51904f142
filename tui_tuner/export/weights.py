"""The weights of one model out of base and adapter. Runs on the engine's thread.

Everything is computed in float32 and then brought to the type the base has on disk: each weight is rounded once.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner.choices import ExportChoice
from tui_tuner.errors import ExportError
from tui_tuner.language import _
from tui_tuner.models.model_files import QUANTIZATION_KEYS
from tui_tuner.models.quantizing import GROUP_SIZE


@dataclass(frozen=True)
class FusedWeights:
    """A fused model that is not computed yet.

    Attributes:
        weights: by name.
        config: the base's, with what it says of quantization as the new weights have it.
        quantized: whether some weights have few bits.
        squeezed: whether some have lost precision by it: they had been fused, or had more bits before.
    """

    weights: dict[str, Any]
    config: dict[str, Any]
    quantized: bool
    squeezed: bool


def fused_weights(model: Path, run: Path, choice: ExportChoice, *, trust_remote_code: bool) -> FusedWeights:
    """The weights of the model in `model` with the adapter of `run` in them, as chosen; lazily.

    Raises:
        ModelError: the base or the adapter cannot be loaded.
        ExportError: the layers cannot be fused, or not be squeezed.
    """
    from mlx.utils import tree_unflatten

    from tui_tuner.models.loading import apply_adapter, read_modules
    from tui_tuner.models.writing import flat_weights

    module, config = read_modules(model, trust_remote_code=trust_remote_code)
    base = flat_weights(module)
    apply_adapter(module, run)
    had_few_bits = any(key in config for key in QUANTIZATION_KEYS)
    raised = choice.dequantize or choice.bits > 0
    squeezed = fuse_layers(module, dequantize=raised)
    weights = in_the_types_of(base, flat_weights(module))
    if raised:
        config = without_quantization(config)
    if not choice.bits:
        return FusedWeights(weights, config, had_few_bits and not raised, squeezed)
    module.update(tree_unflatten(list(weights.items())))
    config = _squeeze(module, config, choice.bits, model)
    return FusedWeights(flat_weights(module), config, True, True)


def _squeeze(module: Any, config: dict[str, Any], bits: int, model: Path) -> dict[str, Any]:
    """Put `bits` bits per weight into every layer of `module` that takes them; the configuration that says so."""
    from mlx_lm.utils import quantize_model

    before = sum(1 for _name, part in module.named_modules() if is_quantized(part))
    with contextlib.redirect_stdout(io.StringIO()):
        _module, config = quantize_model(module, config, GROUP_SIZE, bits)
    if before == sum(1 for _name, part in module.named_modules() if is_quantized(part)):
        raise ExportError(
            _("none of its layers can be squeezed (their width is no multiple of {group})", group=GROUP_SIZE),
            where=str(model),
            advice=_("Leave it in full precision: --set quantize=none"),
        )
    return dict(config)


def without_quantization(config: dict[str, Any]) -> dict[str, Any]:
    """A model's configuration, and those inside it, without a word about quantization."""
    return {
        key: without_quantization(value) if isinstance(value, dict) else value
        for key, value in config.items()
        if key not in QUANTIZATION_KEYS
    }


def is_quantized(module: Any) -> bool:
    """Whether `module` holds its weight squeezed into fewer bits, with a scale per group."""
    return "scales" in module and "weight" in module


def fuse_layers(model: Any, *, dequantize: bool) -> bool:
    """Replace every layer of `model` that has an adapter by a plain one that computes the same; lazily.

    Args:
        model: as `models.loading.read_modules` gives it, with the adapter applied.
        dequantize: write quantized layers in full precision, those without an adapter too; otherwise the fused ones are
            squeezed again as the base had them.

    Returns:
        Whether weights of a quantized base have been squeezed again, and lost precision.

    Raises:
        ExportError: the model has a kind of adapter nobody knows how to fuse.
    """
    from mlx.utils import tree_flatten, tree_unflatten
    from mlx_lm.utils import dequantize_model

    adapted = [(name, module) for name, module in model.named_modules() if hasattr(module, "fuse")]
    squeezed = [_quantization(_base_of(module)) for _name, module in adapted]
    plain = [(name, _fused(module)) for name, module in adapted]
    if not dequantize:
        plain = [
            (name, module.to_quantized(**how) if how else module)
            for (name, module), how in zip(plain, squeezed, strict=True)
        ]
    model.update_modules(tree_unflatten(plain))
    if dequantize:
        stored = {name: _raise(module) for name, module in model.named_modules() if is_quantized(module)}
        dequantize_model(model)
        for name, module in model.named_modules():
            if name in stored:
                module.weight = module.weight.astype(stored[name])
    left = [name for name, _weight in tree_flatten(model.parameters()) if name.endswith((".lora_a", ".lora_b"))]
    if left:
        raise ExportError(
            _("this kind of layer cannot be fused: {name}", name=left[0]),
            advice=_("Use the adapter as it is: mlx_lm.generate --adapter-path."),
        )
    return not dequantize and any(squeezed)


def _base_of(module: Any) -> Any:
    """The layer of the base inside a layer with an adapter."""
    return module["linear"] if "linear" in module else module["embedding"]


def _quantization(module: Any) -> dict[str, Any]:
    if not is_quantized(module):
        return {}
    return {"group_size": module.group_size, "bits": module.bits, "mode": module.mode}


def _fused(module: Any) -> Any:
    """A plain layer, in the type the base's layer has on disk."""
    stored = _raise(_base_of(module))
    plain = module.fuse(dequantize=True)
    for name in ("weight", "bias"):
        if name in plain:
            plain[name] = plain[name].astype(stored)
    return plain


def _raise(module: Any) -> Any:
    """Bring the numbers of `module` to float32; return the type they had."""
    import mlx.core as mx

    def is_floating(name: str) -> bool:
        return module.get(name) is not None and mx.issubdtype(module[name].dtype, mx.floating)

    names = [name for name in ("scales", "biases", "weight", "bias") if is_floating(name)]
    # The scales of the mxfp4 and mxfp8 formats are bytes; mlx gives their weights as bfloat16.
    stored = module[names[0]].dtype if names and names[0] != "bias" else mx.bfloat16
    for name in names:
        module[name] = module[name].astype(mx.float32)
    return stored


def in_the_types_of(base: dict[str, Any], weights: dict[str, Any]) -> dict[str, Any]:
    """`weights`, those that were trained themselves brought to the type the base stores them in; lazily.

    Full fine-tuning on a CPU computes in float32 and leaves its weights so.
    """
    import mlx.core as mx

    def stored(name: str, weight: Any) -> Any:
        was = base[name].dtype if name in base else weight.dtype
        return weight.astype(was) if mx.issubdtype(was, mx.floating) else weight

    return {name: stored(name, weight) for name, weight in weights.items()}
