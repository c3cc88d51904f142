"""A model's answers: one, streamed; or many at once. Runs on the engine's thread."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from tui_tuner.models.decoding import READ_AT_ONCE, GrowingText, Steps, tokens_per_second
from tui_tuner.models.loading import LoadedModel
from tui_tuner.models.prompts import Message, PromptMemory, prompt_tokens
from tui_tuner.models.replies import Finish, Reply, Sampling
from tui_tuner.progress import StopToken

READ_TOGETHER = 8  # prompts read at the same time
WORTH_SHARING = 16  # tokens; a shorter beginning is not worth a step of its own


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
        on_text: hears the beginning, then every new piece; together they are the answer's text.
        stop: ends the answer at the next token, or while the prompt is read; what was written so far is returned.
        beginning: the first words of the answer.
        memory: what the model has read of this conversation before; kept up to date.

    Raises:
        ModelError: the conversation cannot be put into the model's template.
    """
    prompt = prompt_tokens(loaded, messages, beginning, thinking=sampling.thinking)
    return continue_prompt(loaded, prompt, sampling, on_text, stop, beginning=beginning, memory=memory)


def continue_prompt(
    loaded: LoadedModel,
    prompt: Sequence[int],
    sampling: Sampling,
    on_text: Callable[[str], None],
    stop: StopToken,
    *,
    beginning: str = "",
    memory: PromptMemory | None = None,
) -> Reply:
    """As `stream_reply`, of a conversation that is tokens already, shape (length,), `beginning` among them."""
    memory = memory or PromptMemory(loaded)
    unread = memory.unread(prompt)
    began = time.perf_counter()
    steps = Steps(
        loaded,
        unread,
        memory.cache,
        max_tokens=sampling.max_tokens,
        sampler=_sampler(sampling),
        penalties=_penalties(sampling),
        stop=stop,
    )
    text = GrowingText(loaded, beginning)
    try:
        if beginning:
            on_text(beginning)
        finish = _write(steps, text, loaded.tokenizer.eos_token_ids, on_text)
    except BaseException:
        memory.forget()  # how far its cache got is not known
        raise
    finally:
        steps.close()
    memory.keep([*memory.tokens, *unread[: steps.read], *steps.written])
    first = steps.moments[0] - began if steps.moments else 0.0
    return Reply(text.whole, text.tokens, tokens_per_second(steps.moments), first, finish, len(prompt))


def _write(steps: Steps, text: GrowingText, ends: Collection[int], on_text: Callable[[str], None]) -> Finish:
    finish: Finish = "length"
    for token in steps:
        if token in ends:
            finish = "stop"
            break
        if piece := text.add(token):
            on_text(piece)
    if piece := text.end():
        on_text(piece)
    return "stopped" if steps.cut_short and finish != "stop" else finish


def _sampler(sampling: Sampling) -> Any:
    import mlx.core as mx
    from mlx_lm.sample_utils import make_sampler

    if sampling.seed is not None:
        mx.random.seed(sampling.seed)
    # mlx-lm takes top_p = 0 for "off"; 1 would sort the vocabulary for nothing.
    return make_sampler(
        temp=sampling.temperature,
        top_p=sampling.top_p if sampling.top_p < 1 else 0.0,
        min_p=sampling.min_p,
        top_k=sampling.top_k,
    )


def _penalties(sampling: Sampling) -> list[Any]:
    from mlx_lm.sample_utils import make_logits_processors

    made: list[Any] = make_logits_processors(repetition_penalty=sampling.repetition_penalty or None)
    return made


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
    starts = list(beginnings) or [""] * len(conversations)
    work = _together if _batchable(loaded) else _one_by_one
    for place, reply in work(loaded, conversations, starts, sampling, at_once, stop):
        on_reply(place, reply)


def _batchable(loaded: LoadedModel) -> bool:
    """Whether mlx-lm can hold several conversations of this kind of model in one cache."""
    from mlx_lm.models.cache import make_prompt_cache

    return all(hasattr(entry, "merge") for entry in make_prompt_cache(loaded.model))


def _one_by_one(
    loaded: LoadedModel,
    conversations: Sequence[Sequence[Message]],
    starts: Sequence[str],
    sampling: Sampling,
    _at_once: int,
    stop: StopToken,
) -> Iterator[tuple[int, Reply]]:
    for place, (turns, start) in enumerate(zip(conversations, starts, strict=True)):
        reply = stream_reply(loaded, turns, sampling, lambda _piece: None, stop, beginning=start)
        stop.check()
        yield place, reply
        sampling = dataclasses.replace(sampling, seed=None)  # seeded once, as together


def _together(
    loaded: LoadedModel,
    conversations: Sequence[Sequence[Message]],
    starts: Sequence[str],
    sampling: Sampling,
    at_once: int,
    stop: StopToken,
) -> Iterator[tuple[int, Reply]]:
    prompts = [
        prompt_tokens(loaded, turns, start, thinking=sampling.thinking)
        for turns, start in zip(conversations, starts, strict=True)
    ]
    texts = [GrowingText(loaded, start) for start in starts]
    moments: list[list[float]] = [[] for _prompt in prompts]
    for place, token, reason in _batch_steps(loaded, prompts, sampling, at_once, stop):
        moments[place].append(time.perf_counter())
        if reason != "stop":
            texts[place].add(token)
        if reason is not None:
            texts[place].end()
            finish: Finish = "stop" if reason == "stop" else "length"
            pace = tokens_per_second(moments[place])
            yield place, Reply(texts[place].whole, texts[place].tokens, pace, 0.0, finish, len(prompts[place]))


def _batch_steps(
    loaded: LoadedModel, prompts: Sequence[list[int]], sampling: Sampling, at_once: int, stop: StopToken
) -> Iterator[tuple[int, int, str | None]]:
    """The place of a prompt, its next token, and why it ends there, for all prompts in turn."""
    from mlx_lm.generate import BatchGenerator

    generator = BatchGenerator(
        loaded.model,
        max_tokens=sampling.max_tokens,
        stop_tokens=[[token] for token in loaded.tokenizer.eos_token_ids],
        sampler=_sampler(sampling),
        completion_batch_size=at_once,
        prefill_batch_size=min(at_once, READ_TOGETHER),  # the larger of the two is how many mlx-lm writes at once
        prefill_step_size=READ_AT_ONCE,
    )
    try:
        # Prompts that show the teacher the same examples first differ only in their last turn: the rest is read once.
        shared, cache = _read_shared(loaded, prompts, stop)
        uids = generator.insert(
            [prompt[shared:] for prompt in prompts],
            caches=[cache] * len(prompts) if shared else None,
            all_tokens=[prompt[:shared] for prompt in prompts],
        )
        places = {uid: place for place, uid in enumerate(uids)}
        while responses := generator.next_generated():
            stop.check()
            for response in responses:
                yield places[response.uid], response.token, response.finish_reason
    finally:
        generator.close()


def _read_shared(loaded: LoadedModel, prompts: Sequence[list[int]], stop: StopToken) -> tuple[int, list[Any]]:
    """Read the beginning that all prompts have in common.

    Returns:
        Its length in tokens, 0 where reading it once gains nothing; and the cache that holds it, which mlx-lm copies
        into each batch and leaves as it is.
    """
    import mlx.core as mx
    from mlx_lm.generate import generation_stream
    from mlx_lm.models.cache import make_prompt_cache

    cache = make_prompt_cache(loaded.model)
    if len(prompts) < 2:
        return 0, cache
    # What the first and the last in order share, all share. Every prompt keeps a token of its own to begin with.
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(min(prompts), max(prompts), strict=False))
    shared = min(sum(1 for _pair in same), *(len(prompt) - 1 for prompt in prompts))
    if shared < WORTH_SHARING:
        return 0, cache
    with mx.stream(generation_stream):
        for start in range(0, shared, READ_AT_ONCE):
            stop.check()
            loaded.model(mx.array(prompts[0][start : min(start + READ_AT_ONCE, shared)])[None], cache=cache)
            mx.eval([entry.state for entry in cache])
    return shared, cache
