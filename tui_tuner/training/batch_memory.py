"""What one batch takes of memory, from the shape of the model's layers: counted on the code that is run.

A batch is fullest when the way forward is done. By then every trained layer holds what the way back needs of it, for
each position; on top of that comes either what the logits take, or, a moment later, what one layer takes on the way
back. How often which width occurs was found by measuring models of many shapes; `tests/benchmarks/memory_estimate.py`
holds the sum against measured peaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tui_tuner.choices import TrainingChoice
from tui_tuner.models.anatomy import Anatomy, Linear
from tui_tuner.training.dividing import divided, tokens_at_once
from tui_tuner.training.effort import Row

# Bytes of a number; beside adapters, which are in single precision, some of a layer's are so too.
SINGLE, HALF = 4.0, 2.2
# How often a trained layer keeps an array as wide as its hidden states, its queries, its inner part, and its scores,
# and how often one as wide as what comes out of the matrices that have an adapter; once more for DoRA.
HIDDEN, QUERIES, INNER, SCORES, ADAPTED = 2.8, 2.6, 1.2, 0.57, 1.0
# Where exponentials are computed as powers, the sigmoid of the inner part is kept as well.
SIGMOID = 1.0
# The same for what one layer needs on the way back and gives back at once.
HIDDEN_ONCE, INNER_ONCE = 8.6, 6.7
# And for a layer that is computed twice and keeps little more than its input.
HIDDEN_TWICE, INNER_TWICE = 1.0, 0.5
# Arrays as wide as the vocabulary, for each learned token that is computed at once, and, where logits of all positions
# are computed, for each of these; and for each token of a chunk that waits for the next one to begin.
LOGITS, ALL_LOGITS, WAITING_LOGITS = 5.0, 2.0, 4.0
# What parts of a batch take that are computed side by side, by what the fullest of them takes.
BESIDE = 1.07


@dataclass(frozen=True)
class BatchMemory:
    """Bytes a batch takes.

    Attributes:
        layers: what the trained layers keep and, where that is more than the logits, what the way back needs once.
        logits: of the learned tokens that are computed at once, where that is more.
    """

    layers: int
    logits: int

    @property
    def total(self) -> int:
        """Both."""
        return self.layers + self.logits


class LayerMemory:
    """Knows what batches take of one model, trained in one way.

    Args:
        anatomy: of the model.
        choice: how it is trained.
        item: bytes of a number in its layers.
        cores: how many rows are computed side by side; 1 where none are.
        powers: whether exponentials are computed as powers.
    """

    def __init__(self, anatomy: Anatomy, choice: TrainingChoice, item: float, cores: int, *, powers: bool) -> None:
        trained = anatomy.trained(choice.num_layers)
        self._anatomy, self._choice, self._item, self._cores = anatomy, choice, item, cores
        self._layers = len(trained)
        self._inner = INNER + SIGMOID if powers else INNER
        self._outputs = sum(linear.outputs for linear in adapted(trained[-1], choice))

    def of(self, rows: Sequence[Row]) -> BatchMemory:
        """What a batch of `rows` takes, computed as training computes it."""
        if self._cores < 2:
            return self._part(rows)
        rounds = divided(rows, self._cores, lambda row: row.length - 1)
        # Measured: parts on two streams are not at their fullest at the same time, whatever their number of layers.
        fullest = max((self._part(part) for parts in rounds for part in parts), key=lambda part: part.total)
        return BatchMemory(int(BESIDE * fullest.layers), int(BESIDE * fullest.logits))

    def of_trial(self, rows: Sequence[Row]) -> BatchMemory:
        """What it takes to compute the first rows without any shortcut, to which the others are held."""
        width = max(row.length for row in rows) - 1
        positions, learned = len(rows) * width, sum(row.supervised for row in rows)
        kept = positions * self._item * self._kept(width, twice=False) * self._layers
        # There the logits of all positions are computed, and those of the learned tokens taken from them.
        logits = (LOGITS * learned + ALL_LOGITS * positions) * self._anatomy.vocabulary
        return BatchMemory(int(kept), int(logits * SINGLE))

    def _part(self, rows: Sequence[Row]) -> BatchMemory:
        choice, anatomy = self._choice, self._anatomy
        width = max(row.length for row in rows) - 1
        positions, learned = len(rows) * width, sum(row.supervised for row in rows)
        twice = choice.grad_checkpoint
        kept = positions * self._item * self._kept(width, twice=twice) * self._layers
        on_the_way = HIDDEN_ONCE * anatomy.hidden + INNER_ONCE * anatomy.inner
        if twice:
            on_the_way += self._kept(width, twice=False)
        once = positions * SINGLE * on_the_way  # gradients of adapters are in single precision, whatever the model is
        logits = self._logits(learned)
        if not choice.learned_logits:
            logits += SINGLE * ALL_LOGITS * positions * anatomy.vocabulary
        return BatchMemory(int(kept + max(once - logits, 0)), int(logits))

    def _kept(self, width: int, *, twice: bool) -> float:
        """Numbers a trained layer keeps for each position."""
        anatomy, choice = self._anatomy, self._choice
        adapters = choice.rank * len(adapted(anatomy.layers[-1], choice)) if choice.fine_tune_type != "full" else 0
        if twice:
            return HIDDEN_TWICE * anatomy.hidden + INNER_TWICE * anatomy.inner + adapters
        kept = HIDDEN * anatomy.hidden + self._inner * anatomy.inner + SCORES * anatomy.heads * width + adapters
        kept += QUERIES * anatomy.heads * anatomy.head_width
        times = {"full": 0, "lora": 1, "dora": 2}[choice.fine_tune_type]
        return kept + ADAPTED * times * self._outputs

    def _logits(self, tokens: int) -> float:
        vocabulary, hidden = self._anatomy.vocabulary, self._anatomy.hidden
        at_once = min(tokens, tokens_at_once(vocabulary)) if self._choice.chunked_loss else tokens
        # A chunk is begun before all of the one before it is given back; what is kept is as wide as the hidden states.
        waiting = min(tokens - at_once, at_once)
        return SINGLE * ((LOGITS * at_once + WAITING_LOGITS * waiting) * vocabulary + 2 * tokens * hidden)


def adapted(layer: Sequence[Linear], choice: TrainingChoice) -> list[Linear]:
    """The matrices of `layer` that get an adapter."""
    return [linear for linear in layer if not choice.keys or linear.path in choice.keys]
