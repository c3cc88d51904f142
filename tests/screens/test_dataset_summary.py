"""The line of counts in the Dataset step."""

import tiny_project
from textual.widgets import Static

from tui_tuner.app import TunerApp
from tui_tuner.dataset.made_of import BROUGHT, WRITTEN, noted
from tui_tuner.files import write_json, write_json_lines
from tui_tuner.settings import Settings


async def summary(project):
    app = TunerApp(project, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            return str(app.screen.query_one("#summary", Static).render())
    finally:
        app.close()


async def test_it_says_when_the_training_files_are_of_other_examples(tmp_path):
    project = tiny_project.make(tmp_path)
    write_json(project.data / "instructions.json", [])
    rows = [{"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]}]
    write_json_lines(project.data / "imported.jsonl", rows)
    report = {"settings": {"turns": 1, "format": "messages"}, "made_of": noted(project.data, (*BROUGHT, *WRITTEN))}
    write_json(project.data / "report.json", report)
    assert "up to date" not in await summary(project)
    rows[0]["messages"][1]["content"] = "No."
    write_json_lines(project.data / "imported.jsonl", rows)
    assert "not up to date: g" in await summary(project)
