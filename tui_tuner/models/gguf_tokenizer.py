"""From the vocabulary inside a GGUF file to the tokenizer files Hugging Face's libraries read.

A byte-level BPE: text is cut into words, each digit alone, every byte of a word becomes a printable letter, and pairs
are merged in the order of the merges. That the cut is llama.cpp's own for `tokenizer.ggml.pre = smollm` was checked
against its token ids, on random Unicode too.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_tuner.errors import ModelError
from tui_tuner.files import write_json, write_text
from tui_tuner.language import _

if TYPE_CHECKING:
    from tokenizers import Tokenizer

CONTROL_TOKEN = 3  # llama.cpp's LLAMA_TOKEN_TYPE_CONTROL: matched whole, never shown, never merged
KEY = "tokenizer.ggml"
SPECIAL_TOKENS = {
    "bos_token": "bos_token_id",
    "eos_token": "eos_token_id",
    "pad_token": "padding_token_id",
    "unk_token": "unknown_token_id",
}


def build_tokenizer(metadata: dict[str, Any]) -> Tokenizer:
    """The tokenizer a GGUF file describes.

    Args:
        metadata: as `gguf_reading.read_gguf` gives it.

    Raises:
        ModelError: not a byte-level BPE that cuts text the way this module knows.
    """
    from tokenizers import Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import BPE

    family = metadata.get(f"{KEY}.model"), metadata.get(f"{KEY}.pre")
    if family != ("gpt2", "smollm"):
        raise ModelError(
            _("this file's tokenizer ({model}, {cut}) is not known", model=family[0], cut=family[1]),
            advice=_("Choose a model that mlx-lm reads as it is."),
        )
    tokens: list[str] = metadata[f"{KEY}.tokens"]
    merges = [(left, right) for left, right in (merge.split(" ") for merge in metadata[f"{KEY}.merges"])]
    tokenizer = Tokenizer(BPE(vocab={token: number for number, token in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    kinds = metadata[f"{KEY}.token_type"]
    tokenizer.add_special_tokens([token for token, kind in zip(tokens, kinds, strict=True) if kind == CONTROL_TOKEN])
    return tokenizer


def tokenizer_config(metadata: dict[str, Any]) -> dict[str, Any]:
    """The content of `tokenizer_config.json`, the chat template inside."""
    return {
        # Not GPT2Tokenizer: that class would put its own cut in place of the one in tokenizer.json.
        "tokenizer_class": "PreTrainedTokenizerFast",
        "add_prefix_space": False,
        "add_bos_token": bool(metadata.get(f"{KEY}.add_bos_token", False)),
        "clean_up_tokenization_spaces": False,
        "model_max_length": metadata["llama.context_length"],
        "chat_template": metadata["tokenizer.chat_template"],
        **special_tokens(metadata),
    }


def special_tokens(metadata: dict[str, Any]) -> dict[str, str]:
    """The content of `special_tokens_map.json`: role -> token."""
    tokens = metadata[f"{KEY}.tokens"]
    return {
        role: tokens[metadata[f"{KEY}.{key}"]] for role, key in SPECIAL_TOKENS.items() if f"{KEY}.{key}" in metadata
    }


def write_tokenizer(metadata: dict[str, Any], folder: Path) -> None:
    """Write `tokenizer.json`, `tokenizer_config.json` and `special_tokens_map.json` into `folder`.

    Raises:
        ModelError: see `build_tokenizer`.
        StorageError: the folder cannot be written.
    """
    tokenizer = build_tokenizer(metadata)
    write_text(folder / "tokenizer.json", tokenizer.to_str(pretty=True))
    write_json(folder / "tokenizer_config.json", tokenizer_config(metadata))
    write_json(folder / "special_tokens_map.json", special_tokens(metadata))
