"""What stands beside the weights in a model's folder: configuration and tokenizer."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

from tui_tuner.errors import ModelError
from tui_tuner.files import read_json, storage_errors, write_json
from tui_tuner.language import _

# The base's own files, byte for byte: what its tokenizer was loaded from is what every other program should load.
# Weights and anything that speaks of how they were quantized are not among them.
CARRIED = (
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.*",
    "merges.txt",
    "spiece.model",
    "sentencepiece*.model",
    "*.tiktoken",
    "chat_template*",
    "additional_chat_templates/*.jinja",
    "generation_config.json",
    "*.py",
    "LICENSE*",
    "NOTICE*",
)
TOKENIZER_CONFIG = "tokenizer_config.json"
PROVENANCE = "tuner.json"
QUANTIZATION_KEYS = ("quantization", "quantization_config")


def copy_tokenizer(base: Path, folder: Path) -> None:
    """Copy the files of the base's tokenizer, and its code and licence where it brings any, into `folder`.

    The chat template is put into `tokenizer_config.json` too, where programs older than `chat_template.jinja` look.

    Raises:
        StorageError: a file cannot be read or written.
        ModelError: the base's `tokenizer_config.json` is damaged.
    """
    with storage_errors(folder):
        for pattern in CARRIED:
            for path in sorted(base.glob(pattern)):
                if path.is_file():
                    copied = folder / path.relative_to(base)
                    copied.parent.mkdir(exist_ok=True)
                    shutil.copyfile(path, copied)
    config = _read_table(folder / TOKENIZER_CONFIG) if (folder / TOKENIZER_CONFIG).exists() else {}
    template = _chat_template(folder)
    if template and not config.get("chat_template"):
        write_json(folder / TOKENIZER_CONFIG, {**config, "chat_template": template})


def _chat_template(folder: Path) -> Any:
    """The template that has a file of its own: one text, or several by name as `tokenizer_config.json` writes them."""
    own, older = folder / "chat_template.jinja", folder / "chat_template.json"
    if not own.is_file():
        return _read_table(older).get("chat_template") if older.is_file() else None
    with storage_errors(folder):
        template = own.read_text(encoding="utf-8")
        named = {
            path.stem: path.read_text(encoding="utf-8") for path in folder.glob("additional_chat_templates/*.jinja")
        }
    if not named:
        return template
    return [{"name": name, "template": text} for name, text in {"default": template, **named}.items()]


def own_template(folder: Path) -> Any:
    """The chat template inside `tokenizer_config.json`: a text, several by name, or None.

    Raises:
        StorageError: the file cannot be read.
        ModelError: it is damaged.
    """
    path = folder / TOKENIZER_CONFIG
    return _read_table(path).get("chat_template") if path.is_file() else None


def _read_table(path: Path) -> dict[str, Any]:
    table = read_json(path)
    if not isinstance(table, dict):
        raise ModelError(_("not a JSON object"), where=str(path), advice=_("Fetch the base model again."))
    return table


def write_config(folder: Path, config: dict[str, Any], weights: dict[str, Any], *, quantized: bool) -> None:
    """Write `config.json` for `weights`.

    Args:
        folder: the new model's.
        config: the base's, as mlx-lm reads it.
        weights: the new weights by name; only their types are looked at.
        quantized: whether some of them are squeezed; otherwise all that the base says about this is left out.

    Raises:
        StorageError: the file cannot be written.
    """
    config = copy.deepcopy(config)
    tables = [config, *(value for value in config.values() if isinstance(value, dict))]
    for table in tables:
        if not quantized:
            for key in QUANTIZATION_KEYS:
                table.pop(key, None)
        for key in ("torch_dtype", "dtype"):
            if key in table:
                table[key] = main_type(weights)
    # A vision tower, where the model kept one, needs its settings to be loaded again.
    if not any(name.startswith("model.vision_tower") for name in weights):
        config.pop("vision_config", None)
    # As mlx-lm writes it: the quantization under both names, keys in order.
    config.pop("_name_or_path", None)
    if "quantization" in config:
        config["quantization_config"] = config["quantization"]
    write_json(folder / "config.json", dict(sorted(config.items())))


def main_type(weights: dict[str, Any]) -> str:
    """The name of the type most of the floating-point numbers in `weights` have: `bfloat16`."""
    sizes: dict[str, int] = {}
    for weight in weights.values():
        name = str(weight.dtype).removeprefix("mlx.core.")
        if "float" in name:
            sizes[name] = sizes.get(name, 0) + weight.size
    return max(sizes, key=lambda name: sizes[name], default="float32")


def write_provenance(folder: Path, facts: dict[str, Any]) -> None:
    """Keep in `folder` what its model was made of.

    Raises:
        StorageError: the file cannot be written.
    """
    write_json(folder / PROVENANCE, {"format": 1, **facts})


def read_provenance(folder: Path) -> dict[str, Any]:
    """What the model in `folder` was made of; empty where it does not say."""
    try:
        table = json.loads((folder / PROVENANCE).read_bytes())
    except (OSError, ValueError):
        return {}
    return table if isinstance(table, dict) else {}
