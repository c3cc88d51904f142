"""The last events: bounded, one line each, safe to show, following the newest."""

from datetime import datetime

from textual.app import App

from tui_tuner.widgets.event_log import EventLog

NOON = datetime(2025, 1, 2, 12, 4, 11)


class LogApp(App):
    def compose(self):
        yield EventLog()


def shown(app):
    log = app.query_one(EventLog)
    return [strip.text.rstrip() for strip in log.render_lines(log.size.region)]


async def test_an_event_is_one_line_with_its_time():
    app = LogApp()
    async with app.run_test(size=(40, 4)) as pilot:
        log = app.query_one(EventLog)
        log.add("valid 0.741\nbest so far", at=NOON)
        log.add("[red]\x1b[31mnot\x07 markup[/]", level="warning", at=NOON)
        log.add("x" * 60, level="error", at=NOON)
        await pilot.pause()
        assert shown(app) == [
            " 12:04:11   valid 0.741 best so far",
            " 12:04:11 ! [red]not markup[/]",
            " 12:04:11 ✗ " + "x" * 27 + "…",
            "",
        ]
        assert log.lines[0] == "12:04:11   valid 0.741 best so far"


async def test_it_keeps_the_newest_500_and_shows_the_end():
    app = LogApp()
    async with app.run_test(size=(40, 4)) as pilot:
        log = app.query_one(EventLog)
        for number in range(600):
            log.add(f"event {number}", at=NOON)
        await pilot.pause()
        assert len(log.lines) == 500
        assert log.lines[0].endswith("event 100")
        assert [line.split()[-1] for line in shown(app)] == ["596", "597", "598", "599"]


async def test_it_follows_the_newest_unless_somebody_scrolled_up_to_read():
    app = LogApp()
    async with app.run_test(size=(40, 4)) as pilot:
        log = app.query_one(EventLog)
        for number in range(10):
            log.add(f"event {number}", at=NOON)
        await pilot.pause()
        log.scroll_to(y=2, animate=False)
        await pilot.pause()
        log.add("news", at=NOON)
        await pilot.pause()
        assert "event 2" in shown(app)[0]
        log.scroll_end(animate=False)
        await pilot.pause()
        log.add("more news", at=NOON)
        await pilot.pause()
        assert "more news" in shown(app)[-1]


async def test_events_from_before_the_first_layout_end_at_the_newest():
    class Early(LogApp):
        def on_mount(self):
            for number in range(10):
                self.query_one(EventLog).add(f"event {number}", at=NOON)

    app = Early()
    async with app.run_test(size=(40, 4)) as pilot:
        await pilot.pause()
        assert "event 9" in shown(app)[-1]
        await pilot.resize_terminal(30, 3)
        await pilot.pause()
        assert "event 9" in shown(app)[-1]


async def test_the_scrollbar_hides_nothing():
    app = LogApp()
    async with app.run_test(size=(40, 4)) as pilot:
        log = app.query_one(EventLog)
        for _number in range(9):
            log.add("x" * 60, at=NOON)
        await pilot.pause()
        assert [line[-1] for line in shown(app)] == ["…"] * 4
        assert {len(line) for line in shown(app)} == {39}


async def test_clear_forgets_everything():
    app = LogApp()
    async with app.run_test(size=(40, 4)) as pilot:
        log = app.query_one(EventLog)
        log.add("something")
        log.clear()
        await pilot.pause()
        assert log.lines == []
        assert shown(app) == [""] * 4


async def test_wide_characters_never_run_over_the_edge():
    app = LogApp()
    async with app.run_test(size=(30, 3)) as pilot:
        log = app.query_one(EventLog)
        log.add("损失" * 30, at=NOON)
        await pilot.pause()
        assert [strip.cell_length for strip in log.render_lines(log.size.region)] == [30] * 3
        assert shown(app)[0].endswith("…")


def test_picture(snap_compare):
    class Picture(LogApp):
        def on_mount(self):
            log = self.query_one(EventLog)
            log.add("valid 0.741 (best so far, adapter kept)", at=NOON)
            log.add("memory is getting tight", level="warning", at=NOON)
            log.add("the disk is full", level="error", at=NOON)

    assert snap_compare(Picture(), terminal_size=(60, 4))
