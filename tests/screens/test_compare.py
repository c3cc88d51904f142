"""The Compare step through its keys, on comparisons that are kept."""

from __future__ import annotations

import random

import pytest
import tiny_project
from textual.widgets import OptionList, Static

from tui_tuner.app import TunerApp
from tui_tuner.evaluation.comparisons import Answer, answer_row
from tui_tuner.evaluation.kept_comparisons import read_comparison
from tui_tuner.journal import Journal
from tui_tuner.screens.compared_prompt import ComparedPrompt
from tui_tuner.screens.compared_prompts import MOST
from tui_tuner.screens.voting import Voting, open_pairs
from tui_tuner.settings import Settings

COLUMNS = {"base": {"label": "base"}, "tuned": {"label": "tuned run-1", "run": "run-1"}, "fused": {"label": "fused"}}


def keep(project, name, question):
    with Journal(project.comparisons / f"{name}.jsonl") as journal:
        journal.append({"format": 2, "columns": COLUMNS, "prompts": [{"text": question, "expected": "one"}]})
        for column, text in zip(COLUMNS, ("two it is", "one it is", "one it is"), strict=True):
            journal.append(answer_row(0, column, Answer(text, 3, 9.0, 0.4, "stop")))


@pytest.fixture
def project(tmp_path):
    made = tiny_project.make(tmp_path)
    keep(made, "2026-01-01_10-00-00", "older?")
    keep(made, "2026-01-01_11-00-00", "newer?")
    return made


def said(app):
    return "\n".join(str(part.content) for part in app.screen.query(Static))


async def test_a_blind_vote_is_kept_at_once_and_named_at_the_end(project):
    path = project.comparisons / "2026-01-01_11-00-00.jsonl"
    app = TunerApp(project, Settings(last_step="compare"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            await pilot.press("v")
            await pilot.pause()
            for number in (1, 2):
                text = said(app)
                assert "two it is" in text and "one it is" in text and f"{number} of 2" in text
                assert not any(name in text for name in ("base", "tuned", "fused"))
                left = str(app.screen.query_one("#left Static", Static).content)
                await pilot.press("right" if left.startswith("two") else "left")  # the base is never the better one
                await pilot.pause()
                assert len(read_comparison(path).votes) == number
            assert "tuned run-1 against base: 1 better, 0 worse, 0 even" in said(app)
            await pilot.press("u", "0")
            await pilot.pause()
            await pilot.press("escape")
            await pilot.pause()
            assert "your votes: 1 won" in said(app) and "your votes: 0 won, 0 lost, 1 even" in said(app)
            await pilot.press("v")
            await pilot.pause()
            assert "voted on all of them before" in said(app)
    finally:
        app.close()
    assert sorted(vote.says for vote in read_comparison(path).votes.values()) == ["column", "even"]


def test_the_sides_are_shuffled_and_the_same_answers_are_not_asked_about(project):
    kept = read_comparison(project.comparisons / "2026-01-01_11-00-00.jsonl")
    assert open_pairs(kept) == [(0, "tuned"), (0, "fused")]
    turned = {side for seed in range(9) for side in Voting(kept, random.Random(seed))._turned}
    assert turned == {True, False}
    kept.answers[0, "fused"] = kept.answers[0, "base"]
    assert open_pairs(kept) == [(0, "tuned")]


@pytest.mark.parametrize(("size", "beside"), [((80, 24), 2), ((120, 40), 3), ((40, 12), 1)])
async def test_an_earlier_one_is_opened_and_written_down(project, size, beside):
    app = TunerApp(project, Settings(last_step="compare"))
    try:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            assert "newer?" in said(app) and "fused against base: cannot tell" in said(app)
            cells = list(app.screen.query_one(ComparedPrompt).query(".answer"))
            assert [cell.region.y == cells[0].region.y for cell in cells].count(True) == beside
            await pilot.press("o")
            await pilot.pause()
            assert app.screen.query_one(OptionList).option_count == 2
            await pilot.press("down", "x", "m", "enter")
            await pilot.pause()
            await pilot.pause()
            assert "older?" in said(app) and "newer?" not in said(app)
    finally:
        app.close()
    for ending in ("md", "html"):
        assert "older?" in (project.folder / "exports" / f"comparison-2026-01-01_10-00-00.{ending}").read_text()


async def test_of_many_questions_a_part_is_shown(project):
    count = 2_000
    with Journal(project.comparisons / "2026-02-01_10-00-00.jsonl") as journal:
        prompts = [{"text": f"what is {n}?", "expected": ""} for n in range(count)]
        journal.append({"format": 2, "columns": COLUMNS, "prompts": prompts})
        for place in range(count):
            answer = Answer(f"it is {place}", 3, 9.0, 0.4, "stop")
            journal.append(answer_row(place, "base", answer), flush_to_disk=False)
    app = TunerApp(project, Settings(last_step="compare"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            assert len(app.screen.query(ComparedPrompt)) == MOST
            assert f"questions 1 to {MOST} of 2,000" in said(app) and "what is 0?" in said(app)
            await pilot.press("left", "right")
            app.screen.query_one("#answers").focus()  # as after a start
            await pilot.press("right")
            await pilot.pause()
            assert f"what is {2 * MOST}?" in said(app) and f"what is {2 * MOST - 1}?" not in said(app)
            await pilot.press("left")
            await pilot.pause()
            assert f"questions {MOST + 1} to {2 * MOST} of" in said(app)
            await pilot.press("o", "down", "enter")
            await pilot.pause()
            await pilot.pause()
            assert "newer?" in said(app) and "shows others" not in said(app)
    finally:
        app.close()


async def test_garbage_in_the_folder_hides_no_other_comparison(project):
    (project.comparisons / "2027-01-01_00-00-00.jsonl").write_bytes(b"\x00\xff[b]garbage[/b]\n")
    app = TunerApp(project, Settings(last_step="compare"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            assert "newer?" in said(app)
            await pilot.press("o")
            await pilot.pause()
            rows = [str(option.prompt) for option in app.screen.query_one(OptionList).options]
            assert len(rows) == 3 and "2027-01-01_00-00-00.jsonl: this is no comparison" in rows[-1]
    finally:
        app.close()
