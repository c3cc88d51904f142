"""How a model's tokenizer reads: conversations in its chat template, plain texts, and where a turn ends.

Two programs that hold the same model have to read alike, token by token: a model that learned one form and is asked in
another answers worse, and nobody is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tui_tuner.export.proof_rows import ProofRow
from tui_tuner.language import _
from tui_tuner.models.prompts import Message
from tui_tuner.plain_text import one_line

SYSTEM: Message = {"role": "system", "content": "You are a kind cook. Answer in one sentence."}
QUESTION: Message = {"role": "user", "content": "How long do I boil an egg?"}
ANSWER: Message = {"role": "assistant", "content": "Seven minutes, for one that is just set."}
NEXT: Message = {"role": "user", "content": "And for 12 eggs?"}
ODD: Message = {"role": "user", "content": "2 + 2 = 4, naïve 東京 🎉\n\tand <b>{{ code }}</b>?"}

# By what they are called in a proof.
CONVERSATIONS: Mapping[str, tuple[Message, ...]] = {
    _("a question"): (QUESTION,),
    _("system prompt and question"): (SYSTEM, QUESTION),
    _("several turns"): (QUESTION, ANSWER, NEXT),
    _("system prompt and several turns"): (SYSTEM, QUESTION, ANSWER, NEXT),
    _("unusual characters"): (ODD,),
}
TEXTS = (
    "The quick brown fox, 1234567890 times; don't!",
    "  indented\n\n\nlines\tand tabs ",
    "def f(x):\n    return x**2  # naïve",
    "Grüße aus 東京, Привет, مرحبا, 🎉👩‍🚀",
    "<|im_start|>user</s>[INST]<end_of_turn>",
)


@dataclass(frozen=True)
class Rendered:
    """A conversation as the model gets it.

    Attributes:
        text: with all the words the template puts around it; empty where the template refuses such a conversation.
        tokens: the same as token ids.
        refusal: why it is refused.
    """

    text: str = ""
    tokens: tuple[int, ...] = ()
    refusal: str = ""


@dataclass(frozen=True)
class Reading:
    """What a tokenizer makes of the fixed conversations and texts.

    Attributes:
        conversations: by name; empty where the model has no chat template.
        texts: token ids of each of `TEXTS`.
        ends: ids of the tokens that end an answer.
    """

    conversations: Mapping[str, Rendered]
    texts: tuple[tuple[int, ...], ...]
    ends: frozenset[int]


def read_with(tokenizer: Any, template: str | None = None) -> Reading:
    """Let `tokenizer`, mlx-lm's wrapper, read everything; with another chat template where one is given."""
    extra: dict[str, Any] = {} if template is None else {"chat_template": template}
    has_one = tokenizer.has_chat_template or template is not None
    conversations = {name: render(tokenizer, turns, **extra) for name, turns in CONVERSATIONS.items()}
    texts = tuple(tuple(tokenizer.encode(text)) for text in TEXTS)
    return Reading(conversations if has_one else {}, texts, frozenset(map(int, tokenizer.eos_token_ids)))


def render(tokenizer: Any, turns: Sequence[Message], *, generation: bool = True, **extra: Any) -> Rendered:
    """One conversation, as a rule up to where the model's answer begins."""
    try:
        text, tokens = (
            tokenizer.apply_chat_template(list(turns), add_generation_prompt=generation, tokenize=tokenize, **extra)
            for tokenize in (False, True)
        )
    except Exception as error:  # a template says with an error of its own which conversations it takes
        return Rendered(refusal=one_line(str(error), 200) or type(error).__name__)
    return Rendered(str(text), tuple(map(int, tokens)))


def reading_rows(wanted: Reading, found: Reading, tokenizer: Any) -> Iterator[ProofRow]:
    """What differs between two readings; `tokenizer` puts the tokens into words."""
    yield template_row(_("chat template"), wanted, found, tokenizer)
    pairs = list(zip(wanted.texts, found.texts, strict=True))
    first = next((first_difference(*pair, tokenizer) for pair in pairs if pair[0] != pair[1]), "")
    counted = _("{texts} texts, {tokens} tokens, all the same", texts=len(TEXTS), tokens=sum(map(len, wanted.texts)))
    meaning = _("It would read other words than those it learned: the tokenizer's files are not those of the base.")
    yield ProofRow.of(_("tokenizer"), not first, first or counted, meaning)
    same = wanted.ends == found.ends
    names = [one_line(tokenizer.decode([token]), 30) or str(token) for token in sorted(wanted.ends)]
    others = [one_line(tokenizer.decode([token]), 30) or str(token) for token in sorted(found.ends)]
    finding = ", ".join(names) if same else _("{found} instead of {wanted}", found=others, wanted=names)
    yield ProofRow.of(_("end of turn"), same, finding, _("It would not stop where its answers end."))


def template_row(name: str, wanted: Reading, found: Reading, tokenizer: Any) -> ProofRow:
    """Whether every conversation is rendered alike, token by token."""
    if not wanted.conversations:
        text = _("the base has no chat template")
        if found.conversations:
            return ProofRow(name, "differs", text, _("The fused model has one that the base has not."))
        return ProofRow(name, "unproved", text, _("Programs do not know how to put a question to it."))
    differing = []
    for conversation, rendered in wanted.conversations.items():
        other = found.conversations.get(conversation, Rendered())
        if (rendered.tokens, rendered.text) != (other.tokens, other.text):
            where = first_difference(rendered.tokens, other.tokens, tokenizer) or _("the text around it")
            differing.append(f"{conversation}: {where}")
    tokens = sum(len(rendered.tokens) for rendered in wanted.conversations.values())
    refused = sum(bool(rendered.refusal) for rendered in wanted.conversations.values())
    words = {"number": len(CONVERSATIONS), "tokens": tokens}
    same = _("{number} conversations, {tokens} tokens, all the same", **words)
    if refused:
        same += _("; {number} of them refused by base and fused alike", number=refused)
    meaning = _("It would be asked in another form than it learned.")
    return ProofRow.of(name, not differing, "; ".join(differing) or same, meaning)


def first_difference(wanted: Sequence[int], found: Sequence[int], tokenizer: Any) -> str:
    """Where two lists of token ids first differ, in words; empty where they do not."""
    if tuple(wanted) == tuple(found):
        return ""
    place = next(
        (place for place, (one, other) in enumerate(zip(wanted, found, strict=False)) if one != other),
        min(len(wanted), len(found)),
    )
    one, other = (_token(tokens, place, tokenizer) for tokens in (wanted, found))
    return _("token {place} is {found} instead of {wanted}", place=place + 1, found=other, wanted=one)


def _token(tokens: Sequence[int], place: int, tokenizer: Any) -> str:
    return repr(str(tokenizer.decode([tokens[place]]))) if place < len(tokens) else _("the end")
