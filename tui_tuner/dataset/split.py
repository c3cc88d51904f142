"""Which examples are learned, which are held out to measure progress, and which for a last test."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tui_tuner.dataset.examples import Example, question_key
from tui_tuner.dataset.near_duplicates import NearDuplicates
from tui_tuner.errors import DatasetError
from tui_tuner.language import _

# With this many batches there is enough to give the held-out part a whole batch, which mlx-lm asks for.
BATCHES_FOR_A_WHOLE_ONE_HELD_OUT = 5


@dataclass(frozen=True)
class Split:
    """The examples of `train.jsonl`, `valid.jsonl` and `test.jsonl`, in their order there."""

    train: tuple[Example, ...]
    valid: tuple[Example, ...]
    test: tuple[Example, ...] = ()


@dataclass(frozen=True)
class Shares:
    """How to divide.

    Attributes:
        valid: the part of all examples held out to measure progress, 0 to 1.
        test: the part kept for a last test, 0 to 1; 0 keeps none.
        batch_size: how many examples training wants at least.
        near_duplicate: from which similarity on two questions stay on the same side.
    """

    valid: float
    test: float = 0.0
    batch_size: int = 1
    near_duplicate: float = 0.8


def split_examples(
    seeds: Sequence[Example],
    written: Iterable[Example],
    shares: Shares,
    *,
    seed: int,
    known: NearDuplicates | None = None,
) -> Split:
    """Divide the examples; at least one is held out, and `shares.batch_size` are left to train on where possible.

    The same examples and seed give the same split, in whatever order the examples came. Seed examples are always
    trained on, unless there are no others to hold out. The same question counts once; questions that are nearly the
    same are never on different sides.

    Args:
        seeds: the seed examples.
        written: all others.
        shares: how to divide.
        seed: of the shuffle.
        known: where the examples' questions have been compared with one another already; others are added to it.

    Raises:
        DatasetError: there are fewer than two examples.
    """
    seed_keys = {question_key(example.asked) for example in seeds}
    unique = {question_key(example.asked): example for example in written}
    # In the order of their questions: answers come in the order a teacher happens to finish them.
    others = [unique[key] for key in sorted(unique) if key not in seed_keys]
    total = len(seeds) + len(others)
    _require_two(total)
    if known is None:
        known = NearDuplicates(shares.near_duplicate)
    always, groups = _groups(seeds if others else (), others or list(seeds), known)
    chance = random.Random(seed)
    chance.shuffle(groups)
    movable = sum(map(len, groups))
    most = max(1, min(total - shares.batch_size, movable, total - 1))
    for_valid, for_test = _sizes(total, most, shares)
    valid = _take(groups, for_valid, least=_least(total, shares.batch_size), most=most - (for_test > 0))
    if not valid and groups:  # the smallest thing that can be held out is larger than a good part
        groups.sort(key=len)
        valid = groups.pop(0)
    test = _take(groups, for_test, least=1, most=most - len(valid)) if for_test else []
    train = [*always, *(example for group in groups for example in group)]
    if not train:  # everything resembles everything: something has to be learned from
        train, valid = valid[1:], valid[:1]
    chance.shuffle(train)
    return Split(tuple(train), tuple(valid), tuple(test))


def _require_two(total: int) -> None:
    if total < 2:
        raise DatasetError(
            _("there are not enough usable examples: {number}, and at least 2 are needed", number=total),
            advice=_("Ask for more questions."),
        )


def _sizes(total: int, most: int, shares: Shares) -> tuple[int, int]:
    """How many to hold out and how many to keep for a test, `most` of them together."""
    valid = max(round(total * shares.valid), _least(total, shares.batch_size))
    test = max(1, round(total * shares.test)) if shares.test else 0
    if valid + test > most:  # each gives up its part of what is too much
        valid = max(1, min(round(most * valid / (valid + test)), most - 1 if test else most))
        test = min(test, most - valid)
    return valid, test


def _least(total: int, batch_size: int) -> int:
    """How many have to be held out: a whole batch where there are enough."""
    return batch_size if total >= BATCHES_FOR_A_WHOLE_ONE_HELD_OUT * batch_size else 1


def _groups(
    seeds: Sequence[Example], others: Sequence[Example], known: NearDuplicates
) -> tuple[list[Example], list[list[Example]]]:
    """Those always trained on (seed examples and what resembles them), and the rest in groups that stay together.

    A group holds all that resemble one another, be it by way of others between them.
    """
    for example in (*seeds, *others):
        if known.place_of(example.asked) is None:
            known.add(example.asked)
    roots = list(range(len(known)))

    def root(place: int) -> int:
        while roots[place] != place:
            roots[place] = place = roots[roots[place]]
        return place

    for place in range(len(known)):
        for other in known.resembled_by(place):
            roots[root(place)] = root(other)

    def root_of(example: Example) -> int:
        place = known.place_of(example.asked)
        assert place is not None, "all of them were added"
        return root(place)

    always = list(seeds)
    homes = {root_of(example): always for example in seeds}
    for example in others:
        homes.setdefault(root_of(example), []).append(example)
    return always, [home for home in homes.values() if home is not always]


def _take(groups: list[list[Example]], wanted: int, *, least: int, most: int) -> list[Example]:
    """Move whole groups out of `groups`: what fits into `wanted` examples, then small ones until `least` are taken.

    Never more than `most` are taken, so that it may be fewer than `least`, or none.
    """
    taken: list[Example] = []
    left: list[list[Example]] = []
    for group in groups:
        if len(taken) + len(group) <= min(wanted, most):
            taken += group
        else:
            left.append(group)
    while len(taken) < least and left:
        smallest = min(left, key=len)
        if len(taken) + len(smallest) > most:
            break
        left.remove(smallest)
        taken += smallest
    groups[:] = left
    return taken
