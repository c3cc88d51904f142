"""Train one run, from its plan to an adapter that mlx-lm reads. Runs on the engine's thread."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tui_tuner.environment.awake import kept_awake
from tui_tuner.errors import ConfigurationError, DatasetError, ModelError, Stopped, TrainingError
from tui_tuner.language import _, ngettext
from tui_tuner.models.catalogue import model_fingerprint
from tui_tuner.progress import Emit, Event, Notice, StopToken
from tui_tuner.training.adapter import count_parameters
from tui_tuner.training.asking import obeying
from tui_tuner.training.checkpoint import Checkpoint, Progress, restore_latest, set_aside_after
from tui_tuner.training.events import TrainingStarted
from tui_tuner.training.extending import claim, take_over
from tui_tuner.training.final_test import measure_test
from tui_tuner.training.grad_checkpoint import checkpointing
from tui_tuner.training.kept_memory import memory_kept
from tui_tuner.training.machine_watch import MachineWatch
from tui_tuner.training.optimization import schedule_for_mlx_lm
from tui_tuner.training.plan import TrainingPlan
from tui_tuner.training.preparing import Prepared, prepare
from tui_tuner.training.pupil import Pupil
from tui_tuner.training.record import RunRecord
from tui_tuner.training.run_config import CONFIG, RunConfig, current_versions
from tui_tuner.training.run_guide import write_guide
from tui_tuner.training.runs import RunSummary, summarize
from tui_tuner.training.session import Session
from tui_tuner.training.speeds import remember_speed

if TYPE_CHECKING:
    from tui_tuner.training.machines.group import Group


def train(plan: TrainingPlan, *, emit: Emit, stop: StopToken, group: Group | None = None) -> RunSummary:
    """Begin the run of `plan`, or go on with it where its folder exists.

    The same plan gives the same losses and the same adapter, to the bit on a CPU, however often it was stopped or
    killed.

    Args:
        plan: what is to be done.
        emit: hears of everything; see `events`.
        stop: obeyed within one step; everything done is kept.
        group: the machines that train the run together, of which this one leads; None: this one alone.

    Raises:
        Stopped: asked to; resuming goes on exactly there.
        DatasetError: no usable row.
        ModelError: the model cannot be loaded.
        ConfigurationError: settings that do not go together.
        TrainingError: the model cannot be trained so, the run began with something else, or no step gives a finite
            gradient any more.
        StorageError: the disk is full or the folder not writable; the last checkpoint is kept.
    """
    fresh = not (plan.run / CONFIG).exists()
    config = claim(plan)
    with kept_awake(wanted=plan.keep_awake), memory_kept():
        prepared = _prepare(plan, emit, stop, fresh=fresh)
        with contextlib.closing(prepared.pupil.loss):
            return _train(plan, config, prepared, emit, stop, group)


def _prepare(plan: TrainingPlan, emit: Emit, stop: StopToken, *, fresh: bool) -> Prepared:
    try:
        return prepare(plan, emit, stop)
    except Stopped as stopped:
        what = _("{run} stopped while it was prepared; everything is kept", run=plan.run.name)
        raise Stopped(what, advice=_resume_advice(plan)) from stopped
    except (DatasetError, ModelError, TrainingError, ConfigurationError):
        if fresh:  # a run that could not begin is none
            with contextlib.suppress(OSError):
                (plan.run / CONFIG).unlink()
                plan.run.rmdir()
        raise


def _train(
    plan: TrainingPlan, config: RunConfig, prepared: Prepared, emit: Emit, stop: StopToken, group: Group | None
) -> RunSummary:
    import mlx.core as mx

    train, valid, test = prepared.train, prepared.valid, prepared.test
    checkpoint = restore_latest(plan.run, prepared.pupil.stepper)
    if schedule_for_mlx_lm(plan.choice) is None:
        prepared.pupil.stepper.optimizer.learning_rate = plan.choice.learning_rate  # another one was wanted
    progress = checkpoint.progress if checkpoint else Progress()
    found: list[Event] = [*prepared.notices] if progress.iteration == 0 else []
    found = [
        *prepared.machine_notices,
        *found,
        *_set_aside_unreadable(plan, checkpoint),
        *take_over(config, checkpoint),
    ]
    record = RunRecord(plan.run, emit, keep=checkpoint.metrics_bytes if checkpoint else 0)
    started = _started(plan, prepared, progress.iteration)
    watch = MachineWatch()

    def final_test() -> None:
        # By this machine alone: the others of a group do not have the adapter that is kept.
        measure_test(plan, prepared.pupil, test.usable, progress, record, check=stop.check, clock=watch.clock)

    try:
        with _pupil_of(group, plan, prepared, progress) as pupil:
            saved, sampler = checkpoint is not None, prepared.sampler
            rows = train.usable, valid.usable
            session = Session(plan, pupil, *rows, progress, record, stop, watch, sampler=sampler, saved=saved)
            with obeying(plan.run, started.time, stop):
                for event in (started, *found):
                    record.tell(event)
                write_guide(plan.run)
                with watch.watching(), checkpointing(plan.choice, pupil.model):
                    _run_to_its_end(plan, session, record, final_test)
            if group is None:  # several machines' pace is another one
                remember_speed(model_fingerprint(plan.model), *session.pace)
    finally:
        record.close()
        write_guide(plan.run)
        mx.clear_cache()
    return summarize(plan.run)


def _started(plan: TrainingPlan, prepared: Prepared, iteration: int) -> TrainingStarted:
    """What is trained with what, as the run's story says it first."""
    trainable, total = count_parameters(prepared.pupil.model)
    return TrainingStarted(
        run=plan.run.name,
        iters=plan.choice.iters,
        start_iteration=iteration,
        train_examples=len(prepared.train.usable),
        valid_examples=len(prepared.valid.usable),
        trainable_parameters=trainable,
        total_parameters=total,
        tokens_per_epoch=prepared.train.tokens,
        supervised_tokens_per_epoch=prepared.train.supervised,
        time=time.time(),
        versions=current_versions(),
    )


def _pupil_of(
    group: Group | None, plan: TrainingPlan, prepared: Prepared, progress: Progress
) -> contextlib.AbstractContextManager[Pupil]:
    """What is trained: by this machine alone, or together with those of `group`, which wait for it from now on."""
    if group is None:
        return contextlib.nullcontext(prepared.pupil)
    from tui_tuner.training.machines.joining import leading

    return leading(group, plan, prepared, progress.iteration)


def _run_to_its_end(plan: TrainingPlan, session: Session, record: RunRecord, final_test: Callable[[], None]) -> None:
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
        final_test()
        finished = True
    except Stopped as stopped:
        words = {"run": plan.run.name, "iteration": session.progress.iteration, "iters": plan.choice.iters}
        what = ngettext(
            "{run} stopped after {iteration:,} of {iters:,} step; everything is kept",
            "{run} stopped after {iteration:,} of {iters:,} steps; everything is kept",
            plan.choice.iters,
            **words,
        )
        raise Stopped(what, advice=_resume_advice(plan)) from stopped
    finally:
        record.tell_the_end(session.ended(finished=finished))


def _resume_advice(plan: TrainingPlan) -> str:
    return _("Go on with: tuner train --resume --run {run}", run=plan.run.name)


def _set_aside_unreadable(plan: TrainingPlan, checkpoint: Checkpoint | None) -> list[Notice]:
    unreadable = set_aside_after(plan.run, checkpoint.progress.iteration if checkpoint else -1)
    if not unreadable:
        return []
    names = ", ".join(map(str, unreadable))
    return [
        Notice(_("checkpoint {names} could not be read; these steps are trained once more", names=names), "warning")
    ]


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
