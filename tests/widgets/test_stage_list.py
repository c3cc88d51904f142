"""Rows of a job: aligned, every number with its unit, nothing invented where a number is not known."""

import pytest
from rich.cells import cell_len
from textual.app import App

from tui_tuner.progress import StageProgress
from tui_tuner.widgets.stage_list import StageList

EVENTS = [
    StageProgress("Instructions", 1200, 1200, "questions", 0.5, 0.0, ended=True),
    StageProgress("Answers", 548, 1200, "answers", 5.8 / 60, 6730),
    StageProgress("Follow-ups", 0, 1200, "answers"),
    StageProgress("Download", 531, None, "MB", 12.1),
]


class StageApp(App):
    def compose(self):
        yield StageList()


def lines(app):
    return app.query_one(StageList).render().plain.split("\n")


async def test_rows_at_80_columns():
    app = StageApp()
    async with app.run_test(size=(80, 10)) as pilot:
        stages = app.query_one(StageList)
        for event in EVENTS:
            stages.apply(event)
        await pilot.pause()
        assert lines(app) == [
            " Instructions ━━━━━━━━━━━━━━━━━  1,200/1,200 questions                     done",
            " Answers      ━━━━━━━╺━━━━━━━━━      548/1,200 answers    5.8/min  1:52:10 left",
            " Follow-ups   ╺━━━━━━━━━━━━━━━━        0/1,200 answers                         ",
            " Download     ·················                 531 MB  12.1 MB/s              ",
        ]
        assert stages.size.height == 4


async def test_rows_at_40_columns_keep_names_counts_and_times():
    app = StageApp()
    async with app.run_test(size=(40, 10)) as pilot:
        for event in EVENTS[:3]:
            app.query_one(StageList).apply(event)
        await pilot.pause()
        assert lines(app) == [
            " Instructions   1,200/1,200     done",
            " Answers          548/1,200  1:52:10",
            " Follow-ups         0/1,200         ",
        ]


async def test_an_event_takes_the_place_of_the_last_one_of_its_stage():
    app = StageApp()
    async with app.run_test(size=(80, 10)) as pilot:
        stages = app.query_one(StageList)
        for done in (1, 2, 3):
            stages.apply(StageProgress("Answers", done, 4, "answers"))
        await pilot.pause()
        assert len(lines(app)) == 1
        assert "3/4 answers" in lines(app)[0]
        stages.clear()
        await pilot.pause()
        assert lines(app) == [""]


async def test_one_stage_alone_leaves_no_earlier_one_half_done():
    app = StageApp()
    async with app.run_test(size=(80, 10)) as pilot:
        stages = app.query_one(StageList)
        stages.show_only(StageProgress("Loading", 0, 1))
        stages.show_only(StageProgress("run-1", 3, 8, "steps"))
        await pilot.pause()
        assert len(lines(app)) == 1
        assert "run-1" in lines(app)[0]


@pytest.mark.parametrize("width", [1, 10, 20, 30, 40, 50, 60, 79, 100, 200])
async def test_it_fits_narrow_screens(width):
    app = StageApp()
    async with app.run_test(size=(width, 10)) as pilot:
        stages = app.query_one(StageList)
        for event in [*EVENTS, StageProgress("一个很长的阶段名称", 5, 10, "个", detail="文件")]:
            stages.apply(event)
        await pilot.pause()
        if width >= 40:
            assert max(map(cell_len, lines(app))) <= width
            assert any("548/1,200" in line and "1:52:10" in line for line in lines(app))
        assert all(len(strip.text) for strip in stages.render_lines(stages.size.region))


async def test_a_remark_has_its_own_line_which_stays():
    app = StageApp()
    async with app.run_test(size=(60, 10)) as pilot:
        stages = app.query_one(StageList)
        stages.apply(StageProgress("Download", 1, 5, "MB"))
        await pilot.pause()
        assert stages.size.height == 1
        stages.apply(StageProgress("Download", 2, 5, "MB", detail="model\x1b[31m-1\n.safetensors"))
        await pilot.pause()
        assert lines(app)[1].rstrip() == " model-1 .safetensors"
        stages.apply(StageProgress("Download", 3, 5, "MB"))
        await pilot.pause()
        assert lines(app)[1].strip() == ""
        assert stages.size.height == 2


@pytest.mark.parametrize(
    ("done", "total", "shape"),
    [(0, 0, "━━"), (5, 5, "━━"), (7, 5, "━━"), (-1, 5, "╺━"), (4.999, 5, "━╺")],
)
async def test_the_bar_is_full_only_when_all_is_done(done, total, shape):
    app = StageApp()
    async with app.run_test(size=(60, 3)) as pilot:
        app.query_one(StageList).apply(StageProgress("a", done, total, "x"))
        await pilot.pause()
        assert (shape in lines(app)[0]) and ("╺" in lines(app)[0]) == ("╺" in shape)


async def test_names_and_units_are_never_markup():
    app = StageApp()
    async with app.run_test(size=(60, 5)) as pilot:
        app.query_one(StageList).apply(StageProgress("[red]a[/red]", 1, 5, "[b]x"))
        await pilot.pause()
        assert "[red]a[/red]" in lines(app)[0]
        assert "1/5 [b]x" in lines(app)[0]


def test_picture(snap_compare):
    class Picture(StageApp):
        def on_mount(self):
            for event in EVENTS:
                self.query_one(StageList).apply(event)

    assert snap_compare(Picture(), terminal_size=(80, 6))
