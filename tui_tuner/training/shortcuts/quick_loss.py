"""The loss of a batch with whatever shortcuts are in place."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from typing import Any

import mlx.core as mx
from mlx.utils import tree_map

from tui_tuner.training.batches import Batch
from tui_tuner.training.examples import Example
from tui_tuner.training.loss import mean_cross_entropy
from tui_tuner.training.shortcuts.chunked_loss import Head, chunked_cross_entropy, chunked_cross_entropy_alone
from tui_tuner.training.shortcuts.cores import Cores, shares_of
from tui_tuner.training.shortcuts.exponentials import exponential, quick_exponentials
from tui_tuner.training.shortcuts.frozen_states import FrozenStates
from tui_tuner.training.shortcuts.supervised_head import SupervisedHead


class QuickLoss:
    """The mean loss of a batch.

    Attributes:
        head: computes logits only where a token is learned; None: everywhere.
        chunked: whether it computes a few of them at a time.
        states: stand in for the frozen layers; None: they run.
        exponentials: whether they are computed by way of powers.
        cores: compute rows side by side; None: one after the other.
    """

    def __init__(self) -> None:
        self.head: SupervisedHead | None = None
        self.states: FrozenStates | None = None
        self.cores: Cores | None = None
        self.chunked = self.exponentials = False

    def value(self, model: Any, batch: Batch) -> float:
        """The mean loss."""
        with self._ways(model):
            self._prepare(batch.examples)
            if self.cores is None:
                return _number(self._mean(model, batch, gradient=False))
            shares = shares_of(batch, self.cores.count)

            def compute(share: Sequence[Batch], building: threading.Lock) -> float:
                total = 0.0
                for part in share:
                    with building:
                        mean = self._mean(model, part, gradient=False)
                    total += _number(mean) * part.supervised
                return total

            return sum(self.cores.run(compute, shares)) / batch.supervised

    def gradient(self, model: Any, batch: Batch) -> tuple[mx.array, Any]:
        """The mean loss and its gradient."""
        weights = model.trainable_parameters()
        with self._ways(model):
            self._prepare(batch.examples)
            if self.cores is None:
                return self._traced(model, weights, batch)
            mx.eval(weights)  # so that every thread may use them
            compute = _Gradient(self, model, weights, batch.supervised)
            found = self.cores.run(compute, shares_of(batch, self.cores.count))
        total, summed = found[0]
        for loss, gradient in found[1:]:
            total, summed = total + loss, tree_map(mx.add, summed, gradient)
        return total, summed

    def __call__(self, model: Any, batch: Batch) -> mx.array:
        """The mean loss, lazy, a scalar, float32."""
        return self._mean(model, batch, gradient=True)

    def close(self) -> None:
        """End the threads, and forget the kept states."""
        if self.cores is not None:
            self.cores.close()
        if self.states is not None:
            self.states.forget()

    def _ways(self, model: Any) -> contextlib.AbstractContextManager[None]:
        return quick_exponentials(model) if self.exponentials else contextlib.nullcontext()

    def _prepare(self, examples: Sequence[Example]) -> None:
        if self.states is not None:
            self.states.prepare(examples, self.cores)

    def _traced(self, model: Any, weights: Any, batch: Batch) -> tuple[mx.array, Any]:
        """The mean loss and its gradient by `weights`, lazy; the model holds something else than them afterwards."""

        def mean(weights: Any) -> mx.array:
            model.update(weights)
            return self(model, batch)

        loss, gradient = mx.value_and_grad(mean)(weights)
        return loss, gradient

    def _mean(self, model: Any, batch: Batch, *, gradient: bool) -> mx.array:
        with contextlib.ExitStack() as stack:
            if self.states is not None:
                stack.enter_context(self.states.standing_in(batch))
            if self.head is None:
                logits = model(batch.inputs)
                return mean_cross_entropy(logits.reshape(-1, logits.shape[-1])[batch.positions], batch.targets)
            if not self.chunked:
                return mean_cross_entropy(self.head.logits(model, batch), batch.targets)
            hidden = self.head.hidden(model, batch)
        cross_entropy = chunked_cross_entropy if gradient else chunked_cross_entropy_alone
        power: Head = exponential if self.exponentials else mx.exp
        return cross_entropy(self.head.alone, hidden, batch.targets, self.head.vocabulary, power)


class _Gradient:
    """Computes a share of a batch: its part of the mean loss and of the gradient, evaluated."""

    def __init__(self, loss: QuickLoss, model: Any, weights: Any, supervised: int) -> None:
        self._loss, self._model, self._weights, self._supervised = loss, model, weights, supervised

    def __call__(self, share: Sequence[Batch], building: threading.Lock) -> tuple[mx.array, Any]:
        found: tuple[mx.array, Any] | None = None
        for part in share:
            weight = part.supervised / self._supervised
            with building:
                traced = self._loss._traced(self._model, self._weights, part)
            weighted = tree_map(lambda array, weight=weight: weight * array, traced)
            found = weighted if found is None else tree_map(mx.add, found, weighted)
            del traced, weighted
            mx.eval(found)
        assert found is not None
        return found


def _number(scalar: mx.array) -> float:
    value: Any = scalar.item()
    return float(value)
