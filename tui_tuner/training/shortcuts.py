"""The same loss with less work, each way proven on this very model before it is relied on.

A shortcut goes into the model's own code at a seam that nearly all models have. Nearly: so loss and gradient of two
short rows are computed with and without it, and where they differ it is taken out again, and said.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from mlx import nn
from mlx.utils import tree_flatten

from tui_tuner.language import _
from tui_tuner.progress import Notice
from tui_tuner.training.batches import Batch, assemble
from tui_tuner.training.examples import Example
from tui_tuner.training.frozen_states import FrozenStates, frozen_layers
from tui_tuner.training.loop import gradient_norm
from tui_tuner.training.loss import BatchLoss, PlainLoss, mean_cross_entropy
from tui_tuner.training.supervised_head import SupervisedHead, find_head, replace_module

if TYPE_CHECKING:
    import mlx.core as mx

log = logging.getLogger(__name__)

# Kept states may take this part of the machine's memory.
MEMORY_SHARE = 1 / 16
# So many pairs of rows are tried for a comparison.
TRIALS = 3


class QuickLoss:
    """The mean loss of a batch, with whatever shortcuts are in place.

    Attributes:
        head: computes logits only where a token is learned; None: everywhere.
        states: stand in for the frozen layers; None: they run.
    """

    def __init__(self, head: SupervisedHead | None = None, states: FrozenStates | None = None) -> None:
        self.head, self.states = head, states

    def prepare(self, batch: Batch) -> None:
        """Compute the states of rows that have not been met before."""
        if self.states is not None:
            for example in batch.examples:
                self.states.of(example)

    def __call__(self, model: Any, batch: Batch) -> mx.array:
        """The mean loss over the batch's learned tokens, a scalar, float32."""
        if self.states is not None:
            self.states.enter(batch)
        if self.head is not None:
            self.head.choose(batch.positions)
        try:
            logits = model(batch.inputs)
        finally:
            if self.head is not None:
                self.head.choose(None)
            if self.states is not None:
                self.states.leave()
        if self.head is None:
            logits = logits.reshape(-1, logits.shape[-1])[batch.positions]
        return mean_cross_entropy(logits, batch.targets)


def quick_loss(model: Any, examples: Sequence[Example]) -> tuple[BatchLoss, list[Notice]]:
    """The quickest loss that is right for `model`, and what a person should know about it.

    Args:
        model: with its adapter, and nothing else changed yet.
        examples: every row whose loss will be asked for, at least one.
    """
    loss = QuickLoss()
    notices: list[Notice] = []
    model.eval()  # dropout would make every comparison differ, and use up random numbers
    try:
        trial = _trial(model, examples)
        for shortcut in (_HeadShortcut(loss, model), _StatesShortcut(loss, model, examples)):
            if trial is None or not shortcut.possible():
                continue
            if not _proven(shortcut, model, loss, trial):
                shortcut.take_out()
                words = {"name": shortcut.name}
                notices.append(Notice(_("no shortcut with this model ({name}): training is right but slower", **words)))
    finally:
        model.train()
    return loss, notices


@dataclass(frozen=True)
class _Trial:
    batch: Batch
    loss: float
    norm: float


def _trial(model: Any, examples: Sequence[Example]) -> _Trial | None:
    """Two short rows of which the whole model gives a finite loss; None where such rows are not soon found."""
    by_length = sorted(examples, key=lambda example: example.length)
    for begin in range(0, min(len(by_length), 2 * TRIALS), 2):
        batch = assemble(by_length[begin : begin + 2])
        loss, norm = _loss_and_norm(model, PlainLoss(), batch)
        if math.isfinite(loss) and math.isfinite(norm):
            return _Trial(batch, loss, norm)
    return None


def _proven(shortcut: _Shortcut, model: Any, loss: BatchLoss, trial: _Trial) -> bool:
    try:
        shortcut.put_in()
        found, norm = _loss_and_norm(model, loss, trial.batch)
    except Exception as error:  # a model may break in any way when its parts are exchanged
        log.info("shortcut %s: %r", shortcut.name, error)
        return False
    log.info("shortcut %s: loss %r (%r), gradient norm %r (%r)", shortcut.name, found, trial.loss, norm, trial.norm)
    tolerance = _tolerance(model)
    return math.isclose(found, trial.loss, rel_tol=tolerance) and math.isclose(norm, trial.norm, rel_tol=tolerance)


def _loss_and_norm(model: Any, loss: BatchLoss, batch: Batch) -> tuple[float, float]:
    loss.prepare(batch)
    value, gradient = nn.value_and_grad(model, loss)(model, batch)
    return value.item(), gradient_norm(gradient).item()


def _tolerance(model: Any) -> float:
    """How far two ways to the same number may differ: the same products, grouped differently, round differently."""
    import mlx.core as mx

    half = any(weight.dtype in (mx.float16, mx.bfloat16) for _name, weight in tree_flatten(model.parameters()))
    return 3e-2 if half else 3e-4


class _Shortcut(Protocol):
    @property
    def name(self) -> str: ...
    def possible(self) -> bool: ...
    def put_in(self) -> None: ...
    def take_out(self) -> None: ...


class _HeadShortcut:
    def __init__(self, loss: QuickLoss, model: Any) -> None:
        self.name = _("logits for learned tokens only")
        self._loss, self._model = loss, model
        self._path = find_head(model)

    def possible(self) -> bool:
        return self._path is not None

    def put_in(self) -> None:
        assert self._path is not None
        head = SupervisedHead(dict(self._model.named_modules())[self._path])
        replace_module(self._model, self._path, head)
        self._loss.head = head

    def take_out(self) -> None:
        if self._loss.head is not None and self._path is not None:
            replace_module(self._model, self._path, self._loss.head.original)
            self._loss.head = None


class _StatesShortcut:
    def __init__(self, loss: QuickLoss, model: Any, examples: Sequence[Example]) -> None:
        self.name = _("kept states of the frozen layers")
        self._loss, self._model = loss, model
        self._layers = frozen_layers(model)
        self._tokens = sum(example.length for example in examples)

    def possible(self) -> bool:
        hidden_size = getattr(getattr(self._model, "args", None), "hidden_size", 0)
        # Four bytes a number is the most a state takes; a model that does not say its width is not kept for.
        needed = 4 * hidden_size * self._tokens
        return bool(self._layers) and 0 < needed <= _memory_of_the_machine() * MEMORY_SHARE

    def put_in(self) -> None:
        self._loss.states = FrozenStates(self._model, self._layers)

    def take_out(self) -> None:
        if self._loss.states is not None:
            self._loss.states.remove()
            self._loss.states = None


def _memory_of_the_machine() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
