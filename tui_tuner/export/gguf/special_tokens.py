"""The tokens with a part of their own, and the chat template, in llama.cpp's words."""

from __future__ import annotations

from typing import Any

from tui_tuner.export.gguf.metadata import Value
from tui_tuner.export.gguf.vocabulary import CONTROL, USER_DEFINED, Vocabulary

WORDS = "tuner asks"  # what the one who answers has said, to see how its turn ends
ROLES = {"bos": "bos_token_id", "eos": "eos_token_id", "unknown": "unk_token_id", "padding": "pad_token_id"}


def special_metadata(tokenizer: Any, vocabulary: Vocabulary) -> dict[str, Value]:
    """The keys of the file.

    Args:
        tokenizer: as `models.loading` gives it.
        vocabulary: made of it.
    """
    known = range(len(vocabulary.tokens))
    keys: dict[str, Value] = {}
    for role, name in ROLES.items():
        number = getattr(tokenizer, name, None)
        if isinstance(number, int) and number in known:
            keys[f"tokenizer.ggml.{role}_token_id"] = number
    template = chat_template(tokenizer)
    # Programs that write a template of their own leave this token to llama.cpp.
    begins = _adds_bos(tokenizer) if template is None else _begins_with_bos(tokenizer)
    keys["tokenizer.ggml.add_bos_token"] = begins
    keys["tokenizer.ggml.add_eos_token"] = False
    if vocabulary.model == "llama":
        keys["tokenizer.ggml.add_space_prefix"] = _space_prefix(tokenizer, vocabulary)
    if template is not None:
        keys["tokenizer.chat_template"] = template
    return keys | _ends(tokenizer, vocabulary)


def _ends(tokenizer: Any, vocabulary: Vocabulary) -> dict[str, Value]:
    """The token that ends a turn, and all that end an answer in MLX, where there is more than one."""
    keys: dict[str, Value] = {}
    turn = end_of_turn(tokenizer, vocabulary)
    if turn is not None and turn != tokenizer.eos_token_id:
        keys["tokenizer.ggml.eot_token_id"] = turn
    ends = sorted({*ends_of_answers(tokenizer), *([turn] if turn is not None else [])})
    if len(ends) > 1:
        keys["tokenizer.ggml.eos_token_ids"] = ends  # read by Ollama's own engine
    return keys


def ends_of_answers(tokenizer: Any) -> set[int]:
    """Every token at which mlx-lm ends an answer."""
    return {int(number) for number in getattr(tokenizer, "eos_token_ids", None) or [tokenizer.eos_token_id]}


def end_of_turn(tokenizer: Any, vocabulary: Vocabulary) -> int | None:
    """The special token that the chat template writes after an answer; None without a template or such a token."""
    if chat_template(tokenizer) is None:
        return None
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": WORDS}]
    try:
        text = tokenizer.apply_chat_template(turns, tokenize=False)
    except Exception:  # a template of its own mind: a person's Jinja can raise anything
        return None
    after = text.rpartition(WORDS)[2].lstrip()
    special = [
        (token, number)
        for number, (token, kind) in enumerate(zip(vocabulary.tokens, vocabulary.kinds, strict=True))
        if kind in (CONTROL, USER_DEFINED) and token and after.startswith(token)
    ]
    return max(special, key=lambda found: len(found[0]))[1] if special else None


def chat_template(tokenizer: Any) -> str | None:
    """The template of ordinary conversations; some models have more by name, as for tools."""
    template = getattr(tokenizer, "chat_template", None)
    if isinstance(template, list):
        template = {entry["name"]: entry["template"] for entry in template}
    if isinstance(template, dict):
        template = template.get("default")
    return template if isinstance(template, str) and template else None


def _adds_bos(tokenizer: Any) -> bool:
    """Whether text is begun with the first token of all, as it is when a model is trained on plain text."""
    return bool(tokenizer.bos_token_id is not None and tokenizer.encode("a")[:1] == [tokenizer.bos_token_id])


def _begins_with_bos(tokenizer: Any) -> bool:
    return bool(tokenizer.bos_token) and _opening(tokenizer).startswith(str(tokenizer.bos_token))


def _opening(tokenizer: Any) -> str:
    """A conversation's beginning as the template writes it; empty where it refuses."""
    try:
        return str(tokenizer.apply_chat_template([{"role": "user", "content": "?"}], tokenize=False))
    except Exception:  # as in `end_of_turn`
        return ""


def _space_prefix(tokenizer: Any, vocabulary: Vocabulary) -> bool:
    """Whether llama.cpp shall put a space before text that begins, or follows a special token.

    Many tokenizers put one at the very beginning alone. llama.cpp cannot do that; a conversation that begins with a
    special token has no such place, and conversations are what these models are for.
    """
    if vocabulary.space_prefix != "first":
        return vocabulary.space_prefix == "always"
    opening = _opening(tokenizer)
    special = (
        token
        for token, kind in zip(vocabulary.tokens, vocabulary.kinds, strict=True)
        if kind in (CONTROL, USER_DEFINED) and token
    )
    return not any(opening.startswith(token) for token in special)
