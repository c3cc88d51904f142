"""What the frozen layers say about an example, computed once.

Below the first trained layer nothing ever changes: an example's hidden states there are the same in every epoch and
every validation. They are computed when the example is first met, one example at a time so that they do not depend on
its company, and kept; afterwards only the trained layers run, on the kept states.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import mlx.core as mx
from mlx import nn
from mlx.utils import tree_flatten

from tui_tuner.training.batches import Batch, assemble
from tui_tuner.training.examples import Example
from tui_tuner.training.shortcuts.state_store import StateStore
from tui_tuner.training.shortcuts.supervised_head import Reached, replace_module

if TYPE_CHECKING:
    from tui_tuner.training.shortcuts.cores import Cores


class FrozenStates:
    """The frozen layers of a model, behind a gate.

    Args:
        model: with its adapter.
        layers: the paths of its frozen layers in the model's tree, in order, at least one.
        store: where their states are kept.
    """

    def __init__(self, model: Any, layers: Sequence[str], store: StateStore) -> None:
        self._model, self._paths, self._store = model, list(layers), store
        self._here: dict[Example, mx.array] = {}  # of the batch that is computed just now
        self._keeps = True
        self._gate = Gate()
        modules = dict(model.named_modules())
        self._originals = {path: modules[path] for path in self._paths}
        last = self._paths[-1]
        for path, layer in self._originals.items():
            replace_module(model, path, Passage(layer, self._gate, last=path == last))

    def remove(self) -> None:
        """Put the layers back and forget what was kept."""
        for path, layer in self._originals.items():
            replace_module(self._model, path, layer)
        self.forget()

    def forget(self) -> None:
        """Give back what was kept."""
        self._here = {}
        self._store.clear()

    def keep_no_more(self) -> None:
        """Give back what was kept; from now on what is computed is for one batch alone."""
        self.forget()
        self._keeps = False

    @contextlib.contextmanager
    def standing_in(self, batch: Batch) -> Iterator[None]:
        """Within the block the frozen layers pass the kept states of `batch` on, (B, T, D), zeros after a row's end."""
        rows = []
        for example in batch.examples:
            states = self.of(example)
            rows.append(mx.pad(states, [(0, batch.inputs.shape[1] - states.shape[0]), (0, 0)]))
        self._gate.states = mx.stack(rows)
        try:
            yield
        finally:
            self._gate.states = None

    def prepare(self, examples: Sequence[Example], cores: Cores | None) -> None:
        """Compute the states of those examples that have not been met before; for the next batch alone, or for good."""
        self._here = {}
        missing = sorted((one for one in dict.fromkeys(examples) if one not in self._store), key=lambda one: one.length)
        together = cores.count if cores is not None else 1
        for begin in range(0, len(missing), together):
            group = missing[begin : begin + together]
            found = [self._ask(group[0])] if cores is None else cores.run(self._ask, group)
            mx.eval(found)
            for example, states in zip(group, found, strict=True):
                if not self._keeps or not self._store.put(example, states):
                    self._here[example] = states

    def bytes_per_token(self, example: Example) -> int:
        """How much the states of one token take, seen by those of `example`."""
        return self.of(example).nbytes // (example.length - 1)

    def of(self, example: Example) -> mx.array:
        """The states after the last frozen layer for every token of `example` but its last, shape (length - 1, D)."""
        if (kept := self._here.get(example)) is not None or (kept := self._store.get(example)) is not None:
            return kept
        found: mx.array = self._ask(example)
        return found

    def _ask(self, example: Example) -> mx.array:
        """The states, lazy."""
        self._gate.states, self._gate.recording = None, True
        try:
            self._model(assemble([example]).inputs)
        except Reached as reached:
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
            raise Reached(output)
        return output

    def __getattr__(self, name: str) -> Any:
        """Whatever a model asks its layers for, such as `use_sliding`."""
        if name in self:
            return self[name]
        if "original" not in self:  # still being made
            raise AttributeError(name)
        return getattr(self["original"], name)


def frozen_layers(model: Any) -> list[str]:
    """The paths of the layers below the first trained one; none where something outside the layers is trained."""
    paths = {id(module): path for path, module in model.named_modules()}
    layers = [paths.get(id(layer), "") for layer in model.layers]
    trained = [name for name, _weight in tree_flatten(model.trainable_parameters())]

    def place_of(name: str) -> int:
        return next((place for place, path in enumerate(layers) if path and name.startswith(f"{path}.")), 0)

    lowest = min(map(place_of, trained), default=0)
    return layers[:lowest] if all(layers[:lowest]) else []
