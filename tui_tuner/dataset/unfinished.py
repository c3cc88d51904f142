"""Questions that break off, as a small teacher's do: "What is a?", "How do I add the?".

English alone has a rule that is safe: no question ends with an article or a possessive. Prepositions may end one
("Where are you from?"), and in other languages the same letters are whole words ("Qu'est-ce qu'il y a ?"). So it has to
open in English, and what stands before the last word must not name it ("the word the", "vitamin a").
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
# Not "was", "will", "er" or "i" alone: other languages open questions with these.
_OPENINGS = {
    "how", "what", "where", "when", "why", "who", "which", "whose", "can", "could", "would", "should", "do", "does",
    "did", "are", "have", "has", "shall",
}  # fmt: skip
_OPENING_PAIRS = {("is", "it"), ("is", "there"), ("is", "the"), ("is", "this"), ("i", "need"), ("i", "want")}
# After these "a" is the article; after another word it may be a name: vitamin a, series a, plan a.
_BEFORE_ARTICLE = {
    "is", "are", "was", "were", "be", "to", "of", "for", "from", "with", "without", "in", "into", "on", "at", "by",
    "as", "about", "do", "does", "can", "use", "make", "have", "has", "get", "add", "create", "need", "want", "find",
    "install", "change", "buy", "write", "build", "choose", "set", "open", "put", "give", "take",
}  # fmt: skip
_NAMING = {
    "and", "or", "between", "word", "words", "article", "articles", "letter", "letters", "than", "before", "after",
    "like", "say", "spell",
}  # fmt: skip


def unfinished_word(question: str, endings: Sequence[str]) -> str:
    """The word that `question` breaks off with; empty where it is whole, or nobody can tell.

    Args:
        question: as it is kept.
        endings: words that no English question ends with, in small letters.
    """
    body = question.rstrip(" ?？.!…")
    words: list[str] = _WORD.findall(body)
    # What ends with a quote or a bracket, or is no word of its own, names something.
    if len(words) < 2 or words[-1] not in endings or not body.endswith(f" {words[-1]}"):
        return ""
    last, before, opening = words[-1], words[-2].casefold(), (words[0].casefold(), words[1].casefold())
    opens_in_english = opening[0] in _OPENINGS or opening in _OPENING_PAIRS
    if not opens_in_english or before in _NAMING or (last in ("a", "an") and before not in _BEFORE_ARTICLE):
        return ""
    return last
