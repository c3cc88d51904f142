from __future__ import annotations

import dataclasses
import json

from training.story import EVENTS, started, step, write

from tui_tuner.progress import StageProgress
from tui_tuner.training.event_lines import event_from_json
from tui_tuner.training.events import MicroBatchHalved, Validation
from tui_tuner.training.history import RunHistory, read_history


def test_events_come_back_from_their_lines():
    for event in EVENTS:
        assert event_from_json(json.loads(json.dumps(event.as_json()))) == event


def test_lines_of_other_kinds_or_versions_are_no_events():
    row = step(1).as_json()
    assert event_from_json({**row, "swap": 7}) == step(1), "a newer version's additions are left out"
    del row["loss"]
    for other in (row, {"event": "thermal", "time": 1}, {}, [], 7, None):
        assert event_from_json(other) is None


def test_the_file_gives_the_picture_the_live_events_gave(tmp_path):
    live = RunHistory()
    for event in EVENTS:
        live.apply(event, time=1.0)
    write(tmp_path / "run-1", EVENTS)
    assert read_history(tmp_path / "run-1") == live

    assert (live.run, live.iters, live.iteration) == ("run-1", 10, 4)
    assert live.train == [(1, 2.5), (3, 2.0), (4, 1.9)]
    assert live.valid == [(0, 3.0), (3, 1.8)]
    assert live.speed == [(1, 90.0), (3, 90.0), (4, 90.0)]
    assert live.memory[-1] == (4, 10**9)
    assert live.learning_rate == [(1, 1e-4), (3, 1e-4), (4, 1e-4)]
    assert live.best == (3, 1.8)
    assert live.last == step(4, 1.9)
    assert live.ended == EVENTS[-1]
    assert not live.running
    assert [skip.rows for skip in live.skipped] == [(4, 7)]
    assert [text for _time, text in live.notices] == [
        "run-1 started",
        "mind the gap",
        "held-out loss before training 3.000",
        "step 2 left out: the loss is not finite; lines 4, 7 of train.jsonl",
        "held-out loss 1.800, the best so far",
        "checkpoint 3 saved",
        "memory is short: rows computed at once 4 → 2; the result stays the same",
        "stopped after 4 of 10 steps",
    ]


def test_going_on_from_a_checkpoint_forgets_what_is_done_again():
    history = RunHistory()
    for event in EVENTS:
        history.apply(event)
    history.apply(Validation(4, 1.0, True, 0.1, 3.0))
    history.apply(started(at=3, time=9.0))

    assert history.running
    assert history.iteration == 3
    assert history.train == [(1, 2.5), (3, 2.0)]
    assert history.valid == [(0, 3.0), (3, 1.8)]
    assert history.best == (3, 1.8)
    assert history.last is None
    assert history.notices[-1] == (9.0, "resumed after step 3")


def test_what_was_trained_on_is_counted_from_the_reports():
    history = RunHistory()
    for iteration, examples, padding in ((1, 4, 0.0), (2, 4, 0.25), (3, 2, 0.5)):
        history.apply(dataclasses.replace(step(iteration), examples=examples, padding=padding))
    seen = history.seen[-1][1]
    assert (seen.examples, seen.tokens, seen.supervised) == (10, 120, 30)
    assert (seen.computed, seen.padded) == (36 + 48 + 76, 0 + 12 + 38)

    history.apply(started(at=2))
    assert history.seen[-1][1].examples == 8, "what is done again is counted again"


def test_a_run_that_begins_anew_computes_whole_batches():
    history = RunHistory()
    history.apply(started())
    history.apply(MicroBatchHalved(0, 2, 4, "memory is short", 1.0))
    history.apply(started(time=9.0))
    assert history.micro_batch is None
    history.apply(MicroBatchHalved(3, 2, 4, "memory is short", 9.5))
    history.apply(started(at=3, time=10.0))
    assert history.micro_batch == 2


def test_other_jobs_events_change_nothing():
    history = RunHistory()
    history.apply(StageProgress("fusing", 1))
    assert history == RunHistory()


def test_torn_and_spoilt_lines(tmp_path):
    run = tmp_path / "run-1"
    write(run, EVENTS[:5])
    with (run / "metrics.jsonl").open("ab") as file:
        file.write(b"\x00\xff broken\n" + json.dumps(step(3).as_json()).encode() + b'\n{"event": "train_st')
    history = read_history(run)
    assert history.iteration == 3
    assert history.notices[-1][1] == "unreadable lines in metrics.jsonl: 6"


def test_a_run_without_a_line_is_empty(tmp_path):
    assert read_history(tmp_path / "run-9") == RunHistory(run="run-9")


def test_a_run_that_goes_on_with_other_versions_says_so():
    with_versions = [
        dataclasses.replace(started(at), versions=versions) for at, versions in ((0, "mlx 1"), (4, "mlx 2"))
    ]
    history = RunHistory()
    for event in (with_versions[0], step(4), with_versions[1], with_versions[1]):
        history.apply(event)
    assert [text for _time, text in history.notices].count("trained with mlx 2 from here on") == 1
