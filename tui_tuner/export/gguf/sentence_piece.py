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


def scores(vocabulary: dict[str, int], merges: list[tuple[str, str]], apart: Collection[str]) -> dict[str, float]:
    """A score for each piece that is joined of two: the better, the earlier its pairs are in the list.

    Args:
        vocabulary: piece -> id.
        merges: the pairs, best first.
        apart: pieces that are taken out of the text before anything is joined.
    """
    found = {piece: -float(rank) for rank, tied in enumerate(_ties(merges, apart)) for piece in tied}
    return {piece: found.get(piece, WORST if len(piece) > 1 else 0.0) for piece in vocabulary}


def _ties(merges: list[tuple[str, str]], apart: Collection[str]) -> list[list[str]]:
    """The pieces, best first; those whose pairs are mixed with one another have the same score, and are one entry."""
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for rank, (left, right) in enumerate(merges):
        piece = left + right
        first.setdefault(piece, rank)
        last[piece] = rank
    ties: list[list[str]] = []
    end = -1
    for piece, rank in first.items():
        if piece in apart:
            continue
        if rank <= end:
            ties[-1].append(piece)
        else:
            ties.append([piece])
        end = max(end, last[piece])
    return ties


def joined_otherwise(vocabulary: dict[str, int], merges: list[tuple[str, str]], apart: Collection[str]) -> str | None:
    """A piece that llama.cpp would join in another order than the list does; None where there is none.

    llama.cpp joins any two neighbours that make a piece, and all ways to make the same piece are worth the same. The
    list does so too when it has every pair, and the pairs of a piece are not mixed with those of others. Runs of one
    character are the exception: in Llama's and Gemma's own tokenizers all of them have the same score.

    Args:
        vocabulary: piece -> id.
        merges: the pairs, best first.
        apart: pieces that are taken out of the text before anything is joined.
    """
    for tied in _ties(merges, apart):
        if len(tied) > 1 and (mixed := next((piece for piece in tied if len(set(piece)) > 1), None)):
            return mixed
    pairs = set(merges)
    for piece in vocabulary:
        if piece in apart or len(piece) < 2:
            continue
        for place in range(1, len(piece)):
            pair = piece[:place], piece[place:]
            if pair[0] in vocabulary and pair[1] in vocabulary and pair not in pairs:
                return piece
    return None
