"""How much memory a run will take at its fullest moment, known before anything is loaded."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tui_tuner.choices import TrainingChoice
from tui_tuner.models.anatomy import Anatomy, Linear
from tui_tuner.progress import Event
from tui_tuner.training.batch_memory import HALF, SINGLE, BatchMemory, LayerMemory, adapted
from tui_tuner.training.dividing import TRIAL_TOKENS
from tui_tuner.training.effort import Row

# Numbers an optimizer keeps beside each one it changes.
OPTIMIZER = {"adam": 2.0, "adamw": 2.0, "sgd": 1.0, "muon": 1.0, "adafactor": 0.05}
# While weights are changed there is also their gradient, and for a moment what replaces them.
GRADIENT, REPLACED = 1.0, 1.0
STATES_SHARE = 1 / 16  # of the machine's memory, for kept states; the rest of them goes to the disk
TRIAL = 2  # rows on which shortcuts are tried


@dataclass(frozen=True)
class Machine:
    """What training has.

    Attributes:
        usable: bytes of memory it may take.
        total: bytes of memory there are.
        gpu: whether MLX computes on one.
        cores: of the processor.
    """

    usable: int
    total: int
    gpu: bool
    cores: int


@dataclass(frozen=True)
class MemoryEstimate(Event):
    """Bytes at the fullest moment.

    Attributes:
        weights: the base model.
        adapter: what is trained beside it.
        optimizer: what the optimizer remembers, and gradients that wait.
        states: the kept states of the frozen layers, as far as they are in memory.
        activations: what the layers need, in the batch that needs most.
        logits: of that batch's learned tokens.
        rows: of that batch.
        length: tokens of its longest row.
    """

    weights: int
    adapter: int
    optimizer: int
    states: int
    activations: int
    logits: int
    rows: int
    length: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.adapter + self.optimizer + self.states + self.activations + self.logits


def estimate_memory(
    anatomy: Anatomy, choice: TrainingChoice, rows: Sequence[Row], held_out: Sequence[Row], machine: Machine
) -> MemoryEstimate:
    """What training `rows` will take.

    Args:
        anatomy: of the base model.
        choice: how it is trained.
        rows: the training rows, cut to the sequence length; at least one.
        held_out: the held-out rows, perhaps none; their states are kept too.
        machine: a GPU computes in half precision where the model is stored so, a processor always in single.
    """
    item = HALF if machine.gpu and anatomy.half else SINGLE
    full = choice.fine_tune_type == "full"
    trained = anatomy.trained(choice.num_layers)
    changed = int(changed_numbers(trained, choice) * (item if full else SINGLE))
    weights, adapter = anatomy.in_memory(single=not machine.gpu), 0 if full else changed
    remembered = OPTIMIZER[choice.optimizer] + (GRADIENT if choice.grad_accumulation_steps > 1 else 0)
    cores = _side_by_side(choice, machine, len(rows), changed, weights)
    # On an ARM processor without a GPU too, where it foretells a little too much.
    powers = choice.quick_exponentials and not machine.gpu
    fullest, batch = _fullest(LayerMemory(anatomy, choice, item, cores, powers=powers), choice, rows)
    # Where all weights are trained the change of them may take more than the batch before it.
    change = int(changed * (GRADIENT + REPLACED))
    frozen = len(anatomy.layers) - len(trained)
    tokens = sum(row.length - 1 for row in itertools.chain(rows, held_out)) if frozen and choice.kept_states else 0
    return MemoryEstimate(
        weights=weights,
        adapter=adapter,
        optimizer=int(changed * remembered) + max(change - batch.total, 0),
        states=min(int(tokens * anatomy.hidden * (2 if item == HALF else SINGLE)), int(machine.total * STATES_SHARE)),
        activations=batch.layers,
        logits=batch.logits,
        rows=len(fullest),
        length=max(row.length for row in fullest),
    )


def changed_numbers(trained: Sequence[Sequence[Linear]], choice: TrainingChoice) -> int:
    """How many numbers training changes in the layers `trained`."""
    if choice.fine_tune_type == "full":
        return sum(linear.numbers for layer in trained for linear in layer)
    total = 0
    for layer in trained:
        for linear in adapted(layer, choice):
            total += choice.rank * (linear.inputs + linear.outputs) * linear.experts
            total += linear.outputs * linear.experts if choice.fine_tune_type == "dora" else 0
    return total


def _side_by_side(choice: TrainingChoice, machine: Machine, rows: int, changed: int, weights: int) -> int:
    """How many rows a processor computes side by side, by the rule of `shortcuts.proof`; 1 for none."""
    batch = min(choice.batch_size, rows)
    count = min(machine.cores, batch)
    if machine.gpu or not choice.rows_side_by_side or count < 2 or machine.cores > 2 * batch:
        return 1
    return count if count * changed <= weights else 1


def _fullest(layers: LayerMemory, choice: TrainingChoice, rows: Sequence[Row]) -> tuple[Sequence[Row], BatchMemory]:
    """The batch that needs most among those that training makes, and what it needs; or the trial, if that is more."""
    ordered = sorted(rows, key=lambda row: (row.length, row.supervised))
    found = [(batch, layers.of(batch)) for batch in _batches(ordered, choice.batch_size)]
    trial = [Row(min(row.length, TRIAL_TOKENS), min(row.supervised, TRIAL_TOKENS - 1)) for row in ordered[:TRIAL]]
    found.append((trial, layers.of_trial(trial)))
    return max(found, key=lambda one: one[1].total)


def _batches(ordered: Sequence[Row], batch_size: int) -> Iterator[Sequence[Row]]:
    """The batches of rows of about the same length that may need most: the longest, and those with more to learn."""
    size = min(batch_size, len(ordered))
    sums = [0, *itertools.accumulate(row.supervised for row in ordered)]
    most = -1
    for end in range(len(ordered), size - 1, -1):
        supervised = sums[end] - sums[end - size]
        if supervised > most:  # shorter ones with no more to learn need less
            most = supervised
            yield ordered[end - size : end]
