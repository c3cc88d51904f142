"""The largest batch and the most layers that fit into memory well, tried in the order of what costs least."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from tui_tuner.choices import TrainingChoice
from tui_tuner.training.auto_rate import epochs_for
from tui_tuner.training.forecast import Forecaster
from tui_tuner.training.memory_advice import tight

# Adapters lose more by large batches than whole models do (LoRA Without Regret, 2025); mlx-lm's own batch.
BATCH = 4
# mlx-lm's own number; without a GPU every layer costs much time.
LAYERS_ON_A_GPU, LAYERS_ON_A_CPU = 16, 8
QUICK_ON_A_CPU = 5e12  # tokens times numbers of the model: minutes, also with more layers


@dataclass(frozen=True)
class Fit:
    """Settings that memory decides.

    Attributes:
        settings: their names and values.
        total: bytes they take.
        fits: whether that is well within what may be used.
        wanted: whether it is what one would take if memory were no question.
    """

    settings: dict[str, Any]
    total: int
    fits: bool
    wanted: bool


def best_fit(forecaster: Forecaster, choice: TrainingChoice, given: Collection[str], rows: int) -> Fit:
    """The first of the options that fits well; the least of them where none does.

    Args:
        forecaster: knows machine, model and dataset.
        choice: the other settings.
        given: settings that stay as they are in `choice`.
        rows: that can be learned from, at least one.
    """
    for wanted, option in enumerate(_options(forecaster, choice, given, rows)):
        takes = forecaster.memory(dataclasses.replace(choice, **option))
        assert takes is not None  # there is a row
        found = Fit(option, takes.total, not tight(takes, forecaster.machine.usable), wanted == 0)
        if found.fits:
            break
    return found


def wanted_layers(forecaster: Forecaster) -> int:
    """How many layers are trained if memory is no question: fewer only where a processor would need long."""
    tokens = sum(row.length for row in forecaster.train) * epochs_for(len(forecaster.train))
    slow = not forecaster.machine.gpu and tokens * forecaster.anatomy.parameters > QUICK_ON_A_CPU
    usual = LAYERS_ON_A_CPU if slow else LAYERS_ON_A_GPU
    return min(usual, len(forecaster.anatomy.layers))


def _options(
    forecaster: Forecaster, choice: TrainingChoice, given: Collection[str], rows: int
) -> Iterator[dict[str, Any]]:
    """From what is wanted to the least, each with as many rows per update."""
    layers, batch = wanted_layers(forecaster), min(BATCH, rows)
    for size, trained, twice in (
        (batch, layers, False),
        (2, layers, False),
        (batch, layers, True),
        (2, layers, True),
        (1, layers, True),
        (1, 8, True),
        (1, 4, True),
    ):
        size = choice.batch_size if "batch_size" in given else min(size, batch)
        option = {
            "batch_size": size,
            "grad_accumulation_steps": max(batch // size, 1),
            "num_layers": min(trained, layers),
            "grad_checkpoint": twice,
        }
        yield {name: getattr(choice, name) if name in given else value for name, value in option.items()}
