"""Whether words come from a passage: by what they share with it, and by how they speak of it.

No program can tell whether a passage says what an answer says. But an answer that shares hardly a longer word with its
passage was made up, and one that speaks of "the passage" means nothing to whoever learns it without the passage.
"""

from __future__ import annotations

import re

from tui_tuner.choices import QualityChoice
from tui_tuner.dataset.checks import Objection
from tui_tuner.dataset.examples import Example
from tui_tuner.documents.passages import Passage
from tui_tuner.language import _

NOT_SAID = "NOT IN THE TEXT"  # what a teacher replies where the passage does not answer
BEGINNING = 6  # letters two words share that are forms of one: "restore" and "restored"
SHORTEST = 4  # letters of a word that says anything
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003fffd]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")
_MENTIONS = re.compile(
    r"\b(?:the|this|that)\s+(?:(?:given|above|following|provided)\s+)?"
    r"(?:passage|text|excerpt|paragraph|document|article|section|author|context)\b",
    re.IGNORECASE,
)
_NOT_SAID = re.compile(
    rf"^\W*{NOT_SAID}|^\W*(?:it|this|that) (?:does not|doesn't|is not|isn't) (?:say|said)", re.IGNORECASE
)


def passage_objection(question: str, answer: str, passage: Passage, quality: QualityChoice) -> Objection | None:
    """What is wrong with an answer that had to be taken from `passage`; None where nothing is."""
    if says_nothing(answer):
        return Objection("not_in_passage", _("the passage does not answer this question"))
    if (found := mention_objection(answer, passage)) and not mentioned(question, passage):
        return found
    if share_from(answer, passage.text, passage.heading, without=question) < quality.from_passage:
        return Objection("not_in_passage", _("it has hardly a word in common with the passage"))
    return None


def turns_objection(example: Example, passage: Passage, quality: QualityChoice) -> Objection | None:
    """What is wrong with the first turn of `example` that has something wrong with it; None where none has."""
    question = ""
    for message in example.messages:
        if message["role"] == "user":
            question = message["content"]
        elif message["role"] == "assistant":
            found = passage_objection(question, message["content"], passage, quality)
            if found is not None:
                return found
    return None


def mention_objection(words: str, passage: Passage) -> Objection | None:
    """An objection to words that speak of the passage itself."""
    said = mentioned(words, passage)
    return (
        Objection("mentions_passage", _("it speaks of {words}, which nobody will see", words=repr(said)))
        if said
        else None
    )


def mentioned(words: str, passage: Passage) -> str:
    """Where `words` speak of the passage itself; empty where they do not.

    A document that itself speaks so, as one about texts does, allows it.
    """
    spoken = passage.text.casefold()
    return next((said for found in _MENTIONS.finditer(words) if (said := found.group()).casefold() not in spoken), "")


def says_nothing(answer: str) -> bool:
    """Whether an answer is the teacher's word that the passage does not say."""
    return bool(_NOT_SAID.match(answer))


def share_from(words: str, *sources: str, without: str = "") -> float:
    """Which part of the longer words in `words`, but for those in `without`, is in one of `sources`; 1 for no words."""
    said = _beginnings(words) - _beginnings(without)
    known = set().union(*map(_beginnings, sources))
    return sum(word in known for word in said) / len(said) if said else 1.0


def _beginnings(text: str) -> set[str]:
    """The beginnings of the longer words, and each sign of a script that writes without spaces."""
    words = _WORD.findall(text.casefold())
    return {word[:BEGINNING] for word in words if len(word) >= SHORTEST or not word.isascii() or word.isdecimal()}
