"""Which tokens of a conversation are learned: every answer of the assistant, from its first token to its end.

mlx-lm's `mask_prompt` learns the last answer alone. Here each turn is found by rendering the conversation up to it
with the model's own chat template and comparing tokens. Templates are programs and do as they please (they move the
system text, drop the thinking of earlier turns, begin the answer with a tag); an answer that cannot be found for
certain is not learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# Where an answer is among the tokens of its row: its first place, and the one after its last.
Span = tuple[int, int]


class Template:
    """A model's chat template: conversations in, token ids out."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.end_tokens: frozenset[int] = frozenset(tokenizer.eos_token_ids)

    def render(self, messages: Sequence[Any], tools: Any = None, *, answer_follows: bool = False) -> list[int]:
        """Token ids of `messages`; with `answer_follows` up to where the assistant begins to speak.

        Raises:
            Exception: whatever the template raises for turns it does not accept.
        """
        tokens = self._tokenizer.apply_chat_template(
            list(messages), tools=tools, add_generation_prompt=answer_follows, tokenize=True, return_dict=False
        )
        return list(tokens)


def answer_spans(template: Template, messages: Sequence[Any], tools: Any, tokens: Sequence[int]) -> list[Span | None]:
    """Where each answer of the assistant is in `tokens`, the whole conversation.

    For the last answer of an ordinary template the span begins where mlx-lm's does: after the generation prompt.

    Returns:
        One span per assistant turn, in order; None where the answer cannot be found.
    """
    spans: list[Span | None] = []
    reached = 0
    for turn, message in enumerate(messages):
        if message.get("role") != "assistant":
            continue
        span = _answer_span(template, messages, turn, tools, tokens)
        if span is not None and not reached <= span[0] < span[1] <= len(tokens):
            span = None
        if span is not None:
            reached = span[1]
        spans.append(span)
    return spans


def _answer_span(
    template: Template, messages: Sequence[Any], turn: int, tools: Any, tokens: Sequence[int]
) -> Span | None:
    try:
        start = _start(template, messages[:turn], tools, tokens)
        if start is None:
            return None
        if turn == len(messages) - 1:
            return start, len(tokens)
        up_to_here = template.render(messages[: turn + 1], tools)
    except Exception:
        # The template refuses this beginning of a conversation it accepts as a whole.
        return None
    if common_length(up_to_here, tokens) == len(up_to_here):
        return start, len(up_to_here)
    # Rendered as the last one this turn looks different; but it ends where the model is taught to end a turn.
    end = next((place + 1 for place in range(start, len(tokens)) if tokens[place] in template.end_tokens), None)
    return None if end is None else (start, end)


def _start(template: Template, before: Sequence[Any], tools: Any, tokens: Sequence[int]) -> int | None:
    asked = template.render(before, tools, answer_follows=True)
    common = common_length(asked, tokens)
    if common == len(asked):
        return common
    # The generation prompt may open a tag that a written answer does not have, as reasoning models' templates do. That
    # is harmless as long as everything before the generation prompt agrees.
    plain = template.render(before, tools)
    return common if common >= len(plain) and common_length(plain, tokens) == len(plain) else None


def common_length(one: Sequence[int], other: Sequence[int]) -> int:
    """How many leading items both have in common."""
    shorter = min(len(one), len(other))
    if list(one[:shorter]) == list(other[:shorter]):
        return shorter
    return next(place for place in range(shorter) if one[place] != other[place])
