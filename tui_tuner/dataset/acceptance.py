"""Whether a teacher's answer is kept, and why not: the checks of every example, and the style of this dataset."""

from __future__ import annotations

import re
from dataclasses import replace

from tui_tuner.dataset.checks import Objection, answer_objection
from tui_tuner.dataset.examples import question_key, well_formed
from tui_tuner.dataset.grounding import passage_objection, says_nothing
from tui_tuner.dataset.passage_asking import before_prompt
from tui_tuner.dataset.plan import DatasetPlan
from tui_tuner.documents.passages import Passage
from tui_tuner.language import _
from tui_tuner.teachers.teacher import Answer

# A full stop inside a number or an abbreviation such as "e.g." is followed by no space, or by a small letter.
_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s+(?![a-z])|$)|[。！？]+[」』”）]*")


class Standard:
    """What the answers of one dataset have to be like.

    Args:
        plan: its style and its seed examples.
    """

    def __init__(self, plan: DatasetPlan) -> None:
        self._quality = plan.quality
        self._beginning = plan.choice.answer_beginning.strip()
        self._markers = [marker.strip() for marker in plan.choice.answer_must_contain if marker.strip()]
        answers = [example.answer for example in plan.seed_examples]
        self._seed_answers = {question_key(answer) for answer in answers}
        self._sentences = max((_sentences(rest) for rest in map(self._after_markers, answers) if rest), default=0)

    def tidy(self, answer: Answer) -> Answer:
        """The answer without what a rambling teacher adds once the style is complete.

        After the last of the texts that an answer must contain, as many sentences stay as the longest of the seed
        examples has there, all of its first line where there are no seed examples. An answer that was cut off only in
        what is taken away here is whole. Without such texts only that goes with which a small model continues the
        conversation all by itself.
        """
        said = well_formed(answer.text).strip()
        text = before_prompt(said)
        answer = replace(answer, finish="stop") if len(text) < len(said) else answer
        rest = self._after_markers(text)
        if not rest:
            return replace(answer, text=text)
        kept = rest.split("\n", 1)[0]
        if self._sentences:
            ends = [match.end() for match in _SENTENCE_END.finditer(kept)]
            kept = kept[: ends[self._sentences - 1]] if len(ends) >= self._sentences else kept
        whole = answer.finish == "stop" or len(kept.rstrip()) < len(rest.rstrip())
        tidied = text[: len(text) - len(rest)] + kept.rstrip()
        return replace(answer, text=tidied, finish="stop" if whole else "length")

    def objection(self, question: str, answer: Answer, passage: Passage | None = None) -> Objection | None:
        """What is wrong with a tidied answer to `question`; None where it can be learned from.

        Args:
            question: what was asked.
            answer: as `tidy` leaves it.
            passage: what it had to be taken from.
        """
        plain = self._without_markers(answer.text)
        if passage is not None and says_nothing(plain):  # in whatever style: it has none
            return passage_objection(question, plain, passage, self._quality)
        if not question_key(plain):
            return Objection("empty", _("the answer is empty"))
        if answer.finish == "length":
            return Objection("cut_off", _("the answer was cut off at the longest length allowed"))
        if missing := self._missing(answer.text):
            return Objection("not_in_style", _("it is not in the style: {text} is missing", text=repr(missing)))
        if question_key(answer.text) in self._seed_answers:
            return Objection("copies_example", _("it is the answer of an example, word for word"))
        if question_key(answer.text) == question_key(question):
            return Objection("repeats_question", _("it only repeats the question"))
        found = answer_objection(question, plain, self._quality)
        if found is None and passage is not None:
            return passage_objection(question, plain, passage, self._quality)
        return found

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
