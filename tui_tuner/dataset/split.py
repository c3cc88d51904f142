"""Which examples are learned and which are held out to measure progress."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tui_tuner.dataset.examples import Example, question_key
from tui_tuner.errors import DatasetError
from tui_tuner.language import _


@dataclass(frozen=True)
class Split:
    """The examples of `train.jsonl` and of `valid.jsonl`, in their order there."""

    train: tuple[Example, ...]
    valid: tuple[Example, ...]


def split_examples(
    seeds: Sequence[Example], written: Iterable[Example], *, valid_fraction: float, batch_size: int, seed: int
) -> Split:
    """Hold out `valid_fraction` of all examples, at least one, and leave `batch_size` to train on where possible.

    The same examples and seed give the same split, in whatever order the examples came. Seed examples are always
    trained on, unless there are no others to hold out. A question is never on both sides.

    Raises:
        DatasetError: there are fewer than two examples.
    """
    known = {question_key(example.question) for example in seeds}
    unique = {question_key(example.question): example for example in written}
    # In the order of their questions: answers come in the order a teacher happens to finish them.
    others = [unique[key] for key in sorted(unique) if key not in known]
    total = len(seeds) + len(others)
    if total < 2:
        raise DatasetError(
            _("there are not enough usable examples: {number}, and at least 2 are needed", number=total),
            advice=_("Ask for more questions."),
        )
    chance = random.Random(seed)
    candidates = others or list(seeds)
    chance.shuffle(candidates)
    most = max(1, min(total - batch_size, len(candidates), total - 1))
    held_out = min(max(1, round(total * valid_fraction)), most)
    train = [*(seeds if others else ()), *candidates[held_out:]]
    chance.shuffle(train)
    return Split(tuple(train), tuple(candidates[:held_out]))
