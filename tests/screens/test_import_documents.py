"""Importing documents in the app: what is seen, and brought."""

import threading

import pytest
import tiny_project
from textual.widgets import Static

from tui_tuner.app import TunerApp
from tui_tuner.documents.passages import read_passages
from tui_tuner.progress import Pace
from tui_tuner.screens.dataset import DatasetScreen
from tui_tuner.screens.import_documents import ImportDocumentsScreen
from tui_tuner.screens.importing import ImportScreen
from tui_tuner.settings import Settings
from tui_tuner.widgets.job_line import JobLine
from tui_tuner.widgets.path_input import PathInput
from tui_tuner.widgets.stage_list import StageList

BREAD = "# Bread [bold]now[/]\n\nBread is made of flour, water, salt\x1b[31m and yeast, and it has to rise twice.\n"


@pytest.fixture
def docs(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "bread.md").write_text(BREAD)
    (folder / "broken.txt").write_bytes(b"\0\1\2")
    (folder / "photo.jpg").write_bytes(b"...")
    return folder


@pytest.fixture
async def pilot(tmp_path):
    app = TunerApp(tiny_project.make(tmp_path, data=False), Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await settled(pilot)
            app.screen.focus_body()
            await pilot.press("i")
            await pilot.pause()
            yield pilot
    finally:
        app.close()


async def settled(pilot):
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
    await pilot.pause()


async def name(pilot, path):
    pilot.app.screen.query_one(PathInput).value = str(path)
    await pilot.press("enter")
    await settled(pilot)
    line = pilot.app.screen.query_one(JobLine)
    assert line.job is not None and line.job.wait(20)
    await settled(pilot)


def text(pilot, selector):
    return str(pilot.app.screen.query_one(selector, Static).render())


async def test_a_folder_is_seen_and_imported_with_enter(pilot, docs):
    await name(pilot, docs)
    screen = pilot.app.screen
    assert isinstance(screen, ImportDocumentsScreen)
    assert "2 documents: .md 1, .txt 1" in text(pilot, "#found")
    assert "1 file of another kind" in text(pilot, "#found")
    shown = text(pilot, "#shown")
    assert "docs/bread.md:1 · Bread [bold]now[/] · " in shown and "\x1b" not in shown
    project = pilot.app.project
    assert read_passages(project.data) == []
    await pilot.press("enter")
    assert screen.query_one(JobLine).job.wait(20)
    await settled(pilot)
    assert "1 document in 1 passage" in text(pilot, "#shown")
    assert "docs/broken.txt: this is no text" in text(pilot, "#shown")
    assert len(read_passages(project.data)) == 1
    await pilot.press("escape")
    await settled(pilot)
    assert isinstance(pilot.app.screen, DatasetScreen)
    assert "1 document in 1 passage" in text(pilot, "#summary")


async def test_escape_goes_back_to_the_path_and_nothing_is_imported(pilot, docs):
    await name(pilot, docs / "bread.md")
    assert isinstance(pilot.app.screen, ImportDocumentsScreen)
    await pilot.press("escape")
    await settled(pilot)
    assert isinstance(pilot.app.screen, ImportScreen)
    assert read_passages(pilot.app.project.data) == []


async def test_a_folder_without_documents_says_so(pilot, docs):
    (docs / "bread.md").unlink()
    (docs / "broken.txt").unlink()
    await name(pilot, docs)
    assert "no documents here" in text(pilot, "#said")
    looked = pilot.app.screen.query_one(JobLine).job
    await pilot.press("enter")
    assert pilot.app.screen.query_one(JobLine).job is looked


class Waiting:
    """A look that goes on until it is stopped."""

    def __init__(self):
        self.began, self.stopped = threading.Event(), threading.Event()

    def __call__(self, _plan, *, emit, stop):
        Pace("Looking", None, "files", emit).reach(12_345)
        self.began.set()
        try:
            while True:
                stop.wait(60)
        finally:
            self.stopped.set()


@pytest.mark.parametrize(("key", "stays"), [("s", True), ("escape", False)])
async def test_a_long_look_says_how_far_it_is_and_can_be_stopped_or_left(pilot, docs, monkeypatch, key, stays):
    look = Waiting()
    monkeypatch.setattr("tui_tuner.documents.looking.look_at_documents", look)
    pilot.app.screen.query_one(PathInput).value = str(docs)
    await pilot.press("enter")
    await settled(pilot)
    assert look.began.wait(20)
    await pilot.pause()
    screen = pilot.app.screen
    assert isinstance(screen, ImportDocumentsScreen)
    assert "12,345 files" in str(screen.query_one(StageList).render())
    await pilot.press(key)
    assert look.stopped.wait(20)
    await settled(pilot)
    assert (pilot.app.screen is screen) is stays
    await pilot.press("enter")
    assert read_passages(pilot.app.project.data) == []
