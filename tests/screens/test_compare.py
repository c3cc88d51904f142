"""The Compare step through its keys, on comparisons that are kept."""

from __future__ import annotations

import pytest
import tiny_project
from textual.widgets import OptionList, Static

from tui_tuner.app import TunerApp
from tui_tuner.evaluation.comparisons import Answer, answer_row
from tui_tuner.files import Journal
from tui_tuner.screens.compared_prompt import ComparedPrompt
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
