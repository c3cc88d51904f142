"""Conversations that are written into one text, the turns told apart by marks: `[INST]`, ChatML and their relatives."""

from __future__ import annotations

import re

from tui_tuner.importing.rows import RowProblem
from tui_tuner.importing.turns import ROLE_OF
from tui_tuner.language import _
from tui_tuner.models.prompts import Message

_INST = re.compile(r"\[INST\](.*?)(?:\[/INST\](.*?))?(?=\[INST\]|\Z)", re.DOTALL)
_SYSTEM = re.compile(r"\s*<<SYS>>(.*?)<</SYS>>", re.DOTALL)
_CHATML = re.compile(r"<\|im_start\|>\s*(\w+)[ \t]*\n(.*?)(?=<\|im_end\|>|<\|im_start\|>|\Z)", re.DOTALL)
_LLAMA = re.compile(
    r"<\|start_header_id\|>\s*(\w+)\s*<\|end_header_id\|>(.*?)(?=<\|eot_id\|>|<\|start_header_id\|>|\Z)", re.DOTALL
)
_HEADINGS = re.compile(
    r"^###\s*(instruction|input|response|human|user|assistant|system)\s*:?[ \t]*\n?"
    r"(.*?)(?=^###\s*(?:instruction|input|response|human|user|assistant|system)\b|\Z)",
    re.DOTALL | re.IGNORECASE | re.MULTILINE,
)
_SPEAKERS = re.compile(
    r"^(human|user|assistant)[ \t]*:(.*?)(?=^(?:human|user|assistant)[ \t]*:|\Z)",
    re.DOTALL | re.IGNORECASE | re.MULTILINE,
)
_LEFT_OVER = re.compile(r"<s>|</s>|<\|(?:eot_id|end_of_text|endoftext|begin_of_text)\|>")


def is_tagged(text: str) -> bool:
    """Whether marks of turns are in `text`."""
    if "[INST]" in text or "<|im_start|>" in text or "<|start_header_id|>" in text:
        return True
    return len({match.group(1).casefold() for match in (_HEADINGS if "###" in text else _SPEAKERS).finditer(text)}) > 1


def read_tagged_text(text: str) -> list[Message]:
    """The turns of a text with marks.

    Raises:
        RowProblem: it has no marks, or marks of a role nobody knows.
    """
    if "[INST]" in text:
        return _read_inst(text)
    for sign, marks in (("<|im_start|>", _CHATML), ("<|start_header_id|>", _LLAMA), ("###", _HEADINGS)):
        if sign in text and (turns := _read_marked(text, marks)):
            return turns
    if turns := _read_marked(text, _SPEAKERS):
        return turns
    if not text.strip():
        raise RowProblem(_("empty"))
    raise RowProblem(_("plain text without turns"))


def _read_inst(text: str) -> list[Message]:
    turns: list[Message] = []
    for match in _INST.finditer(text):
        question, answer = match.group(1), match.group(2) or ""
        if system := _SYSTEM.match(question):
            turns.append(Message(role="system", content=system.group(1).strip()))
            question = question[system.end() :]
        turns.append(Message(role="user", content=_clean(question)))
        if answer := _clean(answer):
            turns.append(Message(role="assistant", content=answer))
    return turns


def _read_marked(text: str, marks: re.Pattern[str]) -> list[Message]:
    turns: list[Message] = []
    for match in marks.finditer(text):
        name, content = match.group(1).casefold(), _clean(match.group(2))
        if name == "input":  # Alpaca's: what the instruction is about
            if content and turns:
                turns[-1] = Message(role=turns[-1]["role"], content=f"{turns[-1]['content']}\n\n{content}")
            continue
        role = ROLE_OF.get(name)
        if role is None:
            raise RowProblem(_("a turn's role is neither system nor user nor assistant"), repr(name))
        turns.append(Message(role=role, content=content))
    return turns


def _clean(text: str) -> str:
    return _LEFT_OVER.sub("", text).strip()
