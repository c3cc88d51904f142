"""Which of two answers a judge or a person finds better, neither knowing whose they are; kept beside the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
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
        if found.says not in SAYS or found.order not in ORDERS or not isinstance(found.index, int):
            raise ValueError("no opinion")
        return found


Opinions = dict[tuple[int, str, int], Opinion]


def judged(opinions: Opinions, column: str) -> tuple[int, int, int]:
    """How often a judge found the column better, worse, even.

    It counts as better or worse only where the judge says so in both orders: one that follows the order says nothing.
    Where its words could not be read, the prompt does not count.
    """
    says = {place: opinions[place].says for place in opinions if place[1] == column}
    both = [{says[index, column, 0], says[index, column, 1]} for index in _in_both_orders(says)]
    clear = [found for found in both if "unclear" not in found]
    won, lost = clear.count({"column"}), clear.count({"first"})
    return won, lost, len(clear) - won - lost


def _in_both_orders(places: Mapping[tuple[int, str, int], object]) -> list[int]:
    column = {name for _index, name, _order in places}
    return sorted(
        {index for index, _name, _order in places if all((index, *column, order) in places for order in ORDERS)}
    )


def voted(votes: Opinions, column: str) -> tuple[int, int, int]:
    """How often a person found the column better, worse, even."""
    says = [vote.says for vote in votes.values() if vote.column == column]
    return says.count("column"), says.count("first"), says.count("even")
