from __future__ import annotations

import dataclasses
import json
import math

import pytest
import tiny_model
from training.school import QUICK, chat, rows

from tui_tuner.engine import running_engine
from tui_tuner.errors import DatasetError, ModelError, Stopped, TrainingError
from tui_tuner.progress import Notice, StageProgress
from tui_tuner.training.checkpoint import CHECKPOINTS
from tui_tuner.training.events import (
    CheckpointSaved,
    StepSkipped,
    TrainingEnded,
    TrainingStarted,
    TrainStep,
    Validation,
)
from tui_tuner.training.history import read_history
from tui_tuner.training.runs import summarize

DROPOUT = dataclasses.replace(QUICK, dropout=0.1)


def adapter(plan) -> bytes:
    return (plan.run / "adapters.safetensors").read_bytes()


def curves(plan):
    history = read_history(plan.run)
    return history.train, history.valid, history.gradient_norm


def test_a_run_tells_everything(school):
    summary = school.train(school.plan())

    stages = list(dict.fromkeys(stage.stage for stage in school.seen(StageProgress)))
    assert stages[stages.index("Loading the model") + 1] == "Trying the shortcuts"
    (started,) = school.seen(TrainingStarted)
    assert (started.train_examples, started.valid_examples, started.start_iteration) == (11, 3, 0)
    assert started.trainable_parameters == 2 * 4 * (2 * (64 + 64) + 2 * (64 + 32) + 3 * (64 + 128))
    assert 0 < started.supervised_tokens_per_epoch < started.tokens_per_epoch
    assert [event.iteration for event in school.seen(Validation)] == [0, 4, 8, 12]
    steps = school.seen(TrainStep)
    assert [step.iteration for step in steps] == list(range(1, 13))
    assert steps[2].epoch == 1.0
    assert steps[2].trained_tokens == started.tokens_per_epoch, "an epoch of three batches holds every row"
    assert all(0 <= step.padding < 0.5 and step.tokens_per_second > 0 and step.peak_memory > 0 for step in steps)
    assert steps[-1].eta_seconds > 0, "the last validation is still to come"
    assert steps[-1].loss < steps[0].loss / 2
    assert {event.iteration for event in school.seen(CheckpointSaved)} == {4, 8, 12}
    (ended,) = school.seen(TrainingEnded)
    assert ended.finished
    assert (ended.best_loss, ended.best_iteration) == (summary.best_loss, summary.best_iteration)
    assert school.events[-1] is ended


def test_the_best_adapter_is_kept_not_the_last(school):
    choice = dataclasses.replace(QUICK, iters=40, steps_per_eval=2, save_every=2)
    plan = school.plan(valid=[chat("what else", "ZEBRA")], choice=choice)  # what is learned is no help here
    summary = school.train(plan)

    losses = {event.iteration: event.loss for event in school.seen(Validation)}
    del losses[0]
    assert summary.best_iteration == min(losses, key=losses.get) < 40
    best = plan.run / CHECKPOINTS / str(summary.best_iteration) / "adapters.safetensors"
    assert adapter(plan) == best.read_bytes()
    kept = {int(folder.name) for folder in (plan.run / CHECKPOINTS).iterdir()}
    assert kept == {summary.best_iteration, 38, 40}


def test_without_held_out_rows_the_last_adapter_is_kept(school):
    plan = school.plan(valid=[])
    summary = school.train(plan)

    assert (school.seen(Validation), summary.best_loss, summary.finished) == ([], None, True)
    assert adapter(plan) == (plan.run / CHECKPOINTS / "12" / "adapters.safetensors").read_bytes()
    assert any("no held-out rows" in notice.text for notice in school.seen(Notice))


def test_fewer_rows_than_a_batch_are_enough(school):
    school.train(school.plan(train=rows(2), valid=rows(1, begin=5)))
    assert len(school.seen(TrainStep)) == 12


def test_reports_gather_several_steps(school):
    plan = school.plan(choice=dataclasses.replace(QUICK, steps_per_report=5))
    school.train(plan)
    assert [step.iteration for step in school.seen(TrainStep)] == [5, 10, 12]
    gathered = {step.iteration: step for step in school.seen(TrainStep)}

    school.events.clear()
    school.train(school.plan(run="run-2"))
    single = [step.loss for step in school.seen(TrainStep)]
    assert gathered[5].loss == pytest.approx(sum(single[:5]) / 5)
    assert gathered[12].loss == pytest.approx(sum(single[10:]) / 2)


@pytest.mark.parametrize("shortcuts", [True, False])
def test_stopped_and_resumed_is_the_same_to_the_bit(school, shortcuts):
    whole = school.plan(run="whole", choice=DROPOUT)
    school.train(whole, shortcuts=shortcuts)

    plan = school.plan(run="stopped", choice=DROPOUT)
    for last in (3, 4, 9):  # 4 is due for a validation
        school.events.clear()
        with pytest.raises(Stopped, match=f"stopped stopped after {last} of 12"):
            school.train(
                plan,
                shortcuts=shortcuts,
                stop_when=lambda event, last=last: isinstance(event, TrainStep) and event.iteration == last,
            )
        (ended,) = school.seen(TrainingEnded)
        assert (ended.iteration, ended.finished) == (last, False)
        assert summarize(plan.run).state == "stopped"
    school.train(plan, shortcuts=shortcuts)

    assert curves(plan) == curves(whole)
    assert adapter(plan) == adapter(whole)
    assert [note for _time, note in read_history(plan.run).notices if "finished" in note] == ["finished after 12 steps"]


def test_a_stop_during_a_validation_ends_it_at_the_next_batch(school):
    whole = school.plan(run="whole", valid=rows(9, begin=20))
    school.train(whole)

    plan = school.plan(run="stopped", valid=rows(9, begin=20))
    measured = []

    def during_the_second_validation(event):
        if isinstance(event, StageProgress) and event.unit == "batches" and school.seen(TrainStep):
            measured.append(event.done)
            return event.done == 1
        return False

    school.events.clear()
    with pytest.raises(Stopped):
        school.train(plan, stop_when=during_the_second_validation)
    assert measured == [0, 1], "three batches make a validation"
    assert [event.iteration for event in school.seen(Validation)] == [0]
    school.train(plan)
    assert curves(plan) == curves(whole)
    assert adapter(plan) == adapter(whole)


def test_a_stop_while_preparing_keeps_the_run(school):
    plan = school.plan()
    with pytest.raises(Stopped, match="prepared"):
        school.train(plan, stop_when=lambda event: isinstance(event, StageProgress))
    assert summarize(plan.run).state == "running or interrupted"
    assert school.train(plan).finished


def test_stopped_before_any_validation_leaves_the_adapter_as_it_stands(school):
    plan = school.plan()
    with pytest.raises(Stopped):
        school.train(plan, stop_when=lambda event: isinstance(event, TrainStep) and event.iteration == 2)
    assert adapter(plan) == (plan.run / CHECKPOINTS / "2" / "adapters.safetensors").read_bytes()


def test_a_finished_run_can_be_made_longer(school):
    whole = school.plan(run="whole", choice=DROPOUT)
    school.train(whole)
    short = school.plan(run="short", choice=dataclasses.replace(DROPOUT, iters=8))
    school.train(short)
    longer = dataclasses.replace(short, choice=DROPOUT)
    assert summarize(short.run).finished
    assert school.train(longer).finished

    assert curves(longer) == curves(whole)
    assert adapter(longer) == adapter(whole)
    assert len([line for line in (longer.run / "metrics.jsonl").open() if "training_ended" in line]) == 1


def test_a_run_does_not_go_on_with_other_data_or_settings(school):
    plan = school.plan()
    with pytest.raises(Stopped):
        school.train(plan, stop_when=lambda event: isinstance(event, TrainStep))
    before = (plan.run / "metrics.jsonl").read_bytes()

    with pytest.raises(TrainingError, match=r"learning_rate was 0\.001, now 0\.1"):
        school.train(dataclasses.replace(plan, choice=dataclasses.replace(plan.choice, learning_rate=0.1)))
    with pytest.raises(TrainingError, match="files of model tiny have changed"):
        school.train(dataclasses.replace(plan, model=tiny_model.make(school.folder / "other", hidden=32)))
    school.plan(train=rows(10))
    with pytest.raises(TrainingError, match=r"train\.jsonl had 11 rows, now 10"):
        school.train(plan)
    assert (plan.run / "metrics.jsonl").read_bytes() == before


@pytest.fixture
def poisoned(tmp_path):
    """A model whose loss is not finite for every row with a ~ in it."""
    return tiny_model.make(tmp_path / "poisoned", poison="~")


def test_a_loss_that_is_not_finite_never_reaches_the_weights(school, poisoned):
    train = rows(8)
    train[3] = chat("what ~ is this", "aye aye")
    plan = school.plan(train=train, model=poisoned)
    summary = school.train(plan)

    skips = school.seen(StepSkipped)
    assert len(skips) == 6, "once in each epoch of two batches"
    assert all(4 in skip.rows and "loss" in skip.reason for skip in skips)
    assert len(school.seen(TrainStep)) == 6
    assert all(math.isfinite(step.loss) for step in school.seen(TrainStep))
    assert summary.finished
    assert math.isfinite(summary.best_loss)
    assert "NaN" not in (plan.run / "metrics.jsonl").read_text()
    (ended,) = school.seen(TrainingEnded)
    assert ended.iteration == 12
    assert read_history(plan.run).skipped == skips


def test_five_steps_in_a_row_without_a_gradient_end_it_with_the_weights_as_they_were(school, poisoned):
    import mlx.core as mx

    good = school.plan(run="good", model=poisoned)
    school.train(dataclasses.replace(good, choice=dataclasses.replace(QUICK, iters=3)))
    bad = school.plan(train=[chat(f"~ {place}", "no") for place in range(9)], run="bad", model=poisoned)
    school.events.clear()
    with pytest.raises(TrainingError, match=r"5 steps in a row .*lines 1, 2, 3") as raised:
        school.train(bad)

    assert raised.value.advice
    assert len(school.seen(StepSkipped)) == 5
    assert not school.seen(TrainingEnded)[0].finished
    weights = mx.load(str(bad.run / CHECKPOINTS / "5" / "adapters.safetensors"))
    assert all(mx.isfinite(weight).all().item() for weight in weights.values())
    assert all(not weight.any().item() for name, weight in weights.items() if name.endswith("lora_b"))


def test_held_out_rows_without_a_finite_loss_are_not_counted(school, poisoned):
    valid = [*rows(4, begin=20), chat("~", "aye " * 40)]
    school.train(school.plan(valid=valid, model=poisoned))
    assert all(math.isfinite(event.loss) for event in school.seen(Validation))
    assert any("valid.jsonl: line 5 give" in notice.text for notice in school.seen(Notice))


def test_rows_without_anything_to_learn_are_refused_and_named(school):
    train = [*rows(3), chat("x" * 300, "too late"), *rows(2, begin=5)]
    school.train(school.plan(train=train))
    assert school.seen(TrainingStarted)[0].train_examples == 5
    notices = [notice.text for notice in school.seen(Notice)]
    assert "train.jsonl: line 4 not used: the question alone fills all 256 tokens" in notices


def test_a_dataset_without_a_usable_row_leaves_no_run(school):
    plan = school.plan(train=[chat("x" * 300, "too late")])
    with pytest.raises(DatasetError, match="fills all 256 tokens"):
        school.train(plan)
    assert not plan.run.exists()


def test_a_model_that_is_not_there_leaves_no_run(school):
    plan = school.plan(model=school.folder / "nothing")
    with pytest.raises(ModelError):
        school.train(plan)
    assert not plan.run.exists()
    plan.run.mkdir(parents=True)
    (plan.run / "notes.txt").touch()
    with pytest.raises(ModelError):
        school.train(plan)
    assert [path.name for path in plan.run.iterdir()] == ["notes.txt"], "what is somebody else's is left alone"


def test_a_torn_line_is_dropped_and_the_run_goes_on(school):
    plan = school.plan()
    with pytest.raises(Stopped):
        school.train(plan, stop_when=lambda event: isinstance(event, TrainStep) and event.iteration == 6)
    metrics = plan.run / "metrics.jsonl"
    with metrics.open("ab") as file:
        file.write(b'{"event": "train_step", "iterat')
    assert read_history(plan.run).iteration == 6
    school.train(plan)
    iterations = [row["iteration"] for row in map(json.loads, metrics.open()) if row["event"] == "train_step"]
    assert iterations == list(range(1, 13))


@pytest.mark.parametrize("last_deed", ["save_adapter", "save_checkpoint"])
def test_dying_between_adapter_and_checkpoint_loses_neither(school, monkeypatch, last_deed):
    from tui_tuner.training import session

    whole = school.plan(run="whole")
    school.train(whole)
    plan = school.plan()
    deed = getattr(session, last_deed)

    def die_afterwards(*arguments, **named):
        deed(*arguments, **named)
        if (plan.run / "metrics.jsonl").read_text().count('"validation"') == 4:
            raise SystemExit

    monkeypatch.setattr(session, last_deed, die_afterwards)
    with pytest.raises(SystemExit):
        school.train(plan)
    monkeypatch.undo()
    school.train(plan)
    assert adapter(plan) == adapter(whole)
    assert curves(plan) == curves(whole)


def test_an_unreadable_checkpoint_is_passed_over_for_the_one_before(school):
    whole = school.plan(run="whole", choice=DROPOUT)
    school.train(whole)
    plan = school.plan(choice=DROPOUT)
    with pytest.raises(Stopped):
        school.train(plan, stop_when=lambda event: isinstance(event, TrainStep) and event.iteration == 10)
    optimizer = plan.run / CHECKPOINTS / "10" / "optimizer.safetensors"
    optimizer.write_bytes(optimizer.read_bytes()[:-100])
    school.events.clear()
    school.train(plan)

    assert school.seen(TrainingStarted)[0].start_iteration == 8
    assert any("checkpoint 10 could not be read" in notice.text for notice in school.seen(Notice))
    assert curves(plan) == curves(whole)
    assert adapter(plan) == adapter(whole)
    assert (plan.run / CHECKPOINTS / "10.unreadable").is_dir()


def test_what_a_killed_process_was_writing_is_cleared_away(school):
    plan = school.plan()
    with pytest.raises(Stopped):
        school.train(plan, stop_when=lambda event: isinstance(event, TrainStep) and event.iteration == 6)
    for remains in (".8.x1y2", ".4.dropped", ".4.old.ab"):
        (plan.run / CHECKPOINTS / remains).mkdir()
    (plan.run / ".adapters.safetensors.q7").touch()
    (plan.run / ".gitignore").touch()
    (plan.run / CHECKPOINTS / ".notes").mkdir()
    school.train(plan)
    assert sorted(path.name for path in plan.run.rglob(".*")) == [".gitignore", ".notes"]


def test_more_layers_than_there_are_means_all(school):
    plan = school.plan(choice=dataclasses.replace(QUICK, iters=1, num_layers=16))
    school.train(plan)
    assert json.loads((plan.run / "adapter_config.json").read_text())["num_layers"] == 4


def test_a_run_that_made_it_worse_is_told_so(school):
    choice = dataclasses.replace(QUICK, learning_rate=0.0)
    school.train(school.plan(choice=choice))
    assert any("never fell below" in notice.text for notice in school.seen(Notice))


def test_it_runs_on_the_engines_thread_and_reads_back_on_another(school):
    plan = school.plan()
    with running_engine() as engine:
        summary = engine.submit(lambda: school.train(plan)).result(timeout=120)
    assert summary.finished
    assert read_history(plan.run).ended.finished
