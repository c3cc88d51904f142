"""Train one run, from its plan to an adapter that mlx-lm reads. Runs on the engine's thread."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import Any

from tui_tuner.errors import DatasetError, ModelError, Stopped, TrainingError
from tui_tuner.language import _
from tui_tuner.models.loading import load_model
from tui_tuner.progress import Emit, Notice, StageProgress, StopToken
from tui_tuner.training.adapter import attach_adapter, count_parameters
from tui_tuner.training.checkpoint import Checkpoint, Progress, clear_remains, restore_latest, set_aside_after
from tui_tuner.training.events import TrainingStarted
from tui_tuner.training.examples import Examples, notices, read_examples
from tui_tuner.training.loss import PlainLoss
from tui_tuner.training.plan import TrainingPlan
from tui_tuner.training.record import RunRecord
from tui_tuner.training.run_config import (
    CONFIG,
    TRAIN_FILE,
    VALID_FILE,
    RunConfig,
    current_facts,
    read_config,
    require_same_origin,
    require_same_settings,
    write_config,
)
from tui_tuner.training.runs import RunSummary, summarize
from tui_tuner.training.session import Pupil, Session


def train(plan: TrainingPlan, *, emit: Emit, stop: StopToken, shortcuts: bool = True) -> RunSummary:
    """Begin the run of `plan`, or go on with it where its folder exists.

    The same plan gives the same losses and the same adapter, to the bit on a CPU, however often it was stopped or
    killed.

    Args:
        plan: what is to be done.
        emit: hears of everything; see `events`.
        stop: obeyed within one step; everything done is kept.
        shortcuts: compute only what the loss needs. Proven equal on a first batch, and given up where it is not.

    Raises:
        Stopped: asked to; resuming goes on exactly there.
        DatasetError: no usable row.
        ModelError: the model cannot be loaded.
        TrainingError: the run began with something else, or no step gives a finite gradient any more.
        StorageError: the disk is full or the folder not writable; the last checkpoint is kept.
    """
    fresh = not (plan.run / CONFIG).exists()
    _claim(plan)
    try:
        prepared = _prepare(plan, emit, stop)
    except Stopped as stopped:
        what = _("{run} stopped while it was prepared; everything is kept", run=plan.run.name)
        raise Stopped(what, advice=_resume_advice(plan)) from stopped
    except (DatasetError, ModelError):
        if fresh:  # a run that could not begin is none
            with contextlib.suppress(OSError):
                (plan.run / CONFIG).unlink()
                plan.run.rmdir()
        raise
    return _train(plan, prepared, emit, stop, shortcuts=shortcuts)


def _claim(plan: TrainingPlan) -> None:
    """Make the run's folder with its `config.toml`, or see that an existing one fits the plan."""
    now = current_facts(
        run=plan.run.name,
        model_name=plan.model_name,
        model=plan.model,
        data=plan.data,
        trust_remote_code=plan.trust_remote_code,
    )
    if not (plan.run / CONFIG).exists():
        write_config(plan.run, RunConfig(now, plan.choice))
        return
    before = read_config(plan.run)
    require_same_origin(plan.run.name, before.facts, now)
    require_same_settings(plan.run.name, before.choice, plan.choice)
    clear_remains(plan.run)
    if before.choice != plan.choice:
        write_config(plan.run, RunConfig(before.facts, plan.choice))


@dataclass
class _Prepared:
    model: Any
    train: Examples
    valid: Examples


def _prepare(plan: TrainingPlan, emit: Emit, stop: StopToken) -> _Prepared:
    """Load the model and turn the rows into tokens."""
    stop.check()
    stage = _("Loading the model")
    emit(StageProgress(stage, 0, 1, detail=plan.model_name))
    loaded = load_model(plan.model, trust_remote_code=plan.trust_remote_code)
    emit(StageProgress(stage, 1, 1, ended=True, detail=plan.model_name))
    choice = plan.choice
    both = [
        read_examples(
            plan.data / name,
            loaded.tokenizer,
            max_seq_length=choice.max_seq_length,
            mask_prompt=choice.mask_prompt,
            emit=emit,
            stop=stop,
        )
        for name in (TRAIN_FILE, VALID_FILE)
    ]
    train = both[0]
    if not train.usable:
        why = train.refused[0].reason if train.refused else _("the file is empty")
        raise DatasetError(
            _("there is no row to learn from: {why}", why=why),
            where=str(train.path),
            advice=_("Mend the file, or make the dataset again with: tuner data"),
        )
    return _Prepared(loaded.model, *both)


def _train(plan: TrainingPlan, prepared: _Prepared, emit: Emit, stop: StopToken, *, shortcuts: bool) -> RunSummary:
    import mlx.core as mx
    from mlx import optimizers

    from tui_tuner.training.shortcuts import quick_loss  # its modules are MLX's, and MLX must not come before BLAS

    if (limit := mx.device_info().get("max_recommended_working_set_size")) is not None:
        mx.set_wired_limit(int(limit))  # on Metal: what mlx-lm does for its own training
    mx.reset_peak_memory()
    model, train, valid = prepared.model, prepared.train.usable, prepared.valid.usable
    adapter_config = attach_adapter(model, plan)
    trainable, total = count_parameters(model)
    # mlx-lm's default: Adam without bias correction, at a constant learning rate.
    optimizer = optimizers.Adam(learning_rate=plan.choice.learning_rate)
    loss, found = quick_loss(model, [*train, *valid]) if shortcuts else (PlainLoss(), [])
    checkpoint = restore_latest(plan.run, model, optimizer)
    progress = checkpoint.progress if checkpoint else Progress()
    if progress.iteration == 0:
        found = [*_data_notices(prepared, plan), *found]
    _set_aside_unreadable(plan, checkpoint, found)
    record = RunRecord(plan.run, emit, keep=checkpoint.metrics_bytes if checkpoint else 0)
    started = TrainingStarted(
        run=plan.run.name,
        iters=plan.choice.iters,
        start_iteration=progress.iteration,
        train_examples=len(train),
        valid_examples=len(valid),
        trainable_parameters=trainable,
        total_parameters=total,
        tokens_per_epoch=prepared.train.tokens,
        supervised_tokens_per_epoch=prepared.train.supervised,
        time=time.time(),
    )
    pupil = Pupil(model, optimizer, loss, adapter_config)
    session = Session(plan, pupil, train, valid, progress, record, stop, saved=checkpoint is not None)
    try:
        for event in (started, *found):
            record.tell(event)
        _run_to_its_end(plan, session, record)
    finally:
        record.close()
        mx.clear_cache()
    return summarize(plan.run)


def _run_to_its_end(plan: TrainingPlan, session: Session, record: RunRecord) -> None:
    """Whatever ends the run, what was done is kept and the last event says how far it came."""
    finished = False
    try:
        try:
            session.run()
        except (Stopped, TrainingError):
            session.keep()
            raise
        if text := _verdict(session.progress):
            record.tell(Notice(text, "warning"))
        finished = True
    except Stopped as stopped:
        words = {"run": plan.run.name, "iteration": session.progress.iteration, "iters": plan.choice.iters}
        what = _("{run} stopped after {iteration:,} of {iters:,} steps; everything is kept", **words)
        raise Stopped(what, advice=_resume_advice(plan)) from stopped
    finally:
        record.tell_the_end(session.ended(finished=finished))


def _resume_advice(plan: TrainingPlan) -> str:
    return _("Go on with: tuner train --resume --run {run}", run=plan.run.name)


def _data_notices(prepared: _Prepared, plan: TrainingPlan) -> list[Notice]:
    found = [
        notice for part in (prepared.train, prepared.valid) for notice in notices(part, plan.choice.max_seq_length)
    ]
    if not prepared.valid.usable:
        text = _("no held-out rows ({name}): the adapter is the last one, not the best", name=VALID_FILE)
        found.append(Notice(text, "warning"))
    return found


def _set_aside_unreadable(plan: TrainingPlan, checkpoint: Checkpoint | None, found: list[Notice]) -> None:
    unreadable = set_aside_after(plan.run, checkpoint.progress.iteration if checkpoint else -1)
    if unreadable:
        names = ", ".join(map(str, unreadable))
        text = _("checkpoint {names} could not be read; these steps are trained once more", names=names)
        found.append(Notice(text, "warning"))


def _verdict(progress: Progress) -> str:
    """What a person should be told about the outcome; empty where the curve speaks for itself."""
    before, best = progress.first_loss, progress.best_loss
    if before is None or best is None or best < before:
        return ""
    return _(
        "the held-out loss never fell below the {before:.3f} it had before training (best {best:.3f}): try a smaller"
        " learning rate, or more and cleaner examples",
        before=before,
        best=best,
    )
