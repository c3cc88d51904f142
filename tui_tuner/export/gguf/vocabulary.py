"""A model's tokenizer as llama.cpp wants it, made of the one MLX reads text with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner.export.gguf import byte_level, sentence_piece
from tui_tuner.export.gguf.families import cannot_write
from tui_tuner.export.gguf.metadata import Value
from tui_tuner.language import _
from tui_tuner.plain_text import one_line

# llama.cpp's kinds of tokens.
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
ADDED_SCORE, UNUSED_SCORE = -1000.0, -10000.0  # never compared: such tokens are not joined of others


@dataclass(frozen=True)
class Vocabulary:
    """The tokens and how text becomes them.

    Attributes:
        model: `gpt2` for a byte-level BPE, `llama` for SentencePiece.
        cut: llama.cpp's name for how text is cut into words.
        tokens: by id.
        kinds: of each token.
        scores: of each token; empty for a byte-level BPE.
        merges: pairs, best first; empty for SentencePiece.
        space_prefix: where a space is put before text: `never`, `first` or `always`.
        swallowing: whether special tokens swallow the space and the line after them.
    """

    model: str
    cut: str
    tokens: list[str]
    kinds: list[int]
    scores: list[float]
    merges: list[str]
    space_prefix: str = "never"
    swallowing: bool = False

    def metadata(self) -> dict[str, Value]:
        """The keys of the file that hold it."""
        keys: dict[str, Value] = {
            "tokenizer.ggml.model": self.model,
            "tokenizer.ggml.pre": self.cut,
            "tokenizer.ggml.tokens": self.tokens,
            "tokenizer.ggml.token_type": self.kinds,
        }
        if self.scores:
            keys["tokenizer.ggml.scores"] = self.scores
        if self.merges:
            keys["tokenizer.ggml.merges"] = self.merges
        return keys


def read_vocabulary(tokenizer: Any, size: int, folder: Path) -> Vocabulary:
    """The vocabulary of a model.

    Args:
        tokenizer: as `models.loading` gives it.
        size: how many tokens the model's embedding has.
        folder: where it was read from, for the error.

    Raises:
        ExportError: a kind of tokenizer, or a way to cut text, that is not known.
    """
    content = _content(tokenizer, folder)
    if content["model"].get("type") != "BPE":
        raise cannot_write(_("this kind of tokenizer ({kind}) is not known", kind=content["model"].get("type")), folder)
    if sentence_piece.is_sentence_piece(content):
        return _sentence_piece(content, size, folder)
    cut = byte_level.cut_name(content) if byte_level.normalizer_is_known(content) else None
    if cut is None:
        described = one_line(byte_level.describe_cut(content), 300)
        raise cannot_write(_("llama.cpp has no name for how this tokenizer cuts text: {cut}", cut=described), folder)
    tokens, kinds = _tokens(content, size)
    merges = [f"{left} {right}" for left, right in _merges(content)]
    return Vocabulary("gpt2", cut, tokens, kinds, [], merges)


def _content(tokenizer: Any, folder: Path) -> dict[str, Any]:
    """What `tokenizer.json` would say of the tokenizer in memory."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or not hasattr(backend, "to_str"):
        raise cannot_write(_("this kind of tokenizer ({kind}) is not known", kind=type(tokenizer).__name__), folder)
    content: dict[str, Any] = json.loads(backend.to_str())
    return content


def _sentence_piece(content: dict[str, Any], size: int, folder: Path) -> Vocabulary:
    vocabulary, merges = content["model"]["vocab"], _merges(content)
    added = {token["content"] for token in content["added_tokens"]}
    if piece := sentence_piece.joined_otherwise(vocabulary, merges, added):
        what = _("llama.cpp would join {piece} in another order than this tokenizer does", piece=one_line(piece, 40))
        raise cannot_write(what, folder)
    tokens, kinds = _tokens(content, size)
    known = sentence_piece.scores(vocabulary, merges, added)
    scores = [_score(token, kind, known) for token, kind in zip(tokens, kinds, strict=True)]
    prefix = sentence_piece.space_prefix(content) or "never"
    swallowing = any(token["special"] and token.get("rstrip") for token in content["added_tokens"])
    return Vocabulary("llama", "default", tokens, kinds, scores, [], prefix, swallowing)


def _score(token: str, kind: int, known: dict[str, float]) -> float:
    if kind in (CONTROL, USER_DEFINED):
        return ADDED_SCORE
    return UNUSED_SCORE if kind == UNUSED else known.get(token, 0.0)


def _tokens(content: dict[str, Any], size: int) -> tuple[list[str], list[int]]:
    """Tokens and their kinds by id; places of the embedding that no token has are filled."""
    pieces = content["model"].get("byte_fallback") is True
    tokens, kinds = [f"[PAD{number}]" for number in range(size)], [UNUSED] * size
    for token, number in content["model"]["vocab"].items():
        if number < size:
            tokens[number] = token
            kinds[number] = BYTE if pieces and _is_byte(token) else NORMAL
    unknown = content["model"].get("unk_token")
    for added in content["added_tokens"]:
        number, token = added["id"], added["content"]
        if number < size:
            special = added["special"] or _looks_special(token)
            # These are looked for in the text as it is, before its spaces are replaced.
            tokens[number] = token if special or not pieces else token.replace(sentence_piece.SPACE, " ")
            kinds[number] = CONTROL if special else USER_DEFINED
            if pieces and token == unknown:
                kinds[number] = UNKNOWN
    return tokens, kinds


def _is_byte(token: str) -> bool:
    return len(token) == 6 and token.startswith("<0x") and token.endswith(">")


def _looks_special(token: str) -> bool:
    """Tokens that are never shown although `tokenizer.json` does not say so: `<|fim_prefix|>`, `<unused7>`."""
    return (token.startswith("<|") and token.endswith("|>")) or (token.startswith("<unused") and token.endswith(">"))


def _merges(content: dict[str, Any]) -> list[tuple[str, str]]:
    """The pairs; older files write them as `a b`."""
    merges = content["model"]["merges"]
    return [tuple(pair) if isinstance(pair, list) else tuple(pair.split(" ")) for pair in merges]
