"""One answer, token by token: the model's steps, and the text that grows from them. Runs on the engine's thread."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

from tui_tuner.models.loading import LoadedModel
from tui_tuner.models.prompts import beginning_tokens
from tui_tuner.progress import StopToken

READ_AT_ONCE = 512  # tokens of a prompt between two looks at the stop token


class Steps:
    """The tokens a model writes after a prompt, one by one, the one that ends its turn included.

    Args:
        loaded: the model.
        unread: the end of the prompt, as far as `cache` does not hold it.
        cache: mlx-lm's prompt cache; holds the whole prompt and the answer afterwards.
        max_tokens: longest answer.
        sampler: takes log-probabilities, shape (1, vocabulary), and gives the next token, shape (1,).
        penalties: each takes the tokens so far and log-probabilities, shape (1, vocabulary), and gives others.
        stop: ends the answer at the next token, or while the prompt is read.

    Attributes:
        read: tokens of `unread` that are in the cache by now.
        written: tokens of the answer that are in the cache by now. mlx-lm feeds each token back before it hands it out,
            the very last one too.
        moments: when each of them came, in seconds.
        cut_short: asked to stop before the model was done.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        unread: list[int],
        cache: list[Any],
        *,
        max_tokens: int,
        sampler: Callable[[Any], Any],
        stop: StopToken,
        penalties: Sequence[Callable[[Any, Any], Any]] = (),
    ) -> None:
        self.read = 0
        self.written: list[int] = []
        self.moments: list[float] = []
        self.cut_short = False
        self._max_tokens, self._sampler, self._stop = max_tokens, sampler, stop
        self._penalties = list(penalties)
        self._tokens = self._generate(loaded, unread, cache)

    def __iter__(self) -> Iterator[int]:
        return self._tokens

    def close(self) -> None:
        """End the work that may still be under way on the device."""
        self._tokens.close()

    def _generate(self, loaded: LoadedModel, unread: list[int], cache: list[Any]) -> Generator[int, None, None]:
        import mlx.core as mx
        from mlx_lm.generate import generate_step, generation_stream, wired_limit

        steps = generate_step(
            mx.array(unread),
            loaded.model,
            max_tokens=self._max_tokens,
            sampler=self._sampler,
            logits_processors=self._penalties or None,
            prompt_cache=cache,
            prefill_step_size=READ_AT_ONCE,
            prompt_progress_callback=self._on_read,
        )
        with wired_limit(loaded.model, [generation_stream]), contextlib.suppress(_StoppedReading):
            for token, _probabilities in steps:
                self.moments.append(time.perf_counter())
                self.written.append(token)
                yield token
                if self._stop.requested and len(self.written) < self._max_tokens:
                    self.cut_short = True
                    return

    def _on_read(self, done: int, total: int) -> None:
        self.read = done
        if self._stop.requested and done < total:
            self.cut_short = True
            raise _StoppedReading


def tokens_per_second(moments: Sequence[float]) -> float:
    """The pace of writing, from the moment of each token in seconds; 0 where a single one tells nothing."""
    seconds = moments[-1] - moments[0] if moments else 0.0
    return (len(moments) - 1) / seconds if seconds > 0 else 0.0


class _StoppedReading(Exception):
    """Asked to stop before the prompt was read to its end."""


class GrowingText:
    """The text of an answer, decoded as its tokens come.

    The beginning goes through the decoder too: on its own, the first new token would lose the space it starts with.

    Args:
        loaded: the model whose tokens these are.
        beginning: the first words of the answer, given to the model.

    Attributes:
        tokens: how many were added.
    """

    def __init__(self, loaded: LoadedModel, beginning: str = "") -> None:
        self.tokens = 0
        self._pieces = [beginning]
        self._decoder = loaded.tokenizer.detokenizer
        for token in beginning_tokens(loaded, beginning):
            self._decoder.add_token(token)
        self._decoder.last_segment  # noqa: B018 -- reading it marks the beginning as told

    @property
    def whole(self) -> str:
        """Everything so far, the beginning in front."""
        return "".join(self._pieces)

    def add(self, token: int) -> str:
        """What is new with `token`; nothing while a character is incomplete."""
        self.tokens += 1
        self._decoder.add_token(token)
        return self._next()

    def end(self) -> str:
        """What was held back."""
        self._decoder.finalize()
        return self._next()

    def _next(self) -> str:
        piece: str = self._decoder.last_segment
        self._pieces.append(piece)
        return piece
