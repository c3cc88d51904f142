"""From a conversation to the tokens a model is asked to continue. Runs on the engine's thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

from tui_tuner.errors import ModelError
from tui_tuner.language import _
from tui_tuner.models.loading import LoadedModel
from tui_tuner.plain_text import one_line


class Message(TypedDict):
    """One turn of a conversation.

    Attributes:
        role: "system", "user" or "assistant".
        content: the text.
    """

    role: str
    content: str


def prompt_tokens(
    loaded: LoadedModel, messages: Sequence[Message], beginning: str = "", *, thinking: bool = False
) -> list[int]:
    """The conversation as the model's own template makes it, up to where its answer begins.

    Args:
        loaded: the model.
        messages: the turns, the last one the user's.
        beginning: the first words of the answer, which the model will continue.
        thinking: have it think first, where its template leaves that to us, as Qwen 3's does. Examples without thoughts
            teach it to answer at once, so that this is what it is asked for.

    Returns:
        Token ids, shape (length,).

    Raises:
        ModelError: the model has no chat template, or its template refuses these turns.
    """
    tokenizer: Any = loaded.tokenizer
    if not tokenizer.has_chat_template:
        raise ModelError(
            _("this model has no chat template"),
            where=str(loaded.path),
            advice=_("Choose an instruction-tuned model (its name usually has Instruct or Chat in it)."),
        )
    try:
        tokens = tokenizer.apply_chat_template(
            list(messages), add_generation_prompt=True, tokenize=True, enable_thinking=thinking
        )
    except Exception as error:
        advice = _("Some models take no system prompt: clear it and try again.") if _has_system(messages) else ""
        raise ModelError(
            _("the model's chat template refuses this conversation: {error}", error=one_line(str(error), 300)),
            where=str(loaded.path),
            advice=advice,
        ) from error
    return [*tokens, *beginning_tokens(loaded, beginning)]


def beginning_tokens(loaded: LoadedModel, beginning: str) -> list[int]:
    """The first words of an answer as tokens, shape (length,); none for an empty text."""
    return list(loaded.tokenizer.encode(beginning, add_special_tokens=False)) if beginning else []


def _has_system(messages: Sequence[Message]) -> bool:
    return any(message["role"] == "system" for message in messages)


class PromptMemory:
    """What a model has already read of a conversation, so that each turn costs only its new tokens.

    An edited or branched conversation re-uses the part that is still the same. Belongs to one model.

    Attributes:
        cache: mlx-lm's prompt cache, one entry per layer.
        tokens: what `cache` holds, shape (length,).
    """

    def __init__(self, loaded: LoadedModel) -> None:
        self._loaded = loaded
        self.forget()

    def forget(self) -> None:
        """Start from nothing."""
        from mlx_lm.models.cache import make_prompt_cache

        self.cache: list[Any] = make_prompt_cache(self._loaded.model)
        self.tokens: list[int] = []

    def unread(self, tokens: Sequence[int]) -> list[int]:
        """Forget what differs from `tokens`; return those still to be read, at least one."""
        common = 0
        # The last token is always read again: the model has to be asked for what follows it.
        for known, asked in zip(self.tokens, tokens[:-1], strict=False):
            if known != asked:
                break
            common += 1
        if not self._forget_last(len(self.tokens) - common):
            self.forget()
            common = 0
        self.tokens = list(tokens[:common])
        return list(tokens[common:])

    def keep(self, tokens: Sequence[int]) -> None:
        """Note that the model has read exactly `tokens` by now: the prompt and what it wrote itself.

        The cache's own length is the truth, where it tells one (recurrent layers do not): should it differ, it is cut
        to what is known, or forgotten.
        """
        lengths = [entry.offset for entry in self.cache if isinstance(getattr(entry, "offset", None), int)]
        held = lengths[0] if lengths else len(tokens)
        if self._forget_last(held - len(tokens)):
            self.tokens = list(tokens[:held])
        else:
            self.forget()

    def _forget_last(self, surplus: int) -> bool:
        """Take the last `surplus` tokens out of the cache; False where it cannot, as with recurrent layers."""
        from mlx_lm.models.cache import can_trim_prompt_cache, trim_prompt_cache

        if surplus <= 0:
            return True
        return bool(can_trim_prompt_cache(self.cache) and trim_prompt_cache(self.cache, surplus) == surplus)
