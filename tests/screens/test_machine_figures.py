"""How the machine stands, beside the other figures of a run."""

from training.story import EVENTS, started, step

from tui_tuner.screens.machine_figures import machine_figures
from tui_tuner.screens.training_view import TrainingView
from tui_tuner.training.events import MachineState, MicroBatchHalved
from tui_tuner.training.history import RunHistory

GIB = 2**30
CALM = MachineState(3, 16 * GIB, 8 * GIB, GIB // 2, "nominal", False, False, 80, 1.0)
HOT = MachineState(3, 16 * GIB, GIB, 3 * GIB, "held at 62 %", True, True, 40, 1.0)


def history_of(*events):
    history = RunHistory()
    for event in events:
        history.apply(event)
    return history


def test_a_calm_machine_comes_last():
    calm = [("free memory", "8.0/16.0 GB"), ("swap", "0.5 GB"), ("heat", "nominal"), ("battery", "80 %")]
    assert machine_figures(history_of(started(), CALM)) == ([], calm)
    view = TrainingView(history_of(started(), step(1), CALM))
    assert view.figures()[-4:] == calm


def test_what_a_person_had_better_know_comes_before():
    noteworthy, calm = machine_figures(history_of(started(), MicroBatchHalved(3, 2, 4, "memory is short", 1.0), HOT))
    assert noteworthy == [
        ("rows at once", "2"),
        ("free memory", "1.0/16.0 GB"),
        ("heat", "held at 62 %"),
        ("battery", "40 % in use"),
    ]
    assert calm == [("swap", "3.0 GB")]
    view = TrainingView(history_of(started(), step(1), HOT))
    assert ("heat", "held at 62 %") in view.figures()[:7]


def test_a_machine_that_says_nothing_has_no_rows():
    assert machine_figures(history_of(started(), step(1))) == ([], [])
    silent = MachineState(3, 16 * GIB, 8 * GIB, 0, "", False, None, None, 1.0)
    assert [label for label, _value in machine_figures(history_of(started(), silent))[1]] == ["free memory", "swap"]


def test_how_it_stood_when_a_run_ended_is_of_no_interest():
    halved = MicroBatchHalved(3, 2, 4, "memory is short", 1.0)
    assert machine_figures(history_of(started(), halved, HOT, EVENTS[-1])) == ([("rows at once", "2")], [])


def test_an_older_run_has_none():
    events = [event for event in EVENTS if not isinstance(event, MicroBatchHalved | MachineState)]
    assert machine_figures(history_of(*events)) == ([], [])
