"""A model's answers: one, streamed; or many at once. Runs on the engine's thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tui_tuner.models.loading import LoadedModel
from tui_tuner.models.prompts import Message, PromptMemory, prompt_tokens
from tui_tuner.progress import StopToken

Finish = Literal["stop", "length", "stopped"]


@dataclass(frozen=True)
class Sampling:
    """How words are chosen.

    Attributes:
        max_tokens: longest answer.
        temperature: 0 takes the likeliest token.
        top_p: only the likeliest tokens that together reach this share.
        seed: None leaves the random state as it is.
    """

    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None


@dataclass(frozen=True)
class Reply:
    """An answer.

    Attributes:
        text: with the given beginning in front.
        tokens: how many the model wrote.
        tokens_per_second: while it wrote, without reading the prompt.
        seconds_to_first: from the question to the first token; 0 for answers made many at once.
        finish: `stop` (the model ended its turn), `length` (cut at `max_tokens`) or `stopped` (asked to).
        prompt_tokens: length of the conversation before the answer.
    """

    text: str
    tokens: int
    tokens_per_second: float
    seconds_to_first: float
    finish: Finish
    prompt_tokens: int


def stream_reply(
    loaded: LoadedModel,
    messages: Sequence[Message],
    sampling: Sampling,
    on_text: Callable[[str], None],
    stop: StopToken,
    *,
    beginning: str = "",
    memory: PromptMemory | None = None,
) -> Reply:
    """Answer `messages`, giving each piece of text to `on_text` as it comes.

    Args:
        loaded: the model.
        messages: the conversation; the last turn is the user's.
        sampling: how words are chosen.
        on_text: hears the beginning, then every new piece.
        stop: ends the answer at the next token; what was written so far is returned.
        beginning: the first words of the answer.
        memory: what the model has read of this conversation before; kept up to date.

    Raises:
        ModelError: the conversation cannot be put into the model's template.
    """
    from mlx_lm.generate import stream_generate
    from mlx_lm.models.cache import make_prompt_cache

    tokens = prompt_tokens(loaded, messages, beginning)
    cache = memory.cache if memory else make_prompt_cache(loaded.model)
    unread = tokens
    if memory:
        unread = memory.unread(tokens)
        cache = memory.cache
    pieces = [beginning] if beginning else []
    if beginning:
        on_text(beginning)
    began = time.perf_counter()
    first, finish, rate = 0.0, "length", 0.0
    written: list[int] = []
    for response in stream_generate(
        loaded.model,
        loaded.tokenizer,
        unread,
        max_tokens=sampling.max_tokens,
        sampler=_sampler(sampling),
        prompt_cache=cache,
    ):
        first = first or time.perf_counter() - began
        rate = response.generation_tps
        if response.finish_reason != "stop" and (not written or response.generation_tokens > len(written)):
            written.append(response.token)
        if response.text:
            pieces.append(response.text)
            on_text(response.text)
        if response.finish_reason:
            finish = response.finish_reason
        elif stop.requested:
            finish = "stopped"
            break
    if memory:
        _remember(memory, tokens, written)
    text = "".join(pieces)
    return Reply(text, len(written), rate, first, _finish(finish), len(tokens))


def _finish(reason: str) -> Finish:
    return "stop" if reason == "stop" else "stopped" if reason == "stopped" else "length"


def _remember(memory: PromptMemory, tokens: list[int], written: list[int]) -> None:
    # The cache's own length is the truth: whether the last token was read depends on how the answer ended.
    known = [*tokens, *written]
    held = next((entry.offset for entry in memory.cache if hasattr(entry, "offset")), 0)
    if 0 < held <= len(known):
        memory.tokens = known[:held]
    else:
        from mlx_lm.models.cache import trim_prompt_cache

        surplus = held - len(known)
        if surplus > 0 and trim_prompt_cache(memory.cache, surplus) == surplus:
            memory.tokens = known
        else:
            memory.forget()


def _sampler(sampling: Sampling) -> Any:
    import mlx.core as mx
    from mlx_lm.sample_utils import make_sampler

    if sampling.seed is not None:
        mx.random.seed(sampling.seed)
    # mlx-lm takes top_p = 0 for "off"; 1 would sort the vocabulary for nothing.
    return make_sampler(temp=sampling.temperature, top_p=sampling.top_p if sampling.top_p < 1 else 0.0)


def batch_replies(
    loaded: LoadedModel,
    conversations: Sequence[Sequence[Message]],
    sampling: Sampling,
    on_reply: Callable[[int, Reply], None],
    stop: StopToken,
    *,
    beginnings: Sequence[str] = (),
    at_once: int = 16,
) -> None:
    """Answer many conversations together: several times faster than one by one.

    Args:
        loaded: the model.
        conversations: each ends with the user's turn.
        sampling: how words are chosen, for all of them.
        on_reply: hears each answer as it ends, with its place in `conversations`; not in order.
        stop: checked at every token; unfinished answers are dropped.
        beginnings: the first words of each answer; none where empty.
        at_once: how many are written at the same time.

    Raises:
        Stopped: asked to; answers already given to `on_reply` are whole.
        ModelError: a conversation cannot be put into the model's template.
    """
    from mlx_lm.generate import BatchGenerator

    starts = list(beginnings) or [""] * len(conversations)
    prompts = [prompt_tokens(loaded, turns, start) for turns, start in zip(conversations, starts, strict=True)]
    generator = BatchGenerator(
        loaded.model,
        max_tokens=sampling.max_tokens,
        stop_tokens=[[token] for token in loaded.tokenizer.eos_token_ids],
        sampler=_sampler(sampling),
        completion_batch_size=at_once,
    )
    try:
        places = {uid: place for place, uid in enumerate(generator.insert(prompts))}
        written: dict[int, list[int]] = {uid: [] for uid in places}
        began: dict[int, float] = {}
        while responses := generator.next_generated():
            stop.check()
            for response in responses:
                began.setdefault(response.uid, time.perf_counter())
                if response.finish_reason != "stop":
                    written[response.uid].append(response.token)
                if response.finish_reason is None:
                    continue
                tokens = written.pop(response.uid)
                place = places[response.uid]
                seconds = time.perf_counter() - began[response.uid]
                text = starts[place] + loaded.tokenizer.decode(tokens)
                rate = len(tokens) / seconds if seconds > 0 else 0.0
                finish = _finish(response.finish_reason)
                on_reply(place, Reply(text, len(tokens), rate, 0.0, finish, len(prompts[place])))
    finally:
        generator.close()
