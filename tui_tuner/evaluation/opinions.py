"""Which of two answers a judge or a person finds better, neither knowing whose they are; kept beside the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass
from typing import Any, Literal

Says = Literal["column", "first", "even", "unclear"]
SAYS: tuple[Says, ...] = ("column", "first", "even", "unclear")
ORDERS = (0, 1)  # which answer is shown first: that of the first column, or the other one


@dataclass(frozen=True)
class Opinion:
    """On one prompt's answers, of a column and of the first column, the yardstick.

    Attributes:
        index: the prompt's place.
        column: the column that is held against the yardstick.
        says: whose answer is better, or `even`; `unclear` where the judge's words could not be read.
        order: of a judge, which answer it read first, 0 that of the yardstick; a person's is 0.
        judge: who; empty for a person.
    """

    index: int
    column: str
    says: Says
    order: int = 0
    judge: str = ""

    @property
    def key(self) -> tuple[int, str, int]:
        """Under what it is kept; a later one of the same takes its place."""
        return self.index, self.column, self.order

    def as_row(self) -> dict[str, Any]:
        """Its line of the journal."""
        return {"opinion": asdict(self)}

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Opinion:
        """What `as_row` gave.

        Raises:
            ValueError, TypeError, KeyError: it is not that.
        """
        found = cls(**row["opinion"])
        known = found.says in SAYS and found.order in ORDERS and isinstance(found.judge, str)
        if not known or not isinstance(found.index, int):
            raise ValueError("no opinion")
        return found


Opinions = dict[tuple[int, str, int], Opinion]


@dataclass(frozen=True)
class Tally:
    """How often a column was found better than the yardstick, or worse.

    Attributes:
        won: better.
        lost: worse.
        even: neither.
        turned: of a judge, pairs of which it said something else when their order was turned: it says nothing on them.
        unread: of a judge, pairs of which it said something that could not be read, in one order at least.
    """

    won: int = 0
    lost: int = 0
    even: int = 0
    turned: int = 0
    unread: int = 0

    @property
    def decided(self) -> int:
        """Pairs of which one was better."""
        return self.won + self.lost

    @property
    def unclear(self) -> int:
        """Pairs the judge was asked about in vain."""
        return self.turned + self.unread

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    @property
    def all(self) -> int:
        """How many pairs were read."""
        return self.decided + self.even + self.unclear


def judged(opinions: Opinions, column: str) -> Tally:
    """What a judge found of the column, over the pairs it has read in both orders.

    A pair is won, lost or even only where it says so in both orders: one that follows the order says nothing.
    """
    says = {place: opinions[place].says for place in opinions if place[1] == column}
    pairs = [{says[index, column, 0], says[index, column, 1]} for index in _in_both_orders(says)]
    unread = sum("unclear" in found for found in pairs)
    won, lost, even = pairs.count({"column"}), pairs.count({"first"}), pairs.count({"even"})
    return Tally(won, lost, even, len(pairs) - unread - won - lost - even, unread)


def _in_both_orders(places: Mapping[tuple[int, str, int], object]) -> list[int]:
    column = {name for _index, name, _order in places}
    return sorted(
        {index for index, _name, _order in places if all((index, *column, order) in places for order in ORDERS)}
    )


def voted(votes: Opinions, column: str) -> Tally:
    """What a person found of the column."""
    says = [vote.says for vote in votes.values() if vote.column == column]
    return Tally(says.count("column"), says.count("first"), says.count("even"))
