"""The line that runs a job: what it says, and what it passes on."""

import threading

from textual.app import App, ComposeResult

from tui_tuner.errors import DatasetError
from tui_tuner.progress import Notice, StageProgress
from tui_tuner.widgets.job_line import JobLine


class LineApp(App[None]):
    def __init__(self):
        super().__init__()
        self.heard = []

    def compose(self) -> ComposeResult:
        yield JobLine()

    def on_job_line_news(self, message: JobLine.News) -> None:
        self.heard.append(message.event)


def progress(stage, done):
    return StageProgress(stage, done, 100, "rows", None, None, False, "")


async def ended(pilot, line):
    assert line.job.wait(20)
    while line.running:
        await pilot.pause()


async def test_of_how_far_a_stage_is_only_the_latest_is_passed_on_and_of_the_rest_all():
    app = LineApp()
    async with app.run_test() as pilot:
        line = app.query_one(JobLine)
        loop = threading.Event()

        def work(emit, stop):
            for done in range(50):
                emit(progress("One", done))
            for number in range(3):
                emit(Notice(f"note {number}"))
            emit(progress("Two", 1))
            loop.set()

        line.start("working", work)
        loop.wait(20)  # the event loop is held, and everything waits in its queue
        await ended(pilot, line)
        stages = [(event.stage, event.done) for event in app.heard if isinstance(event, StageProgress)]
        assert stages[-2:] == [("One", 49), ("Two", 1)] and len(stages) < 10
        assert [event.text for event in app.heard if isinstance(event, Notice)] == ["note 0", "note 1", "note 2"]


async def test_it_says_what_is_done_how_it_failed_and_stops_with_its_screen():
    app = LineApp()
    async with app.run_test() as pilot:
        line = app.query_one(JobLine)

        def fail(_emit, _stop):
            raise DatasetError("nothing there", advice="Look elsewhere.")

        line.start("looking", fail, says="s stops it")
        assert str(line.render()) == "s stops it"
        await ended(pilot, line)
        assert str(line.render()) == "nothing there. Look elsewhere"
        line.start("waiting", lambda _emit, stop: stop.wait(60))
        assert "waiting… 0 s" in str(line.render())
        job = line.job
    assert job.wait(20) and job.ended.outcome == "stopped"
