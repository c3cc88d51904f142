"""The loss of a batch with whatever shortcuts are in place."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import mlx.core as mx
from mlx.utils import tree_map

from tui_tuner.training.batches import Batch
from tui_tuner.training.examples import Example
from tui_tuner.training.loss import mean_cross_entropy
from tui_tuner.training.shortcuts.chunked_loss import Head, chunked_cross_entropy, chunked_cross_entropy_alone
from tui_tuner.training.shortcuts.cores import Cores, rounds_of
from tui_tuner.training.shortcuts.exponentials import exponential, quick_exponentials
from tui_tuner.training.shortcuts.frozen_states import FrozenStates
from tui_tuner.training.shortcuts.quick_adapters import quick_adapters
from tui_tuner.training.shortcuts.supervised_head import SupervisedHead


class QuickLoss:
    """The mean loss of a batch.

    Attributes:
        head: computes logits only where a token is learned; None: everywhere.
        chunked: whether it computes a few of them at a time.
        states: stand in for the frozen layers; None: they run.
        exponentials: whether they are computed by way of powers.
        adapters: whether what they add is added by a product.
        cores: compute rows side by side; None: one after the other.
    """

    def __init__(self) -> None:
        self.head: SupervisedHead | None = None
        self.states: FrozenStates | None = None
        self.cores: Cores | None = None
        self.chunked = self.exponentials = self.adapters = False

    def value(self, model: Any, batch: Batch) -> float:
        """The mean loss."""
        with self._ways(model):
            self._prepare(batch.examples)
            if self.cores is None:
                return _number(self._mean(model, batch, gradient=False))
            total = 0.0
            for parts in rounds_of(batch, self.cores.count):
                means = self.cores.run(lambda part: self._mean(model, part, gradient=False), parts)
                total += sum(_number(mean) * part.supervised for mean, part in zip(means, parts, strict=True))
            return total / batch.supervised

    def gradient(self, model: Any, batch: Batch) -> tuple[mx.array, Any]:
        """The mean loss and its gradient."""
        weights = model.trainable_parameters()
        with self._ways(model):
            self._prepare(batch.examples)
            if self.cores is None:
                return self._traced(model, weights, batch)
            return self._added_up(self.cores, model, weights, batch)

    def __call__(self, model: Any, batch: Batch) -> mx.array:
        """The mean loss, lazy, a scalar, float32."""
        return self._mean(model, batch, gradient=True)

    def close(self) -> None:
        """Forget the kept states; what is still asked for is met once."""
        if self.states is not None:
            self.states.keep_no_more()

    @contextlib.contextmanager
    def _ways(self, model: Any) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            if self.exponentials:
                stack.enter_context(quick_exponentials(model))
            if self.adapters:
                stack.enter_context(quick_adapters())
            yield

    def _prepare(self, examples: Sequence[Example]) -> None:
        if self.states is not None:
            self.states.prepare(examples, self.cores)

    def _added_up(self, cores: Cores, model: Any, weights: Any, batch: Batch) -> tuple[mx.array, Any]:
        """The mean loss and its gradient from those of the rows side by side, evaluated."""

        def weighted(part: Batch) -> tuple[mx.array, Any]:
            weight = part.supervised / batch.supervised
            loss, gradient = self._traced(model, weights, part)
            return weight * loss, tree_map(lambda array: weight * array, gradient)

        total, summed = None, None
        for parts in rounds_of(batch, cores.count):
            for loss, gradient in cores.run(weighted, parts):
                total = loss if total is None else total + loss
                summed = gradient if summed is None else tree_map(mx.add, summed, gradient)
            mx.eval(total, summed)
        assert total is not None
        return total, summed

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


def _number(scalar: mx.array) -> float:
    value: Any = scalar.item()
    return float(value)
