"""Logits only where a token is learned.

The last matrix of a language model, hidden state to vocabulary, is often its largest product, and with masked prompts
most of its rows are thrown away. Here the rows are chosen before it: while `SupervisedHead` is in place, the model's
own head sees only them, and whatever the model does to its logits afterwards (scaling, soft-capping) happens as
always.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlx import nn
from mlx.utils import tree_unflatten

from tui_tuner.training.batches import Batch

if TYPE_CHECKING:
    import mlx.core as mx

HEADS = ("lm_head",)
EMBEDDINGS = ("embed_tokens", "wte", "tok_embeddings", "embed_in", "word_embeddings")


class Reached(Exception):
    """Leaves a model's code where nothing above is wanted.

    Attributes:
        states: what had been computed.
    """

    def __init__(self, states: Any) -> None:
        super().__init__()
        self.states = states


class SupervisedHead(nn.Module):  # type: ignore[misc]
    """Stands where the model's head, or its tied embedding, was."""

    def __init__(self, original: Any) -> None:
        super().__init__()
        self.original = original
        self._choice = _Choice()

    @property
    def vocabulary(self) -> int:
        """How many logits a row has."""
        return int(self.original.weight.shape[0])

    def logits(self, model: Any, batch: Batch) -> mx.array:
        """`model`'s logits where a token of `batch` is learned, shape (N, vocabulary)."""
        self._choice.positions = batch.positions
        try:
            logits: mx.array = model(batch.inputs)
            return logits
        finally:
            self._choice.positions = None

    def hidden(self, model: Any, batch: Batch) -> mx.array:
        """What `model` asks its head for logits of where a token of `batch` is learned, shape (N, D).

        Raises:
            ValueError: this head is not asked.
        """
        self._choice.positions, self._choice.leaving = batch.positions, True
        try:
            model(batch.inputs)
        except Reached as reached:
            states: mx.array = reached.states
            return states
        finally:
            self._choice.positions, self._choice.leaving = None, False
        raise ValueError("the model does not use its head")

    def alone(self, hidden: mx.array) -> Any:
        """Logits of hidden states, with nothing that the model may do to them afterwards."""
        embedding = isinstance(self.original, nn.Embedding | nn.QuantizedEmbedding)
        return self.original.as_linear(hidden) if embedding else self.original(hidden)

    def __call__(self, inputs: mx.array) -> Any:
        """As a head: hidden states to logits. As an embedding: token ids to vectors."""
        if isinstance(self.original, nn.Embedding | nn.QuantizedEmbedding):
            return self.original(inputs)
        return self.original(self._choice.rows(inputs))

    def as_linear(self, hidden: mx.array) -> Any:
        """As a tied embedding: hidden states to logits."""
        return self.original.as_linear(self._choice.rows(hidden))

    def __getattr__(self, name: str) -> Any:
        """Whatever else a model asks its head for, such as its weight."""
        if name in self:
            return self[name]
        if "original" not in self:  # still being made
            raise AttributeError(name)
        return getattr(self["original"], name)


class _Choice:
    """A plain object: an array that comes and goes must not appear among the model's parameters."""

    def __init__(self) -> None:
        self.positions: mx.array | None = None
        self.leaving = False

    def rows(self, hidden: mx.array) -> mx.array:
        if self.positions is None:
            return hidden
        chosen = hidden.reshape(-1, hidden.shape[-1])[self.positions]
        if self.leaving:
            raise Reached(chosen)
        return chosen


def find_head(model: Any) -> str | None:
    """The path of the model's head, or of the embedding that is used as one; None where it has no usual name."""
    modules = model.named_modules()
    for kinds, names in (
        ((nn.Linear, nn.QuantizedLinear), HEADS),
        ((nn.Embedding, nn.QuantizedEmbedding), EMBEDDINGS),
    ):
        for path, module in modules:
            if path.rsplit(".", 1)[-1] in names and isinstance(module, kinds):
                return str(path)
    return None


def replace_module(model: Any, path: str, module: Any) -> Any:
    """Put `module` at `path` in the model's tree; returns what was there."""
    before = dict(model.named_modules())[path]
    model.update_modules(tree_unflatten([(path, module)]))
    return before
