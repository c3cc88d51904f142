"""How alike a fused model is to the model that was trained. Runs on the engine's thread.

The tuned model (base and adapter) continues a few fixed prompts greedily. Then base, tuned and fused model each read
the very same tokens, and what they predict at every place is compared. All of them compute in float32, whatever their
weights are stored in, so that only the weights can differ.

The measure is the mean Kullback-Leibler divergence of the fused model's predictions from the tuned one's, in nats.
Storing fused weights in half precision rounds each of them once, which alone gives, measured on SmolLM2-135M, 1e-6 for
float16 and 1e-4 for bfloat16 (2e-4 where the base had 4 bits); in float32, summing in another order gives 1e-7. One
layer of 112 whose adapter is missing gives 3e-3 to 2e-2, and a scale that is 5 % off 6e-3, where training had made 3.
Squeezing the fused weights again is another matter: it undid 0.001 of those 3 nats in 8 bits, and 0.9 in 4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tui_tuner.export.proof_rows import ProofRow
from tui_tuner.language import _
from tui_tuner.progress import StopToken

if TYPE_CHECKING:
    from tui_tuner.models.loading import LoadedModel

QUESTIONS = ("What is the capital of France?", "How do I sort a list of names?", "Write one sentence about the sea.")
GREEDY_TOKENS = 8

# Largest mean divergence in nats, and how far ahead (in logits) a token has to be to count as the model's choice.
LIMITS = {
    "float32": (1e-5, 1e-3),
    "float16": (1e-4, 0.1),
    "bfloat16": (2e-3, 0.5),
    # As llama.cpp computes: it rounds what is multiplied to the type of the weights as well.
    "f32": (1e-4, 0.05),
    "f16": (1e-3, 0.1),
    "bf16": (2e-2, 0.5),
    "q8_0": (5e-2, 1.0),
}
# What squeezing the weights again may undo of what the training has changed.
SHARE_LOST_BY_SQUEEZING = 0.25


@dataclass(frozen=True)
class Likeness:
    """How far the fused model is from the tuned one.

    Attributes:
        largest_difference: of two logits, over every place and every token of the vocabulary.
        divergence: mean Kullback-Leibler divergence from the tuned model, in nats.
        limit: the largest divergence the fused model may have.
        tuning: the same measure between base and tuned model: what the training has changed.
        same_tokens: greedy next tokens that are the same.
        tokens: how many were compared.
        other_choices: next tokens that differ by more than rounding explains.
        squeezed: whether weights were quantized again.
    """

    largest_difference: float
    divergence: float
    limit: float
    tuning: float
    same_tokens: int
    tokens: int
    other_choices: int = 0
    squeezed: bool = False

    @property
    def passed(self) -> bool:
        """It is the same model, but for the rounding its type of weights brings."""
        return self.divergence <= self.limit and self.other_choices == 0  # false for a NaN too

    @property
    def lost(self) -> float:
        """The part of what the training has changed that squeezing has undone."""
        return max(self.divergence, 0.0) / self.tuning if self.tuning else 0.0  # rounding may bring it below zero

    def rows(self) -> Iterator[ProofRow]:
        """The comparison row by row."""
        like = self.divergence <= self.limit
        finding = _(
            "differ by {largest} at most, {divergence} nats; training by {tuning}",
            largest=f"{self.largest_difference:.2g}",
            divergence=f"{max(self.divergence, 0.0):.1g}",
            tuning=f"{self.tuning:.2g}",
        )
        yield ProofRow.of(_("logits"), like, finding, _("Its answers are not those of the model that was trained."))
        finding = _("{same} of {total} the same", same=self.same_tokens, total=self.tokens)
        if self.same_tokens < self.tokens and not self.other_choices:
            finding += _("; the others were as likely, within rounding")
        meaning = _("It chooses other words than the model that was trained.")
        yield ProofRow.of(_("next tokens"), self.other_choices == 0, finding, meaning)
        if self.squeezed:
            finding = _("{share} of it undone by squeezing the weights", share=f"{self.lost:.1%}")
            yield ProofRow.of(_("tuning"), like, finding, _("Too much of what was learned is lost in so few bits."))


@dataclass(frozen=True)
class Statement:
    """What the tuned model says, kept while the fused one is made.

    Attributes:
        sequences: token ids of each prompt with its greedy continuation.
        starts: where each continuation begins.
        logits: of the tuned model, one array of shape (length, vocabulary) per sequence, float32.
        tuning: mean divergence of the base from the tuned model, in nats.
    """

    sequences: tuple[tuple[int, ...], ...]
    starts: tuple[int, ...]
    logits: tuple[Any, ...]
    tuning: float


def take_statement(
    base: LoadedModel, tuned: LoadedModel, stop: StopToken, each: Callable[[], None] = lambda: None
) -> Statement:
    """Hear the tuned model, and how much the base differs from it; `each` is called after each prompt.

    Raises:
        Stopped: asked to.
    """
    for loaded in (base, tuned):
        compute_in_float32(loaded.model)
    prompts = [_prompt(tuned, question) for question in QUESTIONS]
    sequences, logits, divergences = [], [], []
    for prompt in prompts:
        stop.check()
        sequences.append((*prompt, *_continue_greedily(tuned, prompt, stop)))
        logits.append(_logits(tuned, sequences[-1]))
        divergences.append(_divergence(logits[-1], _logits(base, sequences[-1])))
        each()
    starts = tuple(len(prompt) for prompt in prompts)
    return Statement(tuple(sequences), starts, tuple(logits), sum(divergences) / len(divergences))


def compare(
    statement: Statement,
    fused: LoadedModel,
    weight_type: str,
    *,
    squeezed: bool,
    stop: StopToken,
    each: Callable[[], None] = lambda: None,
) -> Likeness:
    """Compare the fused model with what the tuned one has said.

    Args:
        statement: of the tuned model.
        fused: the new model, read from the disk.
        weight_type: as its weights are stored: float32, float16 or bfloat16.
        squeezed: whether weights were quantized again.
        stop: asked before each prompt.
        each: called after each prompt.

    Raises:
        Stopped: asked to.
    """
    limit, lead = LIMITS.get(weight_type, LIMITS["bfloat16"])
    if squeezed:
        limit, lead = SHARE_LOST_BY_SQUEEZING * statement.tuning, float("inf")
    differences, divergences, same, total, broken = [], [], 0, 0, 0
    compute_in_float32(fused.model)
    for sequence, start, wanted in zip(statement.sequences, statement.starts, statement.logits, strict=True):
        stop.check()
        found = _logits(fused, sequence)
        differences.append(float(abs(wanted - found).max()))
        divergences.append(_divergence(wanted, found))
        for agrees, ahead in _choices(wanted[start - 1 : -1], found[start - 1 : -1]):
            total += 1
            same += agrees
            broken += not agrees and ahead > lead
        each()
    largest = max(differences, key=lambda difference: (difference != difference, difference))  # a NaN is the largest
    divergence = sum(divergences) / len(divergences)
    return Likeness(largest, divergence, limit, statement.tuning, same, total, broken, squeezed)


def compute_in_float32(model: Any) -> None:
    """Have `model` compute in float32: its embeddings begin with it, and every product after them follows."""
    import mlx.core as mx
    import mlx.nn as nn

    for _name, module in model.named_modules():
        if isinstance(module, nn.Embedding | nn.QuantizedEmbedding):
            for name in ("weight", "scales", "biases"):
                if module.get(name) is not None and mx.issubdtype(module[name].dtype, mx.floating):
                    module[name] = module[name].astype(mx.float32)


def _prompt(loaded: LoadedModel, question: str) -> list[int]:
    from tui_tuner.models.prompts import prompt_tokens

    if loaded.tokenizer.has_chat_template:
        return prompt_tokens(loaded, [{"role": "user", "content": question}])
    return list(loaded.tokenizer.encode(question))


def _continue_greedily(loaded: LoadedModel, prompt: list[int], stop: StopToken) -> list[int]:
    from mlx_lm.models.cache import make_prompt_cache
    from mlx_lm.sample_utils import make_sampler

    from tui_tuner.models.decoding import Steps

    cache = make_prompt_cache(loaded.model)
    steps = Steps(loaded, prompt, cache, max_tokens=GREEDY_TOKENS, sampler=make_sampler(temp=0.0), stop=stop)
    tokens = list(steps)
    stop.check()
    return tokens


def _logits(loaded: LoadedModel, sequence: tuple[int, ...]) -> Any:
    import mlx.core as mx

    logits = loaded.model(mx.array([sequence]))[0].astype(mx.float32)
    mx.eval(logits)
    return logits


def _divergence(wanted: Any, found: Any) -> float:
    """Mean Kullback-Leibler divergence over the places of two arrays of logits, shape (length, vocabulary); in nats."""
    import mlx.core as mx

    wanted = wanted - mx.logsumexp(wanted, axis=-1, keepdims=True)
    found = found - mx.logsumexp(found, axis=-1, keepdims=True)
    return float((mx.exp(wanted) * (wanted - found)).sum(axis=-1).mean())


def _choices(wanted: Any, found: Any) -> Iterator[tuple[bool, float]]:
    """For each place: whether both choose the same token, and how far ahead of the fused one's the tuned one's is."""
    import mlx.core as mx

    best, other = wanted.argmax(axis=-1), found.argmax(axis=-1)
    ahead = mx.take_along_axis(wanted, best[:, None], -1) - mx.take_along_axis(wanted, other[:, None], -1)
    for place in range(len(best)):
        yield bool(best[place] == other[place]), float(ahead[place, 0])
