"""Whether an example is good enough to learn from, whoever wrote it, and why not.

These checks look at form alone: whether what an answer says is true, no program can tell. Their thresholds are
settings, and a person's own decision goes before them.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from tui_tuner.choices import QualityChoice
from tui_tuner.dataset.examples import Example, question_key
from tui_tuner.dataset.repetition import repetition
from tui_tuner.language import _, ngettext

Reason = Literal[
    "empty",
    "cut_off",
    "repetition",
    "not_in_style",
    "repeats_question",
    "copies_example",
    "teacher_failed",
    "refusal",
    "wrong_script",
    "too_short",
    "too_long",
    "template",
    "near_duplicate",
    "not_in_passage",
    "mentions_passage",
    "outdated",
    "by_hand",
]

REFUSES_WITHIN = 80  # letters from the beginning: later it may be told of others
# Below these there is too little to tell a script by: a name, a command, a formula.
QUESTION_LETTERS, ANSWER_LETTERS = 8, 20
ECHO_WORDS = 3  # a greeting is answered with a greeting
MOST_LETTERS = 400  # looked at
# One language is written with all three.
_TOGETHER = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "HANGUL": "CJK"}


@dataclass(frozen=True)
class Objection:
    """Why an example is refused: a word for programs, a sentence for people."""

    reason: Reason
    text: str


def objection(example: Example, quality: QualityChoice) -> Objection | None:
    """What is wrong with `example`, looking at every turn; None where it can be learned from.

    Whether it fits the sequence length, `sequence_length` says.
    """
    question = ""
    for message in example.messages:
        if message["role"] == "user":
            question = message["content"]
        elif message["role"] == "assistant":
            found = answer_objection(question, message["content"], quality)
            if found is not None:
                return found
    return None


def answer_objection(question: str, answer: str, quality: QualityChoice) -> Objection | None:
    """What is wrong with one answer; None where nothing is."""
    said = question_key(answer)
    if not said:
        return Objection("empty", _("the answer is empty"))
    if said == question_key(question) and len(said.split()) >= ECHO_WORDS:
        return Objection("repeats_question", _("it only repeats the question"))
    if len(answer.split()) < quality.shortest_answer:
        return Objection(
            "too_short",
            ngettext(
                "the answer has fewer than {words} word",
                "the answer has fewer than {words} words",
                quality.shortest_answer,
                words=quality.shortest_answer,
            ),
        )
    if loop := repetition(answer):
        return Objection("repetition", _("it repeats itself: {words}", words=loop))
    if phrase := _refusal(said, quality.refusals):
        return Objection("refusal", _("it refuses to answer: {phrase}", phrase=repr(phrase)))
    if quality.same_script and (scripts := _other_script(question, answer, quality.same_script)):
        asked, answered = scripts
        text = _("it is written in {answered}, the question in {asked}", answered=answered, asked=asked)
        return Objection("wrong_script", text)
    return None


def question_objection(question: str, earlier: Sequence[str], quality: QualityChoice) -> Objection | None:
    """What is wrong with a follow-up question after these `earlier` ones; None where nothing is."""
    said = question_key(question)
    if not said:
        return Objection("empty", _("there is no question in it"))
    if said in map(question_key, earlier):
        return Objection("repeats_question", _("it repeats a question of the conversation"))
    if loop := repetition(question):
        return Objection("repetition", _("it repeats itself: {words}", words=loop))
    if phrase := _refusal(said, quality.refusals):
        return Objection("refusal", _("it refuses to ask: {phrase}", phrase=repr(phrase)))
    if quality.same_script and (scripts := _other_script(earlier[0], question, quality.same_script)):
        asked, follows = scripts
        text = _("it is written in {follows}, the conversation in {asked}", follows=follows, asked=asked)
        return Objection("wrong_script", text)
    return None


def _refusal(said: str, refusals: tuple[str, ...]) -> str:
    beginning = f" {said[:REFUSES_WITHIN]} "
    return next((phrase for key, phrase in _refusal_keys(refusals) if f" {key} " in beginning), "")


@lru_cache(maxsize=8)
def _refusal_keys(refusals: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((key, phrase) for phrase in refusals if (key := question_key(phrase)))


def _other_script(question: str, answer: str, share: float) -> tuple[str, str] | None:
    """The scripts of question and answer, where less than `share` of the answer is in the question's."""
    if question.isascii() and answer.isascii():
        return None
    asked, answered = _scripts(question), _scripts(answer)
    if asked.total() < QUESTION_LETTERS or answered.total() < ANSWER_LETTERS:
        return None
    if sum(answered[script] for script in asked) >= share * answered.total():
        return None
    return asked.most_common(1)[0][0].title(), answered.most_common(1)[0][0].title()


def _scripts(text: str) -> Counter[str]:
    letters = [letter for letter in text[: 2 * MOST_LETTERS] if letter.isalpha()]
    return Counter(map(_script, letters[:MOST_LETTERS]))


@lru_cache(maxsize=20_000)
def _script(letter: str) -> str:
    name = unicodedata.name(letter, "unknown").split(" ", 1)[0]
    return _TOGETHER.get(name, name)
