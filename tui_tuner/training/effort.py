"""How much work a batch is, so that the time of steps to come follows from the time of steps seen.

The unit is what it takes to send one position forward through one layer. The way back takes twice as much as the way
forward (Kaplan and others, Scaling Laws for Neural Language Models, arXiv 2001.08361, count so). What attention needs
beyond its matrices, which grows with the square of the length, is not counted: it is little at the lengths one trains.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tui_tuner.choices import TrainingChoice
from tui_tuner.errors import TunerError
from tui_tuner.models.anatomy import Anatomy, read_anatomy
from tui_tuner.training.batches import epoch_order, fixed_order

FORWARD_AND_BACK = 3


@dataclass(frozen=True)
class Row:
    """A row in numbers: its tokens, and how many of them are learned."""

    length: int
    supervised: int


@dataclass(frozen=True)
class Effort:
    """What the positions of a batch cost.

    Attributes:
        trained: layers that are trained.
        frozen: layers below them.
        head: what the head costs for one token, in layers.
        keeps: whether the frozen layers' states are computed once and kept; otherwise at every step.
        twice: whether what happens in trained layers is computed a second time for the gradient.
    """

    trained: int
    frozen: int = 0
    head: float = 0.0
    keeps: bool = True
    twice: bool = False

    def step(self, positions: int, supervised: int) -> float:
        """Work of a training step, without that of states that are not kept yet."""
        times = FORWARD_AND_BACK + self.twice
        below = 0 if self.keeps else self.frozen
        return positions * (times * self.trained + below) + FORWARD_AND_BACK * supervised * self.head

    def forward(self, positions: int, supervised: int) -> float:
        """Work of measuring a loss alone, without that of states that are not kept yet."""
        below = 0 if self.keeps else self.frozen
        return positions * (self.trained + below) + supervised * self.head

    def states(self, positions: int) -> float:
        """Work of the frozen layers' states where they are kept."""
        return float(positions * self.frozen) if self.keeps else 0.0


def effort_of(anatomy: Anatomy, choice: TrainingChoice, *, keeps: bool) -> Effort:
    """The effort of training a model so."""
    trained = len(anatomy.trained(choice.num_layers))
    a_layer = sum(linear.inputs * linear.outputs for linear in anatomy.layers[-1]) or 1
    return Effort(
        trained,
        len(anatomy.layers) - trained,
        anatomy.vocabulary * anatomy.hidden / a_layer,
        keeps,
        choice.grad_checkpoint,
    )


def effort_with(model: Path, choice: TrainingChoice, layers: int, *, keeps: bool) -> Effort:
    """The effort of training the model in a folder; where its parts cannot be told, of its `layers` alone."""
    try:
        return effort_of(read_anatomy(model), choice, keeps=keeps)
    except TunerError:
        trained = min(choice.num_layers, layers) if choice.num_layers > 0 else layers
        return Effort(trained, layers - trained, 0.0, keeps, choice.grad_checkpoint)


def positions_of(rows: Sequence[Row]) -> int:
    """Positions that are computed for a batch of `rows`, padding included."""
    return len(rows) * max(row.length - 1 for row in rows)


@dataclass(frozen=True)
class StepWork:
    """The work of a step, and that of the states it computes where it is the first to meet its rows."""

    step: float
    states: float


def steps_of_epoch(effort: Effort, rows: Sequence[Row], choice: TrainingChoice, epoch: int) -> list[StepWork]:
    """The work of each step of an epoch, in order."""
    order = epoch_order([row.length for row in rows], choice.batch_size, choice.seed, epoch)
    return [_step(effort, [rows[place] for place in places]) for places in order]


def _step(effort: Effort, rows: Sequence[Row]) -> StepWork:
    return StepWork(effort.step(positions_of(rows), sum(row.supervised for row in rows)), states_of(effort, rows))


def validation_of(effort: Effort, rows: Sequence[Row], batch_size: int) -> float:
    """The work of measuring all held-out `rows`, without that of states that are not kept yet."""
    batches = [[rows[place] for place in places] for places in fixed_order([row.length for row in rows], batch_size)]
    return sum(effort.forward(positions_of(batch), sum(row.supervised for row in batch)) for batch in batches)


def states_of(effort: Effort, rows: Iterable[Row]) -> float:
    """The work of the frozen layers' states for `rows`, each computed alone."""
    return effort.states(sum(row.length - 1 for row in rows))
