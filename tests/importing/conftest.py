"""What the tests of importing share: a file of any content, looked at and imported."""

import json

import pytest

from tui_tuner.importing.bring import ImportPlan, import_rows
from tui_tuner.importing.looking import look
from tui_tuner.progress import StopToken, ignore_event


class Desk:
    """A project's data folder, and files beside it."""

    def __init__(self, folder):
        self.folder, self.data = folder, folder / "data"

    def file(self, name, content):
        path = self.folder / name
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content)
        return path

    def bring(self, *paths, emit=ignore_event, stop=None, replace=False, **options):
        plan = ImportPlan(self.data, tuple(look(path, **options) for path in paths), replace=replace)
        return import_rows(plan, emit=emit, stop=stop or StopToken())

    def rows(self):
        path = self.data / "imported.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def conversations(self):
        return [[f"{turn['role']}: {turn['content']}" for turn in row["messages"]] for row in self.rows()]

    def sources(self):
        return [row["source"] for row in self.rows()]

    def problems(self):
        path = self.data / "import_problems.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)
