"""SentencePiece tokenizers, as `tokenizer.json` writes them, in llama.cpp's words.

SentencePiece (Kudo and Richardson, 2018) joins the two neighbours whose joint piece has the best score; a
`tokenizer.json` has a list of pairs instead, best first, that was made of these scores. The scores are made of the list
again: only their order matters.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

SPACE = "▁"
WORST = -1e9  # of a piece that is never joined
REPLACE = {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}
PREPEND = {"type": "Prepend", "prepend": SPACE}


def is_sentence_piece(tokenizer: dict[str, Any]) -> bool:
    """Whether the content of a `tokenizer.json` is of this kind."""
    return space_prefix(tokenizer) is not None and bool(tokenizer["model"].get("byte_fallback"))


def space_prefix(tokenizer: dict[str, Any]) -> str | None:
    """Where a space is put before text: `never`, `first` (of all text) or `always` (after special tokens too).

    Returns:
        None where text is changed in a way that is not SentencePiece's.
    """
    normalizer, cut = tokenizer.get("normalizer"), tokenizer.get("pre_tokenizer")
    steps = normalizer["normalizers"] if normalizer and normalizer["type"] == "Sequence" else [normalizer]
    if cut and cut.get("type") == "Metaspace":
        plain = normalizer is None and not cut.get("split", True) and cut.get("replacement") == SPACE
        return str(cut.get("prepend_scheme", "always")) if plain else None
    # Gemma's: cut at the spaces there are not any more.
    if cut and not (cut.get("type") == "Split" and cut.get("pattern") == {"String": " "}):
        return None
    if steps == [REPLACE]:
        return "never"
    return "always" if steps == [PREPEND, REPLACE] else None


def scores(vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> dict[str, float]:
    """A score for each piece that is joined of two: the better, the earlier its pair is in the list."""
    found: dict[str, float] = {}
    for rank, (left, right) in enumerate(merges):
        found.setdefault(left + right, -float(rank))
    return {piece: found.get(piece, WORST if len(piece) > 1 else 0.0) for piece in vocabulary}


def joined_otherwise(vocabulary: dict[str, int], merges: list[tuple[str, str]], apart: Collection[str]) -> str | None:
    """A piece that llama.cpp would join in another order than the list does; None where there is none.

    llama.cpp joins any two neighbours that make a piece, and all ways to make the same piece are worth the same. The
    list does so too when it has every pair, and all pairs of a piece one after the other.

    Args:
        vocabulary: piece -> id.
        merges: the pairs, best first.
        apart: pieces that are taken out of the text before anything is joined.
    """
    last: dict[str, int] = {}
    previous = ""
    for number, (left, right) in enumerate(merges):
        piece = left + right
        if piece != previous and piece in last and piece not in apart:
            return piece
        previous = piece
        last[piece] = number
    pairs = set(merges)
    for piece in vocabulary:
        if piece in apart or len(piece) < 2:
            continue
        for place in range(1, len(piece)):
            pair = piece[:place], piece[place:]
            if pair[0] in vocabulary and pair[1] in vocabulary and pair not in pairs:
                return piece
    return None
