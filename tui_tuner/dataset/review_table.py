"""The rows of a review, and which of them are in sight, in which order.

Fifty thousand rows are searched and sorted in slices, so that whoever shows them can take in a key in between.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from tui_tuner.dataset.review import Decision
from tui_tuner.dataset.review_order import Order, figure, sort_key
from tui_tuner.dataset.review_rows import FollowUpRow, ReviewRow, settled

SLICE = 1000  # rows looked at in one go
_LINE = re.compile(r"(?<=\w):\d+$")  # at the end of a source: "mine.csv:12"


@dataclass(frozen=True)
class View:
    """Which rows are in sight, and in which order.

    Attributes:
        words: all of them are in a turn, the source or the standing; upper and lower case are the same.
        standing: one of `ReviewRow.standing`; empty takes all.
        origin: one of `origin`; empty takes all.
        order: `length` (in letters), `words` and `tokens` put the longest first.
    """

    words: str = ""
    standing: str = ""
    origin: str = ""
    order: Order = "file"

    @property
    def takes_all(self) -> bool:
        """Whether nothing is left out."""
        return not (self.words.strip() or self.standing or self.origin)

    def narrows(self, other: View) -> bool:
        """Whether whatever this view takes is in `other` too, in the same order."""
        same = (self.standing, self.origin, self.order) == (other.standing, other.origin, other.order)
        return same and self.words.startswith(other.words)


def origin(source: str) -> str:
    """Where an example is from: the file without the line, or the teacher."""
    return _LINE.sub("", source)


class ReviewTable:
    """All rows by name, and the names of those in sight.

    Attributes:
        rows: every row, in the order of the files.
        shown: the names of those in sight, in order.
        marked: the names of those a person has marked.
        learned: how many examples will be in the training files.
        view: what `shown` was selected by.
        tokens: the base model's tokens of each row where they have been counted, by name.
    """

    def __init__(self) -> None:
        self.rows: dict[str, ReviewRow] = {}
        self.shown: list[str] = []
        self.marked: set[str] = set()
        self.learned = 0
        self.view = View()
        self.tokens: dict[str, int] = {}
        self._order: Order = "file"
        self._in_order: list[str] = []
        self._unsorted = False  # rows have come since it was sorted
        self._candidates: list[str] | None = None  # those looked through, while a selection is under way
        self._texts: dict[str, str] = {}
        self._follow_ups: dict[str, list[str]] = {}  # the names of those refused, by the name of their example

    def add(self, rows: Sequence[ReviewRow]) -> None:
        """Take in more rows; in another order than the files' they come last until the next `select`."""
        names = [row.name for row in rows]
        self.rows.update(zip(names, rows, strict=True))
        self.learned += sum(map(_examples_learned, rows))
        for row in rows:
            if isinstance(row, FollowUpRow):
                self._follow_ups.setdefault(row.of, []).append(row.name)
        self._in_order += names
        self._unsorted = True
        if self._candidates is None:
            self.shown += names if self.view.takes_all else filter(self._fits(self.view), names)
        elif self._candidates is not self._in_order:
            self._candidates += names

    def take_decisions(self, names: Iterable[str], decisions: Mapping[str, Decision]) -> None:
        """Let the rows known by `names` stand as `decisions` say; what is in sight stays until the next `select`."""
        examples = dict.fromkeys(self.rows[name].edited_as for name in names if name in self.rows)
        for name in filter(self.rows.__contains__, examples):
            row = replace(self.rows[name], decision=decisions.get(name))
            self._exchange(row)
            for follow_up in settled(self.refused_in(row), row, decisions):
                self._exchange(follow_up)

    def take_tokens(self, tokens: Mapping[str, int]) -> None:
        """Take in the tokens of more rows; in their order they are sorted with the next `select`."""
        self.tokens.update(tokens)
        self._unsorted |= self._order == "tokens"

    def without_tokens(self) -> list[ReviewRow]:
        """The rows whose tokens nobody has counted."""
        return [row for name, row in self.rows.items() if name not in self.tokens]

    def figure_of(self, row: ReviewRow) -> int | None:
        """The number by which the rows are sorted; None where it is none, or is not known."""
        return figure(self.view.order, row, self.tokens)

    def refused_in(self, row: ReviewRow) -> list[FollowUpRow]:
        """The follow-ups that were refused in an example, in their order."""
        found = (self.rows[name] for name in self._follow_ups.get(row.name, ()))
        return [one for one in found if isinstance(one, FollowUpRow)]

    def _exchange(self, row: ReviewRow) -> None:
        before = self.rows[row.name]
        self.learned += _examples_learned(row) - _examples_learned(before)
        if row.example.messages != before.example.messages:
            self.tokens.pop(row.name, None)
        self.rows[row.name] = row
        self._texts.pop(row.name, None)

    def select(self, view: View) -> Iterator[None]:
        """Put what `view` takes into `shown`: the first of it before the first pause, all of it at the end.

        One that is not taken to its end has to be followed by another one.
        """
        whole = self._candidates is None and not self._unsorted
        narrower = whole and view.narrows(self.view) and view.words != self.view.words
        if view.order != self._order or (self._unsorted and view.order != "file"):
            yield from self._sort(view.order)
        self._candidates = candidates = self.shown if narrower else self._in_order
        fits, found, start = self._fits(view), list[str](), 0
        self.view, self.shown = view, found
        while start < len(candidates):  # more of them may come meanwhile
            some = candidates[start : start + SLICE]
            found += some if view.takes_all else filter(fits, some)
            start += len(some)
            yield
        self._candidates = None

    def next_aside(self, place: int, step: Literal[1, -1]) -> int | None:
        """The place of the nearest row in sight that is not learned, before or after `place`; None where none is."""
        end = len(self.shown) if step == 1 else -1
        return next((at for at in range(place + step, end, step) if not self.rows[self.shown[at]].learned), None)

    def place_of(self, name: str) -> int | None:
        """Where a row is in sight; None where it is not."""
        return next((place for place, shown in enumerate(self.shown) if shown == name), None)

    def to_decide(self) -> tuple[str, ...]:
        """Those that a decision about several is about: the marked ones, or all in sight where none is marked."""
        return tuple(name for name in self.rows if name in self.marked) if self.marked else tuple(self.shown)

    def standings(self) -> Counter[str]:
        """How many rows there are of each standing."""
        return Counter(row.standing for row in self.rows.values())

    def origins(self) -> Counter[str]:
        """How many rows there are from each origin."""
        return Counter(origin(row.written.source) for row in self.rows.values())

    def _sort(self, order: Order) -> Iterator[None]:
        names = list(self.rows)
        if order != "file":
            keys: dict[str, Any] = {}
            key = sort_key(order, self.tokens)
            for start in range(0, len(names), SLICE):
                keys |= {name: key(self.rows[name]) for name in names[start : start + SLICE]}
                yield
            names.sort(key=keys.__getitem__)
            names += [name for name in self.rows if name not in keys]  # those that came meanwhile
        self._order, self._in_order, self._unsorted = order, names, len(names) != len(self.rows)

    def _fits(self, view: View) -> Callable[[str], bool]:
        wanted = view.words.casefold().split()

        def fits(name: str) -> bool:
            row = self.rows[name]
            if view.standing and row.standing != view.standing:
                return False
            if view.origin and origin(row.written.source) != view.origin:
                return False
            return not wanted or all(word in self._text(name, row) for word in wanted)

        return fits

    def _text(self, name: str, row: ReviewRow) -> str:
        """What is searched in, kept: folding it anew at every letter typed would take longer than searching."""
        text = self._texts.get(name)
        if text is None:
            turns = (message["content"] for message in row.example.messages)
            text = "\n".join((*turns, row.provenance, row.standing)).casefold()
            self._texts[name] = text
        return text


def _examples_learned(row: ReviewRow) -> int:
    """How many examples it adds to the training files: a follow-up adds to one that is counted already."""
    return int(row.learned and not isinstance(row, FollowUpRow))
