"""A few fixed prompts, answered again and again while a model is trained, so that one sees it change.

Always the likeliest token, so no random number is drawn; dropout is off meanwhile, and the adapter is as it stands.
Training goes on as if nothing had been asked.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tui_tuner.choices import TrainingChoice
from tui_tuner.dataset.held_out import Turns, held_out_openings
from tui_tuner.errors import ModelError, Stopped
from tui_tuner.language import _
from tui_tuner.models.generation import batch_replies
from tui_tuner.models.loading import LoadedModel
from tui_tuner.models.prompts import Message, prompt_tokens
from tui_tuner.models.replies import Reply, Sampling
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, Notice, StopToken
from tui_tuner.training.events import SampleAnswered
from tui_tuner.training.random_key import random_key, set_random_key

log = logging.getLogger(__name__)


class Sampler:
    """Asks a model that is being trained.

    Args:
        loaded: the model with its adapter and its tokenizer.
        prompts: what it is asked; nothing for no samples.
        max_tokens: longest answer.
    """

    def __init__(self, loaded: LoadedModel, prompts: Sequence[Turns], max_tokens: int) -> None:
        self._loaded, self._prompts, self._max_tokens = loaded, list(prompts), max_tokens

    def answer(self, iteration: int, *, tell: Emit, stop: StopToken) -> None:
        """Have every prompt answered after `iteration` steps; the model is left in training mode.

        A model that cannot answer is not asked again, and that is said: it costs the training nothing.

        Args:
            iteration: steps done.
            tell: hears every answer.
            stop: asked at every token.

        Raises:
            Stopped: asked to; nothing has changed.
            StorageError: an answer cannot be kept.
        """
        replies: dict[int, Reply] = {}
        if self._prompts:
            try:
                self._ask(replies, stop)
            except Stopped:
                raise
            except Exception as error:  # memory that ran out, a template that refuses: training is what matters
                log.warning("no samples: %r", error)
                self._prompts = []
                tell(Notice(_("no samples from here on: {error}", error=one_line(str(error), 200)), "warning"))
                replies.clear()
        for place, reply in sorted(replies.items()):
            tell(self._answered(iteration, place, reply))

    def _ask(self, replies: dict[int, Reply], stop: StopToken) -> None:
        import mlx.core as mx

        model: Any = self._loaded.model
        key = random_key()
        model.eval()
        try:
            conversations = [messages_of(turns) for turns in self._prompts]
            batch_replies(self._loaded, conversations, Sampling(self._max_tokens), replies.__setitem__, stop)
        finally:
            model.train()
            set_random_key(key)
            mx.clear_cache()

    def _answered(self, iteration: int, place: int, reply: Reply) -> SampleAnswered:
        prompt = self._prompts[place][-1][1]
        cut = reply.finish != "stop"
        return SampleAnswered(iteration, place, prompt, reply.text, reply.tokens, cut, time.time())


def messages_of(turns: Turns) -> list[Message]:
    """`turns` as a model's template takes them."""
    return [Message(role=role, content=text) for role, text in turns]


def sample_prompts(choice: TrainingChoice, data: Path, loaded: LoadedModel) -> list[Turns]:
    """What a model is asked while it is trained: the chosen prompts, or the first held-out questions.

    Prompts that the model's template refuses, or that are longer than any row it trains on, are left out.

    Raises:
        StorageError: `valid.jsonl` cannot be read.
    """
    found: list[Turns] = []
    for turns in _candidates(choice, data):
        if len(found) == choice.samples:
            break
        try:
            length = len(prompt_tokens(loaded, messages_of(turns)))
        except ModelError as error:
            log.info("no sample of this prompt: %s", error)
            continue
        if length <= choice.max_seq_length:
            found.append(turns)
    return found


def _candidates(choice: TrainingChoice, data: Path) -> Iterator[Turns]:
    chosen = [prompt.strip() for prompt in choice.sample_prompts if prompt.strip()]
    if not choice.samples:
        return
    if chosen:
        yield from ((("user", prompt),) for prompt in chosen)
    else:
        yield from held_out_openings(data)
