"""What the model will learn from, on the screen: figures, and any example token by token."""

import json

import pytest
import tiny_project
from textual.widgets import Static

from tui_tuner.app import TunerApp
from tui_tuner.dataset.make import make_dataset
from tui_tuner.dataset.plan import plan_dataset
from tui_tuner.files import write_json_lines
from tui_tuner.progress import StopToken, ignore_event
from tui_tuner.screens.help import HelpScreen
from tui_tuner.screens.learning import LearningScreen
from tui_tuner.settings import Settings


def row(*turns):
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[place % 2], "content": text} for place, text in enumerate(turns)]}


ROWS = [
    row("[bold]one[/] \x1b[31m", "first answer", "two", "second\nanswer"),
    row("q" * 40, "a" * 300),
    row("nobody answers"),
    row("q" * 900, "short"),
    row("q", "b" * 250),
]


@pytest.fixture
def project(tmp_path):
    project = tiny_project.make(tmp_path).with_settings("training", {"max_seq_length": "200"})
    (project.data / "train.jsonl").write_text("".join(json.dumps(one) + "\n" for one in ROWS))
    return project


async def settled(app, pilot):
    await app.workers.wait_for_complete()
    await pilot.pause()


async def opened(app, pilot):
    await pilot.press("l")
    await settled(app, pilot)
    assert isinstance(app.screen, LearningScreen)
    return app.screen


def text(screen, name):
    return str(screen.query_one(name, Static).render())


def segments(screen, kind):
    return [str(one.render()) for one in screen.query(f".{kind} .text").results(Static)]


async def test_an_example_is_shown_turn_by_turn_with_what_is_learned(project):
    app = TunerApp(project, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            screen = await opened(app, pilot)
            assert "example 1 of 5" in text(screen, "#heading")
            assert segments(screen, "learned") == ["first answer<|im_end|>↵", "second↵\nanswer<|im_end|>↵"]
            read = segments(screen, "read")
            assert read[0] == "<|im_start|>user↵\n[bold]one[/] [31m<|im_end|>↵\n<|im_start|>assistant↵"
            styles = [
                [str(span.style) for span in one.render().spans]
                for one in screen.query(".learned .text").results(Static)
            ]
            assert all("underline" in style for spans in styles for style in spans)  # not by colour alone
    finally:
        app.close()


async def test_totals_tables_and_the_way_to_the_longest_the_cut_and_the_refused(project):
    app = TunerApp(project, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            screen = await opened(app, pilot)
            assert "train.jsonl: 3 examples" in text(screen, "#totals")
            assert "2 cut at 200 tokens" in text(screen, "#totals")
            assert "2 not trained on" in text(screen, "#totals")
            assert "▸     200      2       2" in text(screen, "#lengths")
            assert "█" in text(screen, "#histogram")
            for key, number in (
                ("l", 4),
                ("l", 2),
                ("c", 5),
                ("c", 2),
                ("r", 3),
                ("r", 4),
                ("n", 5),
                ("n", 1),
                ("p", 5),
            ):
                await pilot.press(key)
                await settled(app, pilot)
                assert f"example {number} of 5" in text(screen, "#heading"), key
            await pilot.press("r")
            await settled(app, pilot)
            assert "no answer" in text(screen, "#heading")
            assert "nobody answers" in str(screen.query("#tokens > Static").first(Static).render())
            await pilot.press("c")
            await settled(app, pilot)
            assert segments(screen, "cut")
            await pilot.press("t")
            await settled(app, pilot)
            assert "valid.jsonl: 2 examples" in text(screen, "#totals")
            await pilot.press("c")
            assert "example 1 of 2" in text(screen, "#heading")
            await pilot.press("f")
            assert not screen.query_one("#figures").display
            await pilot.press("question_mark")
            await pilot.pause()
            assert isinstance(app.screen, HelpScreen)
            await pilot.press("escape", "right")
            await settled(app, pilot)
            assert "example 2 of 2" in text(screen, "#heading")
            await pilot.press("escape")
            await pilot.pause()
            assert not isinstance(app.screen, LearningScreen)
    finally:
        app.close()


@pytest.mark.parametrize("missing", ["train.jsonl", "model"])
async def test_where_something_is_missing_it_says_what_to_do(project, missing):
    if missing == "model":
        (project.folder.parent / "model" / "config.json").unlink()
    else:
        (project.data / missing).unlink()
    app = TunerApp(project, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            screen = await opened(app, pilot)
            assert "tuner" in text(screen, "#totals")
            await pilot.press("l", "c", "n", "t")  # and nothing falls over
    finally:
        app.close()


@pytest.mark.parametrize("files", [True, False])
async def test_the_review_shows_its_example_also_where_no_training_file_has_it(project, files):
    write_json_lines(project.data / "imported.jsonl", [ROWS[1], row("not in any file", "never learned")])
    if not files:
        (project.data / "train.jsonl").unlink()
    app = TunerApp(project, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("v")
            await settled(app, pilot)
            screen = await opened(app, pilot)
            assert ("example 2 of 5" if files else "in no training file now") in text(screen, "#heading")
            await pilot.press("escape", "down")
            screen = await opened(app, pilot)
            assert "in no training file now" in text(screen, "#heading")
            assert segments(screen, "learned") == ["never learned<|im_end|>↵"]
            await pilot.press("n")
            await settled(app, pilot)
            assert ("example 1 of 5" if files else "in valid.jsonl") in text(screen, "#heading")
    finally:
        app.close()


@pytest.mark.parametrize("form", ["completions", "guide"])
async def test_the_review_finds_its_example_in_every_format(project, form):
    project = project.with_settings("dataset", {"format": form})
    brought = [row(f"{n} apples?", f"Yes, {n} é.") for n in range(8)]
    write_json_lines(project.data / "imported.jsonl", brought)
    (project.data / "instructions.json").unlink()
    topicless = project.with_settings("dataset", {"topic": ""})
    make_dataset(plan_dataset(topicless), None, emit=ignore_event, stop=StopToken())
    app = TunerApp(topicless, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("v")
            await settled(app, pilot)
            screen = await opened(app, pilot)
            assert "in train.jsonl" in text(screen, "#heading") or "in valid.jsonl" in text(screen, "#heading")
            assert "0 apples?" in "".join((*segments(screen, "read"), *segments(screen, "learned")))
    finally:
        app.close()
