"""From a conversation to the tokens a model is asked to continue. Runs on the engine's thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

from tui_tuner.errors import ModelError
from tui_tuner.language import _
from tui_tuner.models.loading import LoadedModel


class Message(TypedDict):
    """One turn of a conversation.

    Attributes:
        role: "system", "user" or "assistant".
        content: the text.
    """

    role: str
    content: str


def prompt_tokens(loaded: LoadedModel, messages: Sequence[Message], beginning: str = "") -> list[int]:
    """The conversation as the model's own template makes it, up to where its answer begins.

    Args:
        loaded: the model.
        messages: the turns, the last one the user's.
        beginning: the first words of the answer, which the model will continue.

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
            list(messages), add_generation_prompt=True, tokenize=True, return_dict=False
        )
    except Exception as error:
        raise ModelError(
            _("the model's chat template refuses this conversation: {error}", error=error), where=str(loaded.path)
        ) from error
    return [*tokens, *tokenizer.encode(beginning, add_special_tokens=False)] if beginning else list(tokens)


class PromptMemory:
    """What a model has already read of a conversation, so that each turn costs only its new tokens.

    An edited or branched conversation re-uses the part that is still the same. Belongs to one model.
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
        from mlx_lm.models.cache import can_trim_prompt_cache, trim_prompt_cache

        common = 0
        # The last token is always read again: the model has to be asked for what follows it.
        for known, asked in zip(self.tokens, tokens[:-1], strict=False):
            if known != asked:
                break
            common += 1
        surplus = len(self.tokens) - common
        if surplus and can_trim_prompt_cache(self.cache) and trim_prompt_cache(self.cache, surplus) == surplus:
            surplus = 0
        if surplus:
            self.forget()
            common = 0
        self.tokens = list(tokens[:common])
        return list(tokens[common:])
