"""The weights of one model out of base and adapter. Runs on the engine's thread.

Everything is computed in float32 and then brought to the type the base has on disk: each weight is rounded once.
"""

from __future__ import annotations

from typing import Any

from tui_tuner.errors import ExportError
from tui_tuner.language import _


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
