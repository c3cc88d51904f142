"""The review of a large dataset: how long until its first and its last row is there, how it searches, whether it lags.

    python tests/benchmarks/review_opening.py [--rows 50000] [--letters 600] [--rounds 5]

Each round is a process of its own, in which the app runs without a terminal. Time is taken from the key `v` in the
Dataset step until a line of the list has been drawn, until every row is read, and for each letter of a search until
the first of what it found is shown and until all of it is. Lag is how much later than asked a sleep of 5 ms of the
event loop ends: what a key would have waited for. `busy` is a processor's time instead of a clock's: other programs
change it less, and without them it is the lag, since the threads of one program take turns.
A tenth of the rows is set aside. Asked for: the first row in less than 1 s.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from large_dataset import pairs
from textual.events import Key
from textual.strip import Strip

from tui_tuner.app import TunerApp
from tui_tuner.choices import DatasetChoice
from tui_tuner.dataset.examples import asked_and_answered
from tui_tuner.dataset.plan import IMPORTED, SET_ASIDE
from tui_tuner.dataset.review import identity
from tui_tuner.files import write_json_lines
from tui_tuner.project import Choices, Project, create_project, open_project
from tui_tuner.screens.review import ReviewScreen
from tui_tuner.settings import Settings
from tui_tuner.widgets.review_list import ReviewList

EVERY = 0.005  # seconds the event loop is asked to sleep
SEARCH = "benro"  # one of the made-up words: some rows have it
PATIENCE = 60.0  # seconds for anything to happen
NAMES = (
    "first row",
    "all rows",
    "first, busy",
    "all, busy",
    "lag p95",
    "lag at most",
    "p95, busy",
    "at most, busy",
    "letter",
    "slowest letter",
    "letter, all",
    "slowest, all",
    "search lag p95",
    "search lag",
    "by words",
)


def write_project(folder: Path, rows: int, letters: int) -> None:
    project = create_project(folder, choices=Choices(dataset=DatasetChoice(topic="words")))
    project.data.mkdir(exist_ok=True)
    examples = [asked_and_answered(*pair, f"mine.csv:{line}") for line, pair in enumerate(pairs(rows, letters), 2)]
    write_json_lines(project.data / IMPORTED, [{**one.as_row(), "source": one.source} for one in examples])
    why = {"reason": "near_duplicate", "detail": "nearly the same as: another"}
    aside = [{**one.as_row(), "source": one.source, "id": identity(one), **why} for one in examples[9::10]]
    write_json_lines(project.data / SET_ASIDE, aside)


class Lag:
    """How late the event loop is, for the length of a block."""

    async def __aenter__(self) -> Lag:
        self.late: list[float] = []
        self.worked: list[float] = []
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_details: object) -> None:
        self._task.cancel()

    async def _watch(self) -> None:
        while True:
            began, worked = time.perf_counter(), time.process_time()
            await asyncio.sleep(EVERY)
            self.late.append(time.perf_counter() - began - EVERY)
            self.worked.append(max(0.0, time.process_time() - worked - EVERY))


def share_of(values: list[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))]


async def until(condition: Callable[[], bool]) -> float:
    """The time when `condition` first held."""
    end = time.perf_counter() + PATIENCE
    while not condition():
        assert time.perf_counter() < end
        await asyncio.sleep(0.0005)
    return time.perf_counter()


def press(app: TunerApp, key: str, character: str | None = None) -> float:
    app.post_message(Key(key, character or key))
    return time.perf_counter()


async def one_round(project: Project, number: int) -> list[float]:
    drawn: list[float] = []
    worked: list[float] = []  # seconds of a processor, which other programs on a busy machine do not change much
    draw = ReviewList.render_line

    def noting(self: ReviewList, y: int) -> Strip:
        strip = draw(self, y)
        if not drawn and strip.text.strip():
            drawn.append(time.perf_counter())
            worked.append(time.process_time())
        return strip

    ReviewList.render_line = noting  # type: ignore[method-assign]
    app = TunerApp(project, Settings(last_step="dataset"))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(1.0)  # what comes after the first paint, such as reading the themes
        async with Lag() as opening:
            worked.append(time.process_time())
            began = press(app, "v")
            first = await until(lambda: bool(drawn)) - began
            screen = app.screen
            assert isinstance(screen, ReviewScreen)
            last = await until(lambda: not screen._reading and screen._selection_going is None) - began
        worked.append(time.process_time())
        assert len(screen._table.rows) == number
        press(app, "slash", "/")
        await pilot.pause()
        letters: list[float] = []
        found: list[float] = []
        async with Lag() as searching:
            for place in range(1, len(SEARCH) + 1):
                began = press(app, SEARCH[place - 1])
                wanted = SEARCH[:place]
                letters.append(await until(lambda w=wanted: screen._table.view.words == w) - began)
                found.append(await until(lambda: screen._selection_going is None) - began)
        assert screen._table.shown
        await pilot.press("enter", "escape", "o", "o")
        await until(lambda: screen._selection_going is None)
        began = press(app, "o")
        words = await until(lambda: screen._table.view.order == "words" and screen._selection_going is None) - began
    app.close()
    lags = [share_of(values, share) for values in (opening.late, opening.worked) for share in (0.95, 1)]
    later = share_of(searching.late, 0.95), max(searching.late)
    before, at_first, at_last = worked
    busy = at_first - before, at_last - before
    search = statistics.median(letters), max(letters), statistics.median(found), max(found)
    return [first, last, *busy, *lags, *search, *later, words]


def main() -> None:
    """Compare the rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--letters", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.folder:
        print(*asyncio.run(one_round(open_project(arguments.folder), arguments.rows)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "large"
        write_project(folder, arguments.rows, arguments.letters)
        command = [sys.executable, __file__, "--rows", str(arguments.rows), "--folder", str(folder)]
        rounds = []
        for _round in range(arguments.rounds):
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            rounds.append([float(word) for word in output.split()])
    print(f"{arguments.rows:,} rows of {arguments.letters} letters, {arguments.rounds} rounds: median (least to most)")
    for title, seconds in zip(NAMES, zip(*rounds, strict=True), strict=True):
        middle, least, most = (
            f"{value * 1000:,.0f}" for value in (statistics.median(seconds), min(seconds), max(seconds))
        )
        print(f"  {title:<15} {middle:>6} ms ({least} to {most})")


if __name__ == "__main__":
    main()
