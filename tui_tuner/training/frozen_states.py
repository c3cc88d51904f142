"""What the frozen layers say about an example, computed once.

Below the first layer with an adapter nothing ever changes: an example's hidden states there are the same in every
epoch and every validation. They are computed when the example is first met, one example at a time so that they do not
depend on its company, and kept; afterwards only the trained layers run, on the kept states.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlx import nn
from mlx.utils import tree_flatten

from tui_tuner.training.batches import Batch, assemble
from tui_tuner.training.examples import Example
from tui_tuner.training.supervised_head import replace_module

if TYPE_CHECKING:
    import mlx.core as mx


class FrozenStates:
    """The frozen layers of a model, behind a gate.

    Args:
        model: with its adapter.
        layers: the paths of its frozen layers in the model's tree, in order, at least one.
    """

    def __init__(self, model: Any, layers: Sequence[str]) -> None:
        self._model, self._paths = model, list(layers)
        self._gate = Gate()
        self._kept: dict[Example, mx.array] = {}
        modules = dict(model.named_modules())
        self._originals = {path: modules[path] for path in self._paths}
        last = self._paths[-1]
        for path, layer in self._originals.items():
            replace_module(model, path, Passage(layer, self._gate, last=path == last))

    def remove(self) -> None:
        """Put the layers back and forget what was kept."""
        for path, layer in self._originals.items():
            replace_module(self._model, path, layer)
        self._kept.clear()

    def enter(self, batch: Batch) -> None:
        """From now on the frozen layers pass the kept states of `batch` on, (B, T, D), zeros where a row has ended."""
        import mlx.core as mx

        rows = []
        for example in batch.examples:
            states = self.of(example)
            rows.append(mx.pad(states, [(0, batch.inputs.shape[1] - states.shape[0]), (0, 0)]))
        self._gate.states = mx.stack(rows)

    def leave(self) -> None:
        """From now on the frozen layers compute again."""
        self._gate.states = None

    def of(self, example: Example) -> mx.array:
        """The states after the last frozen layer for every token of `example` but its last, shape (length - 1, D)."""
        import mlx.core as mx

        kept = self._kept.get(example)
        if kept is None:
            kept = self._compute(example)
            mx.eval(kept)
            self._kept[example] = kept
        return kept

    def _compute(self, example: Example) -> mx.array:
        self._gate.states, self._gate.recording = None, True
        try:
            self._model(assemble([example]).inputs)
        except _Reached as reached:
            states: mx.array = reached.states[0]
            return states
        finally:
            self._gate.recording = False
        raise ValueError("the model does not run its layers in order")


class Gate:
    """Shared by all passages of a model. A plain object: its arrays must not appear among the model's parameters."""

    def __init__(self) -> None:
        self.states: mx.array | None = None
        self.recording = False


class Passage(nn.Module):  # type: ignore[misc]
    """Stands where a frozen layer was."""

    def __init__(self, original: Any, gate: Gate, *, last: bool) -> None:
        super().__init__()
        self.original = original
        self._gate, self._last = gate, last

    def __call__(self, hidden: Any, *arguments: Any, **named: Any) -> Any:
        """The layer itself; or nothing, where kept states stand in for all of them."""
        if self._gate.states is not None:
            return self._gate.states if self._last else hidden
        output = self.original(hidden, *arguments, **named)
        if self._gate.recording and self._last:
            # Leaves the model's code at once: nothing above is wanted, and its dropout must not draw random numbers.
            raise _Reached(output)
        return output

    def __getattr__(self, name: str) -> Any:
        """Whatever a model asks its layers for, such as `use_sliding`."""
        if name in self:
            return self[name]
        if "original" not in self:  # still being made
            raise AttributeError(name)
        return getattr(self["original"], name)


class _Reached(Exception):
    def __init__(self, states: Any) -> None:
        super().__init__()
        self.states = states


def frozen_layers(model: Any) -> list[str]:
    """The paths of the layers below the first trained one; none where something outside the layers is trained."""
    paths = {id(module): path for path, module in model.named_modules()}
    layers = [paths.get(id(layer), "") for layer in model.layers]
    trained = [name for name, _weight in tree_flatten(model.trainable_parameters())]

    def place_of(name: str) -> int:
        return next((place for place, path in enumerate(layers) if path and name.startswith(f"{path}.")), 0)

    lowest = min(map(place_of, trained), default=0)
    return layers[:lowest] if all(layers[:lowest]) else []
