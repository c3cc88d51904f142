"""How a model is to answer, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Finish = Literal["stop", "length", "stopped", "context"]


@dataclass(frozen=True)
class Sampling:
    """How words are chosen.

    Attributes:
        max_tokens: longest answer.
        temperature: 0 takes the likeliest token.
        top_p: only the likeliest tokens that together reach this share.
        seed: None leaves the random state as it is.
        top_k: only so many of the likeliest tokens; 0 for all.
        min_p: only tokens at least this share as likely as the likeliest; 0 for all.
        repetition_penalty: above 1 makes what was just written less likely; 0 for none. For single replies.
        thinking: whether a model that can think before it answers does; some always do.
    """

    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 0.0
    thinking: bool = False


@dataclass(frozen=True)
class Reply:
    """An answer.

    Attributes:
        text: with the given beginning in front.
        tokens: how many the model wrote.
        tokens_per_second: while it wrote, without reading the prompt.
        seconds_to_first: from the question to the first token; 0 for answers made many at once.
        finish: `stop` (the model ended its turn), `length` (cut at `max_tokens`), `stopped` (asked to) or `context`
            (cut where the model's context is full).
        prompt_tokens: length of the conversation before the answer.
    """

    text: str
    tokens: int
    tokens_per_second: float
    seconds_to_first: float
    finish: Finish
    prompt_tokens: int
