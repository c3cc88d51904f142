"""Whether an answer is good enough to learn from, and why not.

These checks look at form alone and know no language: whether what an answer says is true, no program can tell.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tui_tuner.dataset.examples import question_key, well_formed
from tui_tuner.dataset.plan import DatasetPlan
from tui_tuner.language import _
from tui_tuner.teachers.teacher import Answer

Reason = Literal[
    "empty", "cut_off", "repetition", "not_in_style", "repeats_question", "copies_example", "teacher_failed"
]

# A full stop inside a number or an abbreviation such as "e.g." is followed by no space, or by a small letter.
_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s+(?![a-z])|$)|[。！？]+[」』”）]*")
LONGEST_LOOP = 12  # words
LOOPS = 3  # times in a row
SINGLE_LOOPS = 5  # times in a row, for one word alone: "very very" happens


@dataclass(frozen=True)
class Objection:
    """Why an answer is refused: a word for programs, a sentence for people."""

    reason: Reason
    text: str


class Standard:
    """What the answers of one dataset have to be like.

    Args:
        plan: its style and its seed examples.
    """

    def __init__(self, plan: DatasetPlan) -> None:
        self._beginning = plan.choice.answer_beginning.strip()
        self._markers = [marker.strip() for marker in plan.choice.answer_must_contain if marker.strip()]
        answers = [example.answer for example in plan.seed_examples]
        self._seed_answers = {question_key(answer) for answer in answers}
        self._sentences = max((_sentences(rest) for rest in map(self._after_markers, answers) if rest), default=0)

    def tidy(self, answer: Answer) -> Answer:
        """The answer without what a rambling teacher adds once the style is complete.

        After the last of the texts that an answer must contain, as many sentences stay as the longest of the seed
        examples has there, all of its first line where there are no seed examples. An answer that was cut off only in
        what is taken away here is whole. Without such texts nothing is taken away.
        """
        text = well_formed(answer.text).strip()
        rest = self._after_markers(text)
        if not rest:
            return Answer(text, answer.finish, answer.tokens)
        kept = rest.split("\n", 1)[0]
        if self._sentences:
            ends = [match.end() for match in _SENTENCE_END.finditer(kept)]
            kept = kept[: ends[self._sentences - 1]] if len(ends) >= self._sentences else kept
        whole = answer.finish == "stop" or len(kept.rstrip()) < len(rest.rstrip())
        tidied = text[: len(text) - len(rest)] + kept.rstrip()
        return Answer(tidied, "stop" if whole else "length", answer.tokens)

    def objection(self, question: str, answer: Answer) -> Objection | None:
        """What is wrong with a tidied answer to `question`; None where it can be learned from."""
        said = question_key(answer.text)
        if not said or not question_key(self._without_markers(answer.text)):
            return Objection("empty", _("the answer is empty"))
        if answer.finish == "length":
            return Objection("cut_off", _("the answer was cut off at the longest length allowed"))
        if loop := repetition(answer.text):
            return Objection("repetition", _("it repeats itself: {words}", words=loop))
        if missing := self._missing(answer.text):
            return Objection("not_in_style", _("it is not in the style: {text} is missing", text=repr(missing)))
        if said == question_key(question) or question_key(self._without_markers(answer.text)) == question_key(question):
            return Objection("repeats_question", _("it only repeats the question"))
        if said in self._seed_answers:
            return Objection("copies_example", _("it is the answer of an example, word for word"))
        return None

    def _missing(self, text: str) -> str:
        """The first thing of the style that `text` does not have; each has to come after the one before."""
        if self._beginning and not text.startswith(self._beginning):
            return self._beginning
        place = 0
        for marker in self._markers:
            found = text.find(marker, place)
            if found < 0:
                return marker
            place = found + len(marker)
        return ""

    def _after_markers(self, text: str) -> str:
        """What follows the last of the texts it must contain; empty where one is missing or there are none."""
        if not self._markers or self._missing(text):
            return ""
        place = 0
        for marker in self._markers:
            place = text.find(marker, place) + len(marker)
        return text[place:]

    def _without_markers(self, text: str) -> str:
        for marker in {self._beginning, *self._markers} - {""}:
            text = text.replace(marker, " ")
        return text


def _sentences(text: str) -> int:
    return max(1, len(_SENTENCE_END.findall(text.split("\n", 1)[0].rstrip())))


def repetition(text: str) -> str:
    """The words that come several times in a row in `text`, or several whole lines that are the same; empty if none.

    Looks for runs of up to `LONGEST_LOOP` words; in scripts that put no spaces between words for runs of letters.
    """
    words = [word for word in question_key(text).split() if any(letter.isalnum() for letter in word)]
    letters = "".join(words)
    if sum(unicodedata.east_asian_width(letter) in "WF" for letter in letters) > len(letters) / 2:
        words = list(letters)
    for length in range(1, LONGEST_LOOP + 1):
        times = SINGLE_LOOPS if length == 1 else LOOPS
        if found := _loop(words, length, times):
            return " ".join(found)
    lines = [line for line in map(question_key, text.splitlines()) if len(line) > 20]
    return next((line for line in lines if lines.count(line) >= LOOPS), "")


def _loop(words: Sequence[str], length: int, times: int) -> Sequence[str]:
    """The first `length` words that come `times` times in a row."""
    same = 0
    for place in range(length, len(words)):
        same = same + 1 if words[place] == words[place - length] else 0
        if same == length * (times - 1):
            found = words[place - length + 1 : place + 1]
            if not all(word.isdigit() for word in found):  # a row of zeros is data, not a stammer
                return found
    return []
