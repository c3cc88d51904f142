"""What the Compare step looks like in its main states, kept as pictures."""

from __future__ import annotations

import random

import pytest
import tiny_project

from tui_tuner.app import TunerApp
from tui_tuner.evaluation.comparisons import Answer, answer_row, loss_row
from tui_tuner.evaluation.events import AnswerEnded, AnswerStarted, AnswerText, ComparisonBegun
from tui_tuner.evaluation.kept_comparisons import read_comparison
from tui_tuner.evaluation.losses import Loss
from tui_tuner.evaluation.opinions import Opinion
from tui_tuner.journal import Journal
from tui_tuner.screens.comparison_view import ComparisonView
from tui_tuner.screens.voting import Voting
from tui_tuner.settings import Settings

COLUMNS = {"base": {"label": "base"}, "tuned": {"label": "tuned run-1", "run": "run-1"}}
ASKED = [("How do I boil an egg?", "eight minutes"), ("What is a permalink?", "")]
BASE = [
    "Boiling an egg is easy. Put it into water and wait until it is done to your liking.",
    "A permalink is the address of a page. [b]It[/b] stays the same for as long as the page is there.",
]
TUNED = ["In short: eight minutes in water that boils.", "In short: a page's address that stays the same."]


@pytest.fixture
def project(tmp_path):
    made = tiny_project.make(tmp_path)
    with Journal(made.comparisons / "2026-01-01_10-00-00.jsonl") as journal:
        prompts = [{"text": text, "expected": expected} for text, expected in ASKED]
        journal.append({"format": 2, "columns": COLUMNS, "prompts": prompts, "losses": list(COLUMNS)})
        for place, texts in enumerate(zip(BASE, TUNED, strict=True)):
            for column, text, seconds in zip(COLUMNS, texts, (2.5, 1.25), strict=True):
                finish = "length" if place and column == "base" else "stop"
                answer = Answer(text, len(text.split()), 31.0, seconds, finish)
                journal.append(answer_row(place, column, answer))
        for column, loss in (("base", 3.0), ("tuned", 2.0)):
            rows = {line: (loss + line / 50, 10) for line in range(1, 9)}
            journal.append(loss_row(column, Loss("test.jsonl", rows)))
        for order in (0, 1):
            journal.append(Opinion(0, "tuned", "column", order, "judge").as_row())
            journal.append(Opinion(1, "tuned", "column" if order else "first", order, "judge").as_row())
    (made.comparisons / "2026-01-01_09-00-00.jsonl").write_text("damaged\n")
    return made


def picture(snap_compare, project, size, before=None):
    app = TunerApp(project, Settings(last_step="compare"))

    async def run_before(pilot):
        await pilot.pause()
        if before is not None:
            await before(pilot)
            await pilot.pause()

    try:
        assert snap_compare(app, terminal_size=size, run_before=run_before)
    finally:
        app.close()


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 12)])
def test_one_that_is_kept(snap_compare, project, size):
    picture(snap_compare, project, size)


def test_before_the_first(snap_compare, project):
    for path in project.comparisons.iterdir():
        path.unlink()
    picture(snap_compare, project, (80, 24))


def test_while_answers_come(snap_compare, project):
    async def half_way(pilot):
        view = ComparisonView()
        texts, expected = zip(*ASKED, strict=True)
        labels = tuple(str(facts["label"]) for facts in COLUMNS.values())
        view.apply(ComparisonBegun(tuple(COLUMNS), labels, texts, expected))
        view.apply(AnswerStarted(0, 2, texts[0], "base"))
        view.apply(AnswerEnded(0, "base", BASE[0], 17, 31.0, 0.5, "stop"))
        view.apply(AnswerStarted(0, 2, texts[0], "tuned"))
        view.apply(AnswerText(0, "tuned", "In short: eight"))
        pilot.app.screen._view = view
        pilot.app.screen.show()

    picture(snap_compare, project, (80, 24), half_way)


def test_the_settings(snap_compare, project):
    async def to_settings(pilot):
        await pilot.press("e", "tab")

    picture(snap_compare, project, (80, 24), to_settings)


def test_the_earlier_ones(snap_compare, project):
    async def to_list(pilot):
        await pilot.press("o")

    picture(snap_compare, project, (80, 24), to_list)


def test_a_blind_vote(snap_compare, project):
    async def to_vote(pilot):
        kept = read_comparison(project.comparisons / "2026-01-01_10-00-00.jsonl")
        await pilot.app.push_screen(Voting(kept, random.Random(3)))

    picture(snap_compare, project, (80, 24), to_vote)
