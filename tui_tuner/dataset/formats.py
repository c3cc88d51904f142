"""How an example is written into the training files: the four forms that mlx-lm and the guide know.

`messages` and `completions` leave it to the model's chat template at training how a conversation looks, and training
knows which part is an answer. `text` and `guide` are finished texts without such marks: all of them is learned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tui_tuner.dataset.examples import Example
from tui_tuner.dataset.plan import DatasetPlan
from tui_tuner.errors import DatasetError, ModelError
from tui_tuner.language import _, ngettext
from tui_tuner.models.base_model import find_tokenizer_folder
from tui_tuner.models.loading import load_tokenizer
from tui_tuner.models.prompts import Message
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, Notice

Row = dict[str, Any]
Write = Callable[[Example], Row]


class UnwritableExample(Exception):
    """An example that has no such form; the text says why."""


def open_format(plan: DatasetPlan) -> Write:
    """What writes one example in the chosen form. Of the base model only the tokenizer is read, and only for `text`.

    Raises:
        DatasetError: `text` needs the chat template of a base model that is not on this machine, or has none.
    """
    forms: dict[str, Callable[[], Write]] = {
        "messages": lambda: Example.as_row,
        "completions": lambda: as_completion,
        "guide": lambda: as_guide_line,
        "text": lambda: InTemplate(_tokenizer(plan)),
    }
    return forms[plan.choice.format]()


def rows(examples: Iterable[Example], write: Write, emit: Emit) -> list[Row]:
    """The rows of a training file. What cannot be written is left out, and that is said."""
    written: list[Row] = []
    refused: list[str] = []
    for example in examples:
        try:
            written.append(write(example))
        except UnwritableExample as why:
            refused.append(str(why))
    if refused:
        text = ngettext(
            "{number} example is left out: {reason}",
            "{number} examples are left out: {reason}",
            len(refused),
            reason=refused[0],
        )
        emit(Notice(text, "warning"))
    return written


def say_what_is_lost(plan: DatasetPlan, examples: Iterable[Example], emit: Emit) -> None:
    """Say what the chosen form leaves out of `examples`."""
    if plan.choice.format != "completions":
        return
    lost = []
    if plan.choice.turns > 1:
        lost.append(_("no follow-ups are written or learned"))
    if number := sum(example.turns > 1 for example in examples):
        lost.append(_("of {number:,} longer conversations only the first question and answer are", number=number))
    if lost:
        what = "; ".join(lost)
        text = _(
            "A line of prompt and completion holds one question: {what}. The format messages holds all.", what=what
        )
        emit(Notice(text, "warning"))


def as_completion(example: Example) -> Row:
    """Prompt and completion as mlx-lm reads them: what the system was told and the first question, and its answer."""
    turns = _system_told_by_user(example.messages)
    return {"prompt": turns[0]["content"], "completion": turns[1]["content"]}


def as_guide_line(example: Example) -> Row:
    """The guide's line for Mistral, but with an answer at its end."""
    turns = _system_told_by_user(example.messages)
    exchanges = zip(turns[::2], turns[1::2], strict=True)
    said = (f"[INST] {asked['content']}[/INST] {answer['content']}</s>" for asked, answer in exchanges)
    return {"text": "<s>" + "".join(said)}


def _system_told_by_user(messages: Sequence[Message]) -> list[Message]:
    """Questions and answers in turn; what the system was told stands before the first question."""
    told = [message["content"] for message in messages if message["role"] == "system"]
    turns = [message for message in messages if message["role"] != "system"]
    roles = [turn["role"] for turn in turns]
    if roles != ["user", "assistant"] * (len(turns) // 2):
        raise UnwritableExample(_("questions and answers do not take turns"))
    return [Message(role="user", content="\n\n".join((*told, turns[0]["content"]))), *turns[1:]]


class InTemplate:
    """Writes an example as one text, in the model's own chat template.

    Tokenized as mlx-lm does with a text, it gives the same tokens as the conversation would: a beginning that the
    tokenizer adds by itself is not in the text, nor what comes after the last end mark.

    Args:
        tokenizer: mlx-lm's wrapper, with a chat template.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._beginning = getattr(tokenizer, "bos_token", None) or ""
        self._adds_beginning = bool(self._beginning) and list(tokenizer.encode(""))[:1] == [tokenizer.bos_token_id]
        self._end = getattr(tokenizer, "eos_token", None) or ""

    def __call__(self, example: Example) -> Row:
        """The row; raises `UnwritableExample` where the template refuses it."""
        messages = [dict(message) for message in example.messages]
        try:
            text = str(self._tokenizer.apply_chat_template(messages, tokenize=False))
        except Exception as error:  # a template is a program and may raise anything
            reason = one_line(str(error), 120)
            raise UnwritableExample(_("the model's chat template refuses it: {reason}", reason=reason)) from error
        if self._adds_beginning and text.startswith(self._beginning):
            text = text[len(self._beginning) :]
        if self._end and text.rstrip().endswith(self._end):
            text = text.rstrip()
        return {"text": text}


def _tokenizer(plan: DatasetPlan) -> Any:
    name = plan.base_model.name if plan.base_model else ""
    folder = find_tokenizer_folder(plan.base_model) if plan.base_model and name else None
    advice = _("Fetch it with: tuner check --fix base_model, or choose the format messages, which needs no template.")
    if plan.base_model is None or folder is None:
        what = _("the format text needs the chat template of {name}, which is not on this machine", name=name)
        raise DatasetError(what, advice=advice)
    try:
        tokenizer = load_tokenizer(folder, trust_remote_code=plan.base_model.trust_remote_code)
    except ModelError as error:
        raise DatasetError(error.what, where=error.where, advice=error.advice or advice) from error
    if not getattr(tokenizer, "has_chat_template", False):
        what = _("the format text needs a chat template, and {name} has none", name=name)
        raise DatasetError(what, advice=_("Choose the format messages, or an instruction-tuned model."))
    return tokenizer
