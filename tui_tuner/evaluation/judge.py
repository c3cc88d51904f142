"""A judge, any teacher, reads two answers without knowing whose they are, in both orders, and says which is better.

Models favour what they read first, or last (Zheng et al., 2023, "Judging LLM-as-a-Judge"): hence both orders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tui_tuner.errors import TeacherError
from tui_tuner.evaluation.comparisons import Comparison
from tui_tuner.evaluation.judgement import Place, every_pair, one_letter, reasoned, says_of, texts
from tui_tuner.evaluation.opinions import Opinion, Says, Tally, judged
from tui_tuner.evaluation.summary import summed, yardstick
from tui_tuner.evaluation.verdict import why_unclear
from tui_tuner.journal import Journal
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, Notice, Pace, StopToken
from tui_tuner.teachers.teacher import Answer, Teacher

AT_ONCE = 16  # pairs; what a kill takes of a judge that has to be asked twice is no more than these
ENOUGH_TO_KNOW = 4  # pairs; a judge that says nothing readable of so many is asked for letters alone from then on


def unjudged(kept: Comparison) -> list[Place]:
    """What a judge has still to read: the prompt's place, the column, and in which order."""
    return [place for place in every_pair(kept) if place not in kept.judgements]


def judge(kept: Comparison, teacher: Teacher, *, emit: Emit, stop: StopToken) -> Comparison:
    """Have `teacher` judge every pair of answers it has not judged yet; each judgement is kept at once.

    Answers that are the same are even; nobody is asked.

    Raises:
        TeacherError: the judge does not answer.
        StorageError: the journal cannot be written.
        Stopped: asked to; the judgements so far are kept.
    """
    waiting = unjudged(kept)
    pace = Pace(_("Judge"), len(waiting), _("judgements"), emit)
    with Journal(kept.path) as journal:
        bench = _Bench(kept, teacher, journal, pace, emit, stop)
        same = [place for place in waiting if len(set(texts(kept, place))) == 1]
        for place in same:
            bench.keep(place, "even")
        different = [place for place in waiting if place not in same]
        size = min(max(teacher.at_once, 1), AT_ONCE)
        for begin in range(0, len(different), size):
            stop.check()
            bench.hear(different[begin : begin + size])
    pace.finish()
    if waiting:
        _say_what_it_is_worth(kept, teacher, emit)
    emit(summed(kept))
    return kept


@dataclass
class _Bench:
    """The judge, and where its judgements go."""

    kept: Comparison
    teacher: Teacher
    journal: Journal
    pace: Pace
    emit: Emit
    stop: StopToken
    letters_alone: bool = False

    def hear(self, places: Sequence[Place]) -> None:
        """Have the judge say why and which; where that cannot be read, only which."""
        unread = list(places) if self.letters_alone else self._ask_why(places)
        if unread:
            self._ask_letters(unread)
        self.letters_alone = self.letters_alone or len(unread) == len(places) >= ENOUGH_TO_KNOW

    def _ask_why(self, places: Sequence[Place]) -> list[Place]:
        """Returns those of which it said nothing that can be read."""
        unread: list[Place] = []

        def hear(number: int, answer: Answer | TeacherError) -> None:
            place = places[number]
            if isinstance(answer, TeacherError):
                self._miss(answer)
            elif (says := says_of(answer.text, place[2])) == "unclear":
                unread.append(place)
            else:
                self.keep(place, says)

        self.teacher.ask([reasoned(self.kept, place) for place in places], hear, self.stop)
        return unread

    def _ask_letters(self, places: Sequence[Place]) -> None:
        def hear(number: int, answer: Answer | TeacherError) -> None:
            if isinstance(answer, TeacherError):
                self._miss(answer)
            else:
                self.keep(places[number], says_of(answer.text, places[number][2]))

        continues = self.teacher.continues
        self.teacher.ask([one_letter(self.kept, place, continues=continues) for place in places], hear, self.stop)

    def keep(self, place: Place, says: Says) -> None:
        """Keep a judgement at once."""
        opinion = Opinion(*place[:2], says, place[2], self.teacher.name)
        self.journal.append(opinion.as_row())
        self.kept.judgements[place] = opinion
        self.pace.advance()

    def _miss(self, error: TeacherError) -> None:
        said = one_line(str(error), 200)
        self.emit(
            Notice(_("one judgement is missing, and is asked for at the next start: {error}", error=said), "warning")
        )


def _say_what_it_is_worth(kept: Comparison, teacher: Teacher, emit: Emit) -> None:
    """Say plainly when the judge was of little use."""
    columns = [column for column in kept.columns if column != yardstick(kept)]
    tally = sum((judged(kept.judgements, column) for column in columns), Tally())
    if tally.all and 2 * tally.unclear > tally.all:
        words = {"judge": teacher.name, "unclear": tally.unclear, "all": tally.all, "why": why_unclear(tally)}
        text = _("{judge} said nothing clear about {unclear} of {all} pairs: {why}. Try a stronger judge.", **words)
        emit(Notice(text, "warning"))
