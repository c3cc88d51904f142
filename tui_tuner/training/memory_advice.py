"""Whether settings fit into this machine's memory and, where they do not, the nearest ones that do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tui_tuner.choices import TrainingChoice
from tui_tuner.language import _
from tui_tuner.training.memory_estimate import MemoryEstimate

ERROR = 0.15  # how far an estimate may be off
TIGHT = 0.9  # of what may be used; beyond that it may go well
FEWEST_LAYERS = 4
SHORTEST = 128  # tokens
MOST_ADVICE = 3

Estimate = Callable[[TrainingChoice], MemoryEstimate | None]


@dataclass(frozen=True)
class Change:
    """Settings that need less.

    Attributes:
        choice: the settings.
        words: what is changed, in mlx-lm's names: `batch_size 4 → 2`.
        total: bytes they take.
    """

    choice: TrainingChoice
    words: str
    total: int


def surely_too_much(estimate: MemoryEstimate, limit: int) -> bool:
    """Whether it does not fit even if the estimate is too high by all it may be."""
    return estimate.total / (1 + ERROR) > limit


def tight(estimate: MemoryEstimate, limit: int) -> bool:
    """Whether it may not fit."""
    return estimate.total > limit * TIGHT


def changes_that_fit(choice: TrainingChoice, estimate: Estimate, limit: int, layers: int) -> list[Change]:
    """The nearest settings that fit well: of one change each if there are any, else of several.

    What costs least comes first: a smaller batch with the same number of rows per update, then computing twice, then
    what changes what is learned.

    Args:
        choice: settings that do not fit.
        estimate: what settings take; None where they leave no row to learn from.
        limit: bytes there are.
        layers: how many the model has.
    """
    found: list[Change] = []
    ways = [
        list(way)
        for way in (_smaller_batches(choice), _checkpointing(choice), _layers(choice, layers), _lengths(choice))
    ]
    for way in ways:
        found += _first_that_fits(choice, way, estimate, limit)
    if not found:
        so_far: dict[str, int | bool] = {}
        for way in ways:
            found = _first_that_fits(choice, [so_far | option for option in way], estimate, limit)
            if found:
                break
            so_far |= way[-1] if way else {}
    return found[:MOST_ADVICE]


def _first_that_fits(
    choice: TrainingChoice, options: list[dict[str, int | bool]], estimate: Estimate, limit: int
) -> list[Change]:
    for option in options:
        changed = dataclasses.replace(choice, **option)  # type: ignore[arg-type]
        found = estimate(changed)
        if option and found is not None and not tight(found, limit):
            return [Change(changed, _in_words(choice, option), found.total)]
    return []


def _smaller_batches(choice: TrainingChoice) -> Iterator[dict[str, int | bool]]:
    size, updates = choice.batch_size, choice.grad_accumulation_steps
    while size > 1:
        # As many rows per update as before where they divide evenly, so that little changes but the time.
        even = size % 2 == 0
        size = size // 2 if even else size - 1
        updates = updates * 2 if even else updates
        yield {"batch_size": size, "grad_accumulation_steps": updates}


def _checkpointing(choice: TrainingChoice) -> Iterator[dict[str, int | bool]]:
    if not choice.grad_checkpoint:
        yield {"grad_checkpoint": True}


def _layers(choice: TrainingChoice, there: int) -> Iterator[dict[str, int | bool]]:
    layers = choice.num_layers if 0 < choice.num_layers < there else there
    while layers > FEWEST_LAYERS:
        layers = max(layers // 2, FEWEST_LAYERS)
        yield {"num_layers": layers}


def _lengths(choice: TrainingChoice) -> Iterator[dict[str, int | bool]]:
    length = choice.max_seq_length
    while length > SHORTEST:
        length = max(length // 2, SHORTEST)
        yield {"max_seq_length": length}


def _in_words(choice: TrainingChoice, option: dict[str, int | bool]) -> str:
    words = []
    for name, value in option.items():
        before = getattr(choice, name)
        if isinstance(value, bool):
            words.append(_("{name} on", name=name))
        elif value != before:
            words.append(f"{name} {before:,} → {value:,}")
    return ", ".join(words)


def advice_in_words(changes: list[Change]) -> str:
    """The changes as one sentence; what else helps where there are none."""
    if not changes:
        return _("No smaller settings fit: choose a smaller base model, or one in 4 bits.")
    return _("What fits: {changes}.", changes=_(", or ").join(change.words for change in changes))
