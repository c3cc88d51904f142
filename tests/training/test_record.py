from __future__ import annotations

import json

import pytest

from tui_tuner.errors import StorageError
from tui_tuner.journal import Journal
from tui_tuner.progress import Notice, StageProgress
from tui_tuner.training.events import CheckpointSaved
from tui_tuner.training.record import RunRecord

SAVED = CheckpointSaved(4, "/run/checkpoints/4", 2.0)


@pytest.fixture
def heard():
    return []


def lines(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").open()]


def test_events_are_kept_and_passed_on_but_passing_stages_only_passed_on(tmp_path, heard):
    record = RunRecord(tmp_path, heard.append)
    events = [Notice("a"), StageProgress("b", 1), SAVED]
    for event in events:
        record.tell(event)
    record.close()
    assert heard == events
    assert [row["event"] for row in lines(tmp_path)] == ["notice", "checkpoint_saved"]
    assert lines(tmp_path)[0]["time"] > 1e9, "an event without a time gets that of writing"
    assert lines(tmp_path)[1]["time"] == 2.0


def test_a_checkpoint_that_fails_is_taken_back(tmp_path, heard):
    record = RunRecord(tmp_path, heard.append)
    record.tell(Notice("a"))
    with pytest.raises(OSError), record.kept_if_done(SAVED) as length:
        assert length == (tmp_path / "metrics.jsonl").stat().st_size
        raise OSError
    record.tell(Notice("b"))
    assert heard == [Notice("a"), Notice("b")]
    assert [row["event"] for row in lines(tmp_path)] == ["notice", "notice"]


def test_going_on_cuts_off_what_came_after_the_checkpoint(tmp_path, heard):
    record = RunRecord(tmp_path, heard.append)
    with record.kept_if_done(SAVED) as length:
        pass
    record.tell(Notice("done again later"))
    record.close()
    record = RunRecord(tmp_path, heard.append, keep=length)
    record.tell(Notice("b"))
    assert [row["event"] for row in lines(tmp_path)] == ["checkpoint_saved", "notice"]
    assert heard[0] == SAVED


def test_the_end_is_told_even_if_it_cannot_be_kept(tmp_path, heard, monkeypatch):
    def full(self, row, *, flush_to_disk):
        raise StorageError("the disk is full")

    record = RunRecord(tmp_path, heard.append)
    monkeypatch.setattr(Journal, "append", full)
    record.tell_the_end(Notice("the end"))
    assert heard == [Notice("the end")]
