"""A chat model in memory. Runs on the engine's thread."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner.errors import ModelError, TunerError
from tui_tuner.language import _
from tui_tuner.models.blas import load_fast_blas
from tui_tuner.plain_text import one_line


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


def load_model(
    path: Path, adapter: Path | None = None, *, trust_remote_code: bool = False, tokenizer: Any = None
) -> LoadedModel:
    """Read the model in `path`, with the adapter of a run applied and its own `tokenizer` taken where they are given.

    Where only a CPU is there, weights become float32: half-precision products do not go through BLAS and are many times
    slower. Nothing is looked up on the network: `path` is a folder on this machine.

    Raises:
        ModelError: the folder or the adapter is missing, incomplete or of an unknown kind.
    """
    _require_adapter(adapter)
    model, config = read_modules(path, trust_remote_code=trust_remote_code)
    if adapter is not None:
        apply_adapter(model, adapter)
    with model_errors(path):
        _settle(model)
        tokenizer = tokenizer or read_tokenizer(path, config, trust_remote_code)
    return LoadedModel(model, tokenizer, path, adapter)


def load_pair(path: Path, adapter: Path, *, trust_remote_code: bool = False) -> tuple[LoadedModel, LoadedModel]:
    """Read the model in `path` as it is, and a second one with the adapter applied that shares the first one's weights.

    Only the adapter's own weights are in memory twice as many times as before. The layers are two sets of objects: what
    the adapter does to the tuned model cannot reach the base.

    Returns:
        The base and the tuned model.

    Raises:
        ModelError: as in `load_model`.
    """
    _require_adapter(adapter)
    base = load_model(path, trust_remote_code=trust_remote_code)
    # Lazy: its own copies of the weights are replaced before anything has read them from the disk.
    tuned, _config = read_modules(path, trust_remote_code=trust_remote_code)
    tuned.update(base.model.parameters())
    apply_adapter(tuned, adapter)
    with model_errors(path):
        _settle(tuned)
    return base, LoadedModel(tuned, base.tokenizer, path, adapter)


def read_modules(path: Path, *, trust_remote_code: bool = False) -> tuple[Any, dict[str, Any]]:
    """The model in `path` with its weights as they are stored and not read yet, and its configuration.

    Raises:
        ModelError: the folder is no model, incomplete, or of an unknown kind.
    """
    from mlx_lm.utils import load_model as read

    _require_folder(path)
    with model_errors(path):
        _require_trust(path, trust_remote_code)
        # mlx-lm 0.31, the last one for Python 3.10, has no such switch and runs the code unasked.
        known = "trust_remote_code" in inspect.signature(read).parameters
        model, config = read(path, lazy=True, **({"trust_remote_code": trust_remote_code} if known else {}))
    return model, config


def _require_folder(path: Path) -> None:
    if not (path / "config.json").is_file():
        raise ModelError(
            _("this is not a model folder (no config.json)"),
            where=str(path),
            advice=_("Fetch the base model in the Environment step, or with: tuner check --fix base_model"),
        )


def _require_trust(path: Path, trusted: bool) -> None:
    """Refuse a model whose layers are Python code of its own, unless the person trusts it; whatever mlx-lm would do."""
    code = json.loads((path / "config.json").read_bytes()).get("model_file")
    if code is not None and not trusted:
        raise ModelError(
            _("the model brings Python code of its own ({file})", file=one_line(str(code), 60)),
            where=str(path),
            advice=_("If you trust its author: --set model.trust_remote_code=true"),
        )


def apply_adapter(model: Any, adapter: Path) -> None:
    """Put the adapter of a run into `model`.

    Raises:
        ModelError: the adapter is missing, damaged, or belongs to another model.
    """
    from mlx_lm.utils import load_adapters

    _require_adapter(adapter)
    advice = _("It may belong to another base model: choose the one it was trained on, or train again.")
    with model_errors(adapter, _("the adapter cannot be applied"), advice):
        load_adapters(model, str(adapter))
        _require_fit(model)
        model.eval()  # dropout is for training only


def _require_fit(model: Any) -> None:
    """Notice an adapter of another size, which mlx-lm 0.31 puts into the model without a word."""
    for name, module in model.named_modules():
        linear = getattr(module, "linear", None)
        if linear is None or not hasattr(module, "lora_b"):
            continue
        wanted, found = linear.weight.shape[-2], module.lora_b.shape[-1]
        if wanted != found:
            raise ValueError(f"{name} has {wanted} outputs, the adapter {found}")


def load_tokenizer(path: Path, *, trust_remote_code: bool = False) -> Any:
    """The tokenizer of the model in `path`, with its chat template, without reading any weights.

    Any thread may ask. It is read on one of its own: mlx-lm looks into the model's module, which uses MLX when it is
    imported, and a thread that did has to give its streams back before it ends.

    Returns:
        mlx-lm's wrapper, the same as `LoadedModel.tokenizer`.

    Raises:
        ModelError: the folder is no model, or its tokenizer cannot be read.
    """
    _require_folder(path)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="tokenizer") as own_thread:
        return own_thread.submit(_tokenizer_alone, path, trust_remote_code).result()


def _tokenizer_alone(path: Path, trust_remote_code: bool) -> Any:
    load_fast_blas()  # MLX must not come before it
    import mlx.core as mx
    from mlx_lm.utils import load_config

    try:
        with model_errors(path, _("the model's tokenizer cannot be read")):
            _require_trust(path, trust_remote_code)
            return read_tokenizer(path, load_config(path), trust_remote_code)
    finally:
        mx.clear_streams()


def read_tokenizer(path: Path, config: dict[str, Any], trust_remote_code: bool) -> Any:
    """mlx-lm's wrapper of the tokenizer in `path`. Runs on the engine's thread; others ask `load_tokenizer`."""
    from mlx_lm.utils import load_tokenizer

    # The tokenizers library warns, and may deadlock, when a process that used its threads forks later.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    extra = {"trust_remote_code": trust_remote_code}
    return load_tokenizer(path, extra, eos_token_ids=config.get("eos_token_id"))


def _settle(model: Any) -> None:
    """Read the weights from the disk; as float32 where only a CPU will multiply with them."""
    import mlx.core as mx
    from mlx.utils import tree_map

    if mx.default_device() == mx.cpu:
        model.update(tree_map(_float32, model.parameters()))
    mx.eval(model.parameters())


def _float32(weight: Any) -> Any:
    import mlx.core as mx

    return weight.astype(mx.float32) if weight.dtype in (mx.float16, mx.bfloat16) else weight


def _require_adapter(adapter: Path | None) -> None:
    if adapter is not None and not (adapter / "adapters.safetensors").is_file():
        raise ModelError(
            _("this run has no adapter yet"), where=str(adapter), advice=_("Train first, or choose another run.")
        )


@contextlib.contextmanager
def model_errors(where: Path, what: str = "", advice: str = "") -> Iterator[None]:
    """Whatever MLX, mlx-lm or transformers raise over a folder they cannot read, as a `ModelError`."""
    try:
        yield
    except TunerError:
        raise
    except Exception as error:
        if "trust_remote_code" in str(error):
            advice = _("It brings Python code of its own. If you trust its author: --set model.trust_remote_code=true")
        raise ModelError(
            _(
                "{what}: {error}",
                what=what or _("the model cannot be loaded"),
                error=one_line(f"{type(error).__name__}: {error}", 300),
            ),
            where=str(where),
            advice=advice or _("Its files may be incomplete: fetch it again, or choose another model."),
        ) from error
