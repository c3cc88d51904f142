"""The same loss with less work, each way proven on this very model before it is relied on.

A shortcut goes into the model's own code at a seam that nearly all models have. Nearly: so loss and gradient of two
short rows, or parts of rows, are computed without any and with all of them. Where they differ, each is tried by itself;
one that is wrong is taken out again, and said.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import mlx.core as mx
from mlx.utils import tree_flatten

from tui_tuner.choices import TrainingChoice
from tui_tuner.figures import size
from tui_tuner.language import _
from tui_tuner.models.device import cores_here
from tui_tuner.progress import Notice
from tui_tuner.training.batches import Batch, assemble
from tui_tuner.training.dividing import TRIAL_TOKENS
from tui_tuner.training.examples import Example
from tui_tuner.training.loop import gradient_norm
from tui_tuner.training.loss import BatchLoss, PlainLoss
from tui_tuner.training.shortcuts.cores import Cores
from tui_tuner.training.shortcuts.exponentials import suits_this_machine
from tui_tuner.training.shortcuts.frozen_states import FrozenStates, frozen_layers
from tui_tuner.training.shortcuts.quick_loss import QuickLoss
from tui_tuner.training.shortcuts.state_store import StateStore
from tui_tuner.training.shortcuts.supervised_head import SupervisedHead, find_head, replace_module

log = logging.getLogger(__name__)

# Kept states may take this part of the machine's memory; the rest of them goes to the disk.
MEMORY_SHARE = 1 / 16
# So many pairs of rows are tried for a comparison.
TRIALS = 3


def quick_loss(
    model: Any, examples: Sequence[Example], choice: TrainingChoice, *, folder: Path, tell: Callable[[str], None]
) -> tuple[QuickLoss, list[Notice]]:
    """The quickest loss that is right for `model`, and what a person should know about it.

    Args:
        model: with its adapter, and nothing else changed yet.
        examples: every row whose loss will be asked for again and again, at least one.
        choice: which shortcuts may be tried.
        folder: where states go that do not fit into memory.
        tell: hears later of what is no longer possible.
    """
    loss = QuickLoss()
    notices: list[Notice] = []
    model.eval()  # dropout would make every comparison differ, and use up random numbers
    try:
        trial = _trial(model, examples)
        shortcuts: tuple[_Shortcut, ...] = (
            _Exponentials(loss, choice),
            _Adapters(loss, choice),
            _Head(loss, choice, model),
            _Chunks(loss, choice),
            _States(loss, choice, model, folder, tell),
            _Cores(loss, choice, model, len(examples)),
        )
        # All together first, which is how training will use them; one by one only to find out which of them is wrong.
        if trial is not None and not _proven(shortcuts, model, loss, trial):
            for shortcut in shortcuts:
                if not _proven([shortcut], model, loss, trial):
                    words = {"name": shortcut.name}
                    text = _("no shortcut with this model ({name}): training is right but slower", **words)
                    notices.append(Notice(text))
    finally:
        model.train()
    if loss.states is not None and trial is not None:
        # Of the trial's rows too they shall be computed with all that is in place by now.
        loss.states.forget()
        notices += _goes_to_the_disk(loss.states, trial.batch, examples, folder)
    return loss, notices


@dataclass(frozen=True)
class _Trial:
    batch: Batch
    loss: float
    norm: float


def _trial(model: Any, examples: Sequence[Example]) -> _Trial | None:
    """Two short rows of which the whole model gives a finite loss; None where such rows are not soon found.

    The whole model takes much memory for a long row, also where training has been told to do with little: so of a long
    row a part is enough.
    """
    by_length = sorted(examples, key=lambda example: example.length)
    for begin in range(0, min(len(by_length), 2 * TRIALS), 2):
        batch = assemble([_part(example) for example in by_length[begin : begin + 2]])
        loss, norm = loss_and_norm(model, PlainLoss(), batch)
        if math.isfinite(loss) and math.isfinite(norm):
            return _Trial(batch, loss, norm)
    return None


def _part(example: Example) -> Example:
    """The tokens around the first learned one."""
    if example.length <= TRIAL_TOKENS:
        return example
    begin = max(int(example.learned.argmax()) - TRIAL_TOKENS // 2, 0)
    window = slice(begin, begin + TRIAL_TOKENS)
    return replace(example, tokens=example.tokens[window], learned=example.learned[window])


def _proven(shortcuts: Sequence[_Shortcut], model: Any, loss: BatchLoss, trial: _Trial) -> bool:
    """Put in those of `shortcuts` that are possible; whether loss and gradient stay the same. Where not, none is in."""
    inside: list[_Shortcut] = []
    try:
        for shortcut in shortcuts:
            if shortcut.possible():
                inside.append(shortcut)
                shortcut.put_in()
        if not inside or _same(model, loss, trial):
            return True
    except Exception as error:  # a model may break in any way when its parts are exchanged
        log.info("shortcuts: %r", error)
    log.info("not the same with: %s", ", ".join(shortcut.name for shortcut in inside))
    for shortcut in reversed(inside):
        shortcut.take_out()
    return False


def _same(model: Any, loss: BatchLoss, trial: _Trial) -> bool:
    found, norm = loss_and_norm(model, loss, trial.batch)
    measured = loss.value(model, trial.batch)
    log.info("shortcuts: loss %r (%r), gradient norm %r (%r)", found, trial.loss, norm, trial.norm)
    pairs = ((found, trial.loss), (measured, trial.loss), (norm, trial.norm))
    return all(math.isclose(one, other, rel_tol=_tolerance(model)) for one, other in pairs)


def loss_and_norm(model: Any, loss: BatchLoss, batch: Batch) -> tuple[float, float]:
    """The loss of `batch` and the norm of its gradient; the model has its weights back afterwards."""
    weights = model.trainable_parameters()
    try:
        value, gradient = loss.gradient(model, batch)
        both: list[float] = mx.stack([value, gradient_norm(gradient)]).tolist()  # type: ignore[assignment]
    finally:
        model.update(weights)
    return both[0], both[1]


def _tolerance(model: Any) -> float:
    """How far two ways to the same number may differ: the same products, grouped differently, round differently."""
    half = any(weight.dtype in (mx.float16, mx.bfloat16) for _name, weight in tree_flatten(model.parameters()))
    return 3e-2 if half else 3e-4


def _goes_to_the_disk(states: FrozenStates, batch: Batch, examples: Sequence[Example], folder: Path) -> list[Notice]:
    needed = states.bytes_per_token(batch.examples[0]) * sum(example.length - 1 for example in examples)
    beyond = needed - _memory_for_states()
    if beyond <= 0:
        return []
    text = _("{size} of kept states do not fit into memory and go to a file in {folder} while this runs")
    return [Notice(text.format(size=size(beyond), folder=folder))]


def _memory_for_states() -> int:
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * MEMORY_SHARE)


class _Shortcut(Protocol):
    @property
    def name(self) -> str: ...
    def possible(self) -> bool: ...
    def put_in(self) -> None: ...
    def take_out(self) -> None: ...


class _Exponentials:
    def __init__(self, loss: QuickLoss, choice: TrainingChoice) -> None:
        self.name = _("quick exponentials")
        self._loss, self._choice = loss, choice

    def possible(self) -> bool:
        return self._choice.quick_exponentials and suits_this_machine()

    def put_in(self) -> None:
        self._loss.exponentials = True

    def take_out(self) -> None:
        self._loss.exponentials = False


class _Adapters:
    def __init__(self, loss: QuickLoss, choice: TrainingChoice) -> None:
        self.name = _("quick adapters")
        self._loss, self._choice = loss, choice

    def possible(self) -> bool:
        on_a_cpu = mx.default_device() == mx.Device(mx.cpu)
        return self._choice.quick_adapters and self._choice.fine_tune_type == "lora" and on_a_cpu

    def put_in(self) -> None:
        self._loss.adapters = True

    def take_out(self) -> None:
        self._loss.adapters = False


class _Head:
    def __init__(self, loss: QuickLoss, choice: TrainingChoice, model: Any) -> None:
        self.name = _("logits for learned tokens only")
        self._loss, self._choice, self._model = loss, choice, model
        self._path = find_head(model)

    def possible(self) -> bool:
        return self._choice.learned_logits and self._path is not None

    def put_in(self) -> None:
        assert self._path is not None
        head = SupervisedHead(dict(self._model.named_modules())[self._path])
        replace_module(self._model, self._path, head)
        self._loss.head = head

    def take_out(self) -> None:
        if self._loss.head is not None and self._path is not None:
            replace_module(self._model, self._path, self._loss.head.original)
            self._loss.head = None


class _Chunks:
    def __init__(self, loss: QuickLoss, choice: TrainingChoice) -> None:
        self.name = _("loss of a few tokens at a time")
        self._loss, self._choice = loss, choice

    def possible(self) -> bool:
        return self._choice.chunked_loss and self._loss.head is not None

    def put_in(self) -> None:
        self._loss.chunked = True

    def take_out(self) -> None:
        self._loss.chunked = False


class _States:
    def __init__(
        self, loss: QuickLoss, choice: TrainingChoice, model: Any, folder: Path, tell: Callable[[str], None]
    ) -> None:
        self.name = _("kept states of the frozen layers")
        self._loss, self._choice, self._model = loss, choice, model
        self._layers = frozen_layers(model)
        self._folder, self._tell = folder, tell

    def possible(self) -> bool:
        return self._choice.kept_states and bool(self._layers)

    def put_in(self) -> None:
        store = StateStore(_memory_for_states(), self._folder, self._tell)
        self._loss.states = FrozenStates(self._model, self._layers, store)

    def take_out(self) -> None:
        if self._loss.states is not None:
            self._loss.states.remove()
            self._loss.states = None


class _Cores:
    def __init__(self, loss: QuickLoss, choice: TrainingChoice, model: Any, rows: int) -> None:
        self.name = _("rows side by side")
        self._loss, self._choice, self._model = loss, choice, model
        self._cores, self._rows = cores_here(), min(choice.batch_size, rows)

    def possible(self) -> bool:
        if not self._choice.rows_side_by_side or mx.default_device() != mx.Device(mx.cpu):
            return False
        # With many more cores than rows, one row after the other on all of them leaves fewer idle.
        count = min(self._cores, self._rows)
        if count < 2 or self._cores > 2 * self._rows:
            return False
        # Each has a gradient of its own until all are added up.
        return count * _bytes(self._model.trainable_parameters()) <= _bytes(self._model.parameters())

    def put_in(self) -> None:
        self._loss.cores = Cores(min(self._cores, self._rows))

    def take_out(self) -> None:
        self._loss.cores = None


def _bytes(weights: Any) -> int:
    return sum(weight.nbytes for _name, weight in tree_flatten(weights))
