"""Two thousand damaged answers of teachers: reading them never fails, and what was whole before the damage is read."""

from __future__ import annotations

import json
import random

import pytest

from tui_tuner.dataset.examples import question_key
from tui_tuner.dataset.reading import clean_question, continued_question, listed_questions

QUESTIONS = [
    "How do I install a theme?",
    'What does "permalink" mean?',
    "Can I change the time zone, and where?",
    "Where is the .htaccess file?",
    "Wie ändere ich mein Passwort?",
    "什么是插件？",
    "Is it okay to use two caches [at once]?",
    "How do I add {shortcodes} to a page?",
    "What's the difference between a post & a page?",
    "Can users log in with their e-mail\taddress?",
]
FORMS = {
    "array": json.dumps(QUESTIONS, ensure_ascii=False),
    "escaped": json.dumps(QUESTIONS),
    "lines": json.dumps(QUESTIONS, ensure_ascii=False, indent=2),
    "fenced": f"Sure, here you go:\n\n```json\n{json.dumps(QUESTIONS, ensure_ascii=False, indent=2)}\n```\nGood luck!",
    "object": json.dumps({"topic": "sites", "questions": QUESTIONS}, ensure_ascii=False),
    "objects": json.dumps([{"question": text, "level": "all"} for text in QUESTIONS], ensure_ascii=False),
    "numbered": "\n".join(f"{number}. {text}" for number, text in enumerate(QUESTIONS, start=1)),
    "bullets": "Of course!\n" + "\n".join(f"* **{text}**" for text in QUESTIONS),
}
JUNK = ("\x00", "\x1b[2J", "\ud800", '"', "'", "[", "]", "{", "}", ",", ":", "\\", "\n", "```", "null", "\u202e", "é")


def damaged(text: str, chance: random.Random) -> str:
    for _time in range(chance.randint(1, 6)):
        place = chance.randrange(len(text) + 1)
        until = min(len(text), place + chance.randint(1, 12))
        text = chance.choice(
            [
                text[:place],
                text[place:],
                text[:place] + text[until:],
                text[:place] + chance.choice(JUNK) + text[place:],
                text[:place] + text[place:until] * 2 + text[until:],
                text[:place] + chance.choice(JUNK) * 500 + text[until:],
            ]
        )
    return text


@pytest.mark.parametrize("form", FORMS)
def test_a_damaged_list_gives_questions_or_nothing(form):
    chance = random.Random(form)
    for _number in range(250):
        text = damaged(FORMS[form], chance)
        for question in listed_questions(text):
            assert clean_question(question) == question != ""
            assert question.isprintable()
            question.encode()
        continued_question(text, "How do I")


@pytest.mark.parametrize("form", FORMS)
def test_of_a_list_cut_off_anywhere_the_whole_questions_are_read(form):
    text = FORMS[form]
    for end in range(len(text) + 1):
        found = {question_key(question) for question in listed_questions(text[:end])}
        for question in QUESTIONS:
            place = text.find(json.dumps(question)[1:-1] if form == "escaped" else _within(question, text))
            whole = place + len(json.dumps(question)) + 1
            if place >= 0 and whole <= end:
                assert question_key(question) in found, (end, question, text[:end][-80:])


def _within(question: str, text: str) -> str:
    return next(way for way in (question, json.dumps(question, ensure_ascii=False)[1:-1]) if way in text)
