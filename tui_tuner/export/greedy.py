"""What a model in this process answers when it always takes the likeliest token, and how far another answer is from it.

Runs on the engine's thread. Two programs that compute in different precision may choose differently where two tokens
are almost as likely; where they part, the model's own logits say whether that was such a place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tui_tuner.export.proof import QUESTIONS, compute_in_float32
from tui_tuner.export.proof_rows import ProofRow
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.progress import StopToken

if TYPE_CHECKING:
    from tui_tuner.models.loading import LoadedModel

ANSWER_TOKENS = 24


@dataclass(frozen=True)
class Spoken:
    """An answer of the model in this process.

    Attributes:
        question: what it was asked.
        prompt: the tokens it read.
        tokens: those it wrote, the one that ends its turn included.
        text: what it wrote, without that one.
        logits: at the place of each of `tokens`, shape (tokens, vocabulary), float32.
        ends: the tokens that end a turn.
    """

    question: str
    prompt: tuple[int, ...]
    tokens: tuple[int, ...]
    text: str
    logits: Any
    ends: frozenset[int]


@dataclass(frozen=True)
class Parting:
    """Where another answer leaves the model's own.

    Attributes:
        before: the last words they share.
        behind: how far the other's token is behind the model's own, in logits; None where that cannot be told.
    """

    before: str
    behind: float | None


def speak(loaded: LoadedModel, stop: StopToken) -> list[Spoken]:
    """Ask the fixed questions; a model that can think before it answers is told not to.

    Raises:
        ModelError: the model has no chat template.
        Stopped: asked to.
    """
    compute_in_float32(loaded.model)
    return [_answer(loaded, question, stop) for question in QUESTIONS]


def _answer(loaded: LoadedModel, question: str, stop: StopToken) -> Spoken:
    import mlx.core as mx
    from mlx_lm.models.cache import make_prompt_cache
    from mlx_lm.sample_utils import make_sampler

    from tui_tuner.models.decoding import Steps
    from tui_tuner.models.prompts import prompt_tokens

    prompt = prompt_tokens(loaded, [{"role": "user", "content": question}])
    ends = frozenset(map(int, loaded.tokenizer.eos_token_ids))
    cache = make_prompt_cache(loaded.model)
    steps = Steps(loaded, prompt, cache, max_tokens=ANSWER_TOKENS, sampler=make_sampler(temp=0.0), stop=stop)
    tokens: list[int] = []
    for token in steps:
        tokens.append(token)
        if token in ends:
            break
    steps.close()
    stop.check()
    logits = loaded.model(mx.array([[*prompt, *tokens[:-1]]]))[0, len(prompt) - 1 :].astype(mx.float32)
    mx.eval(logits)
    text = loaded.tokenizer.decode([token for token in tokens if token not in ends])
    return Spoken(question, tuple(prompt), tuple(tokens), text, logits, ends)


def parting(spoken: Spoken, text: str, ended: bool, tokenizer: Any) -> Parting | None:
    """Where an answer with this `text` leaves `spoken`; None where it does not.

    Args:
        spoken: the model's own answer.
        text: the other one, as long as the model's or longer.
        ended: whether the other one ended its turn by itself.
        tokenizer: the model's.
    """
    if text.strip() == spoken.text.strip():
        return None
    found = parting_of_tokens(spoken, tokenizer.encode(text, add_special_tokens=False), ended, tokenizer)
    own = [token for token in spoken.tokens if token not in spoken.ends]
    if found is not None and list(tokenizer.encode(spoken.text, add_special_tokens=False)) != own:
        return Parting(found.before, None)  # read again, the text is not the tokens that were written
    return found


def parting_of_tokens(spoken: Spoken, tokens: Sequence[int], ended: bool, tokenizer: Any) -> Parting | None:
    """As `parting`, of an answer of which the tokens are known, without the one that ends it."""
    own, other = [token for token in spoken.tokens if token not in spoken.ends], list(tokens)
    has_ended = own != list(spoken.tokens)
    place = next((place for place, pair in enumerate(zip(own, other, strict=False)) if pair[0] != pair[1]), -1)
    if place < 0:
        place = min(len(own), len(other))
    if (place == len(other) and not ended) or (place == len(own) and not has_ended):
        return None  # the same, as far as either was allowed to go
    if own == other:
        return None
    before = one_line(tokenizer.decode(own[:place]))[-30:]
    if place >= len(spoken.tokens):
        return Parting(before, None)
    candidates = [other[place]] if place < len(other) else sorted(spoken.ends)
    scores = spoken.logits[place]
    behind = float(scores.max()) - max(float(scores[token]) for token in candidates)
    return Parting(before, behind)


def answers_row(pairs: Iterable[tuple[Spoken, Parting | None]], limit: float) -> ProofRow:
    """Whether the answers are the same.

    Args:
        pairs: each own answer, with where the other one leaves it.
        limit: how far a token may be behind, in logits, to count as likely.
    """
    found = list(pairs)
    partings = [one for _spoken, one in found if one is not None]
    tokens = sum(len(spoken.tokens) for spoken, _parting in found)
    words = {"same": len(found) - len(partings), "total": len(found), "tokens": tokens}
    finding = _("{same} of {total} the same, of {tokens} tokens", **words)
    for one in partings:
        before = one.before or _("the beginning")
        if one.behind is None:
            finding += _("; one differs after “{before}”", before=before)
        else:
            behind = f"{one.behind:.2g}"
            finding += _("; one differs after “{before}”, by {behind} logits", before=before, behind=behind)
    name, meaning = _("answers"), _("It answers otherwise than the model that was trained.")
    if any(one.behind is not None and not one.behind <= limit for one in partings):
        return ProofRow(name, "differs", finding, meaning)
    if any(one.behind is None for one in partings):
        return ProofRow(name, "unproved", finding, _("Where they part, the text does not tell the tokens."))
    return ProofRow(name, "passed", finding)
