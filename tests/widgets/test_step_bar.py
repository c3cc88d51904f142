"""The step bar tells states by shape, fits narrow screens and can be clicked."""

import pytest
from textual.app import App

from tui_tuner.widgets.step_bar import StepBar, StepMark

MARKS = [
    StepMark("environment", 1, "Environment", "done"),
    StepMark("dataset", 2, "Dataset", "running"),
    StepMark("train", 3, "Train", "ready"),
    StepMark("compare", 4, "Compare", "blocked", "Train first: [no] tuned model."),
    StepMark("export", 5, "Export", "failed", "The disk was full."),
    StepMark("chat", 6, "Chat", "done"),
]


class BarApp(App):
    def __init__(self):
        super().__init__()
        self.chosen = []

    def compose(self):
        yield StepBar()

    def on_mount(self):
        self.query_one(StepBar).show(MARKS, "dataset")

    def on_step_bar_chosen(self, event):
        self.chosen.append(event.step)


def line(app):
    return app.query_one(StepBar).render().plain


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (80, " 1 Environment ✓  2 Dataset ●  3 Train ○  4 Compare –  5 Export ✗  6 Chat ✓ "),
        (76, " 1 Environment ✓  2 Dataset ●  3 Train ○  4 Compare –  5 Export ✗  6 Chat ✓ "),
        (75, " 1 ✓  2 Dataset ●  3 ○  4 –  5 ✗  6 ✓ "),
        (40, " 1 ✓  2 Dataset ●  3 ○  4 –  5 ✗  6 ✓ "),
        (30, "1✓2●3○4–5✗6✓"),
    ],
)
async def test_the_longest_form_that_fits(width, text):
    app = BarApp()
    async with app.run_test(size=(width, 5)):
        assert line(app) == text


async def test_the_current_step_stands_out_by_more_than_colour():
    app = BarApp()
    async with app.run_test(size=(80, 5)):
        bar = app.query_one(StepBar)
        bold = [segment.text for strip in bar.render_lines(bar.size.region) for segment in strip if segment.style.bold]
        assert "".join(bold) == " 2 Dataset ● "


@pytest.mark.parametrize(
    ("width", "x", "step"),
    [
        (80, 0, "environment"),
        (80, 16, "environment"),
        (80, 17, "dataset"),
        (80, 75, "chat"),
        (80, 78, None),
        (40, 5, "dataset"),
        (30, 2, "dataset"),
        (30, 11, "chat"),
    ],
)
async def test_a_click_chooses_the_step_under_the_mouse(width, x, step):
    app = BarApp()
    async with app.run_test(size=(width, 5)) as pilot:
        await pilot.click(StepBar, offset=(x, 0))
        assert app.chosen == ([step] if step else [])


async def test_the_tooltip_says_what_blocks_the_step_under_the_mouse():
    app = BarApp()
    async with app.run_test(size=(80, 5)) as pilot:
        bar = app.query_one(StepBar)
        for x, why in ((45, "Train first: [no] tuned model."), (57, "The disk was full."), (2, None)):
            await pilot.hover(StepBar, offset=(x, 0))
            assert (str(bar.tooltip) if bar.tooltip else None) == why


async def test_it_shows_what_it_is_told_last():
    app = BarApp()
    async with app.run_test(size=(80, 5)) as pilot:
        app.query_one(StepBar).show(MARKS[2:], "train")
        await pilot.pause()
        assert line(app).startswith(" 3 Train ○ ")


async def test_wide_characters_count_double():
    app = BarApp()
    async with app.run_test(size=(12, 5)):
        bar = app.query_one(StepBar)
        bar.show([StepMark("train", 3, "训练模型", "ready")], "train")
        assert line(app) == "3○"


def test_picture(snap_compare):
    assert snap_compare(BarApp(), terminal_size=(80, 2))
