"""Questions out of whatever a teacher says: a JSON list asked for, or one question begun for it.

Models wrap a list in prose or fences, put it into an object, number it instead, or are cut off in the middle of it.
What can be read of it is read; what cannot is nobody's question.
"""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

from tui_tuner.dataset.examples import question_key, well_formed
from tui_tuner.plain_text import one_line

SHORTEST, LONGEST = 2, 400  # words, characters
_END = re.compile(r"[?？]")
_SENTENCE_END = re.compile(r"[.!](?=\s|$)|[。！]")
_MARKS = re.compile(r"^(?:(?:[-*•–]|[(\[]?\d{1,4}[.):\]]|Q\d*[:.]|Question\s*\d*:)\s+)+", re.IGNORECASE)
# What models put before a question they propose: "Follow-up question:", "Sure! A likely follow-up request could be:".
_LABEL = re.compile(
    r"^(?!(?:wh\w+|how|can|could|do|does|is|are|should)\b)"  # a question may have a colon of its own
    r"[^?:\"“]{0,60}?\b(?:question|request|follow[- ]up)\b[^?:\"“]{0,40}:\s*",
    re.IGNORECASE,
)
_QUOTED_FIRST = re.compile(r"[\"“„«]([^\"“”„«»]{3,}[.!?。！？])[\"”»](?!\w)")
_QUESTION_AND_REMARK = re.compile(r"([^\"“”„«»]*[?？])[\"”»]\s+\S")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_SINGLE_QUOTED = re.compile(r"'(.+?)'(?=\s*(?:[,\]]|$))", re.MULTILINE)
_MOST_STARTS = 20  # brackets tried as the start of the list
_QUOTES = "\"'`“”„«»‘’*_ \t,"


def listed_questions(text: str) -> list[str]:
    """Every question in a teacher's list, in its order, cleaned; none where there is no list at all."""
    return [question for item in listed_items(text) if (question := clean_question(item))]


def listed_items(text: str) -> list[str]:
    """Everything in a teacher's list as it is there, also what is no question."""
    body = _without_fences(text)
    found = _from_json(body)
    if found is None:
        found = _from_cut_json(body)
    return _from_lines(body) if found is None else found


def continued_question(text: str, beginning: str) -> str:
    """The one question in a text that a teacher continued from `beginning`; empty where it is not one.

    It ends at the first question mark, or else with the first line, if that is a single sentence.
    """
    line = text.lstrip().split("\n", 1)[0].strip()
    mark = _END.search(line)
    if mark:
        line = line[: mark.end()]
    elif len(_SENTENCE_END.findall(line)) != 1 or not _SENTENCE_END.search(line[-1:]):
        return ""
    question = clean_question(line)
    return question if question_key(question) != question_key(beginning) else ""


def follow_up_question(text: str) -> str:
    """The one question or request in what a teacher proposes; empty where there is none.

    A list gives its first one. Remarks before it end with a colon or stand on lines of their own: of several lines the
    first with a question mark is meant.
    """
    body = _without_fences(text).strip()
    if body.startswith(("[", "{")):
        return next(iter(listed_questions(body)), "")
    lines = [question for line in body.splitlines() if (question := clean_question(_proposed(line.strip())))]
    asking = [line for line in lines if _END.search(line)]
    if asking:
        return asking[0]
    return lines[0] if len(lines) == 1 else ""


def _proposed(line: str) -> str:
    """What `line` proposes, without the words around it: weak models explain their question in the same breath."""
    said, labels = _LABEL.subn("", line, count=1)
    if quoted := _QUOTED_FIRST.match(said):
        return quoted.group(1)
    if ended := _QUESTION_AND_REMARK.match(said):
        return ended.group(1)
    end = _END.search(said) if labels else None
    return said[: end.end()] if end else said


def clean_question(text: str) -> str:
    """`text` on one line without list marks, quotes and spaces around it; empty where that is no question at all."""
    line = one_line(well_formed(text))
    line = _MARKS.sub("", line.strip(_QUOTES)).strip(_QUOTES)
    words = question_key(line).split()
    spaced = len(words) >= SHORTEST or (len(words) == 1 and not words[0].isascii() and len(words[0]) > SHORTEST)
    return line if spaced and len(line) <= LONGEST and any(letter.isalpha() for letter in line) else ""


def _without_fences(text: str) -> str:
    fenced = re.search(r"```[a-zA-Z]*\s*\n(.*?)(?:```|\Z)", text, re.DOTALL)
    return fenced.group(1) if fenced else text


def _from_json(text: str) -> list[str] | None:
    """The texts of the first list in `text` that is whole JSON: alone, in an object, or amid prose."""
    decoder = json.JSONDecoder()
    for match in itertools.islice(re.finditer(r"[\[{]", text), _MOST_STARTS):
        try:
            value, _end = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            if re.match(r"\[\s*[{\"]", text[match.start() :]):
                return None  # this is the list, broken: a whole object inside it would be only a part
            continue
        if texts := _texts(value):
            return texts
    return None


def _texts(value: Any, depth: int = 0) -> list[str]:
    """The questions inside `value`: texts of a list, or of its objects, or the first list an object holds."""
    if isinstance(value, list):
        return [text for item in value if (text := _text(item))]
    if isinstance(value, dict) and depth < 4:
        inner = next((texts for item in value.values() if (texts := _texts(item, depth + 1))), [])
        return inner or [item for item in value.values() if isinstance(item, str) and _END.search(item)]
    return []


def _text(item: Any) -> str:
    if isinstance(item, str):
        return item
    if isinstance(item, dict):
        named = next((item[key] for key in ("question", "instruction", "text", "prompt") if key in item), None)
        chosen = named if named is not None else next(iter(item.values()), "")
        return chosen if isinstance(chosen, str) else ""
    return _text(item[0]) if isinstance(item, list) and item else ""


def _from_cut_json(text: str) -> list[str] | None:
    """The whole texts of a list that breaks off, or that is not quite JSON; None where none is begun."""
    start = text.find("[")
    if start < 0:
        return None
    found, keys = [], False
    for match in _STRING.finditer(text, start):
        if re.match(r"\s*:", text[match.end() : match.end() + 20]):
            keys = True
            continue
        try:
            found.append(str(json.loads(match.group(0))))
        except ValueError:
            found.append(match.group(1))
    if keys:  # among other values of objects only the question mark tells a question
        found = [item for item in found if _END.search(item)]
    return found or [match.group(1) for match in _SINGLE_QUOTED.finditer(text, start)] or None


def _from_lines(text: str) -> list[str]:
    """Lines that are list items or end as questions do; a model's remarks around them are neither."""
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if _MARKS.match(line) or _END.search(line.rstrip(_QUOTES)[-1:])]
