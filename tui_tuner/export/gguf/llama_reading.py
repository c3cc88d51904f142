"""A file that llama.cpp is to speak for, and how its model reads texts and conversations in MLX."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner.export.proof_rows import ProofRow
from tui_tuner.export.reading import CONVERSATIONS, TEXTS, first_difference, render
from tui_tuner.language import _

NASTY = (
    "  two  spaces, \t a tab\r\nand lines\n\n\n\nfour   ",
    "it's I'VE We'Ll 'RE don't! 3.14 33333 ٣٤ １２",
    "naïve café ÜÑÍ ǅ ß ᾳ नमस्ते ภาษาไทย 한국어",
    "a\u00a0b\u2003c\u200bd \x00\x01\x7f",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \\n /usr/local/bin -------- ====",
    "<unk> <0x41> <html></html> [/INST] <think>\n\n</think> 👩‍👩‍👧‍👦🏳️‍🌈",
)


@dataclass(frozen=True)
class Written:
    """A GGUF file that llama.cpp is to speak for.

    Attributes:
        path: the file.
        model: the folder it was made of.
        weight_type: what its matrices are stored as.
        work: a folder for what the two processes tell one another.
        trust_remote_code: run Python code that comes with the model.
    """

    path: Path
    model: Path
    weight_type: str
    work: Path
    trust_remote_code: bool = False


@dataclass(frozen=True)
class Readings:
    """What MLX reads.

    Attributes:
        texts: each text, with its token ids.
        conversations: each conversation as the template writes it, with its token ids.
        template: the chat template; empty for a model without one.
        bos: what a conversation is begun with by programs themselves; empty where they do not.
    """

    texts: tuple[tuple[str, tuple[int, ...]], ...]
    conversations: tuple[tuple[str, tuple[int, ...]], ...]
    template: str
    bos: str

    @property
    def questions(self) -> dict[str, list[str]]:
        """`texts` and `conversations` that llama.cpp is to read, the latter without what it begins them with."""
        return {
            "texts": [text for text, _tokens in self.texts],
            "conversations": [text.removeprefix(self.bos) for text, _tokens in self.conversations],
        }


def readings_of(tokenizer: Any) -> Readings:
    """What a tokenizer of mlx-lm makes of the texts and conversations."""
    from tui_tuner.export.gguf.special_tokens import chat_template

    # In a conversation text never stands at the very beginning, where some tokenizers read it in another way.
    lead = tokenizer.bos_token or ""
    texts = tuple(
        (lead + text, tuple(tokenizer.encode(lead + text, add_special_tokens=False))) for text in (*TEXTS, *NASTY)
    )
    template = chat_template(tokenizer) or ""
    rendered = [render(tokenizer, turns) for turns in CONVERSATIONS.values()] if template else []
    conversations = tuple((found.text, found.tokens) for found in rendered if not found.refusal)
    begun = bool(lead) and all(text.startswith(lead) for text, _tokens in conversations)
    return Readings(texts, conversations, template, lead if begun else "")


def reading_rows(wanted: Readings, facts: Mapping[str, Any], tokenizer: Any) -> Iterator[ProofRow]:
    """Whether llama.cpp reads the same; `facts` are its token ids of the `questions`, and its `template`."""
    meaning = _("It would read other words than those it learned.")
    tokens = [tokens for _text, tokens in wanted.texts]
    yield _tokens_row(_("tokenizer"), tokens, facts["texts"], tokenizer, meaning)
    name = _("chat template")
    if not wanted.template:
        yield ProofRow(
            name, "unproved", _("the model has none"), _("Programs do not know how to put a question to it.")
        )
    elif facts["template"] != wanted.template:
        yield ProofRow(name, "differs", _("the file holds another one"), _("It would be asked in another form."))
    else:
        tokens = [tokens for _text, tokens in wanted.conversations]
        meaning = _("It would be asked in another form than it learned.")
        yield _tokens_row(name, tokens, facts["conversations"], tokenizer, meaning)


def _tokens_row(
    name: str, wanted: Sequence[Sequence[int]], found: Sequence[Sequence[int]], tokenizer: Any, meaning: str
) -> ProofRow:
    pairs = zip(wanted, found, strict=True)
    first = next((first_difference(one, other, tokenizer) for one, other in pairs if list(one) != list(other)), "")
    words = {"number": len(wanted), "tokens": sum(map(len, wanted))}
    return ProofRow.of(name, not first, first or _("{number} texts, {tokens} tokens, all the same", **words), meaning)
