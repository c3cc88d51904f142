"""Steps, validations and checkpoints, each when it is due, from wherever a run stands to its end.

What is due follows from `Progress` alone, so that a run stopped or killed at any moment goes on as if it had not been.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from tui_tuner.errors import TrainingError
from tui_tuner.language import _
from tui_tuner.progress import Notice, StopToken
from tui_tuner.training.adapter import save_adapter
from tui_tuner.training.batches import Batch, Feed
from tui_tuner.training.checkpoint import Progress, Window, checkpoint_folder, save_checkpoint
from tui_tuner.training.effort import Row, effort_with
from tui_tuner.training.events import CheckpointSaved, StepSkipped, TrainingEnded, Validation
from tui_tuner.training.examples import Example
from tui_tuner.training.loop import StepResult
from tui_tuner.training.machine_news import MachineNews
from tui_tuner.training.machine_watch import MachineWatch
from tui_tuner.training.memory_guard import MemoryGuard
from tui_tuner.training.outlook import Outlook
from tui_tuner.training.patience import count_evaluation, has_given_up
from tui_tuner.training.plan import TrainingPlan
from tui_tuner.training.pupil import Pupil
from tui_tuner.training.record import RunRecord
from tui_tuner.training.reporting import count_step, report
from tui_tuner.training.row_notices import lines_in_words
from tui_tuner.training.run_config import TRAIN_FILE, VALID_FILE
from tui_tuner.training.samples import Sampler
from tui_tuner.training.turnstile import Turnstile
from tui_tuner.training.validation import held_out_loss

# So many steps in a row that had to be left out are no accident.
MOST_SKIPPED = 5


class Session:
    """One session of a run: from `progress` to the end, or to where it is stopped.

    Args:
        plan: what is to be done.
        pupil: what is trained.
        train: usable training rows, at least one.
        valid: usable held-out rows, perhaps none.
        progress: how far the run is; kept up to date.
        record: hears everything.
        stop: asked before every step and every batch of a validation.
        watch: looks at the machine, and has the clock.
        sampler: answers the sample prompts; None where nobody asks.
        saved: whether `progress` is on the disk already.
    """

    def __init__(
        self,
        plan: TrainingPlan,
        pupil: Pupil,
        train: Sequence[Example],
        valid: Sequence[Example],
        progress: Progress,
        record: RunRecord,
        stop: StopToken,
        watch: MachineWatch,
        *,
        sampler: Sampler | None = None,
        saved: bool = False,
    ) -> None:
        self._plan, self._choice, self._pupil = plan, plan.choice, pupil
        self._valid, self._sampler, self._record, self._clock = valid, sampler, record, watch.clock
        self.progress = progress
        self._stepper = pupil.stepper
        self._guard = MemoryGuard(
            plan.run.name, progress, self._choice.batch_size, watch.danger, self.keep, record.tell
        )
        self._news = MachineNews(watch, record.tell)
        self._turnstile = Turnstile(stop, progress, watch.clock, self.keep, record.tell)
        self._feed = Feed(train, self._choice.batch_size, self._choice.seed)
        self._saved = self._standing if saved else None
        self._outlook = Outlook(
            self._choice,
            effort_with(
                plan.model, self._choice, len(pupil.model.layers), keeps=getattr(pupil.loss, "states", None) is not None
            ),
            [Row(example.length, example.supervised) for example in train],
            [Row(example.length, example.supervised) for example in valid],
            progress.iteration,
            progress.order_from,
        )

    @property
    def pace(self) -> tuple[float | None, int]:
        """Seconds of a unit of work in this session, None where it was too short, and how many steps it had."""
        return self._outlook.seconds_per_work, self._outlook.steps_seen

    @property
    def _standing(self) -> tuple[int, int, int]:
        """What makes one checkpoint differ from another."""
        return self.progress.iteration, self.progress.validated, self._guard.micro_batch

    @property
    def _learning_rate(self) -> float:
        """Of the last update; of the first where there was none yet."""
        return float(self._stepper.optimizer.learning_rate.item())

    def run(self) -> None:
        """Train to the end.

        Raises:
            Stopped: asked to; call `keep` then.
            TrainingError: it makes no sense to go on; call `keep` then.
            StorageError: nothing more can be written; earlier checkpoints are as they were.
        """
        self._pupil.model.train()
        batches = self._feed.batches(self.progress.iteration - self.progress.order_from)
        while True:
            if self._samples_due():  # before the validation, whose checkpoint then holds that they are answered
                self._answer_samples()
            if self._validation_due():
                self._validate()
            if self._checkpoint_due():
                self._save()
            if self.progress.iteration >= self._choice.iters or has_given_up(self.progress, self._choice):
                break
            self._turnstile.check()
            self._guard.look()
            self._news.between_steps(self.progress.iteration)
            self._step(next(batches))
        self.keep()

    def keep(self) -> None:
        """Put everything on the disk as it stands: checkpoint, and the adapter if there is no better one.

        Raises:
            StorageError: the disk is full or the folder not writable.
        """
        if not self.progress.iteration or not self._stepper.whole:
            return
        if self.progress.best_iteration is None:
            self._save_adapter()
        if self._saved != self._standing:
            self._save()

    def ended(self, *, finished: bool) -> TrainingEnded:
        """How the session ended; `finished` says whether the run did."""
        progress = self.progress
        return TrainingEnded(
            run=self._plan.run.name,
            iteration=progress.iteration,
            iters=self._choice.iters,
            finished=finished,
            best_loss=progress.best_loss,
            best_iteration=progress.best_iteration,
            elapsed_seconds=progress.elapsed,
            time=time.time(),
            early=finished and progress.iteration < self._choice.iters,
        )

    def _step(self, batch: Batch) -> None:
        progress, choice = self.progress, self._choice
        began = self._clock()
        what = _("step {iteration:,}", iteration=progress.iteration + 1)
        update = (progress.iteration + 1) % choice.grad_accumulation_steps == 0
        result = self._guard.retrying(what, lambda micro_batch: self._stepper.step(batch, micro_batch, update=update))
        seconds = self._clock() - began
        progress.iteration += 1
        progress.elapsed += seconds
        self._outlook.saw_step(progress.iteration, seconds)
        if result.taken:
            progress.skipped.clear()
            progress.trained_tokens += batch.tokens
            count_step(progress.window, batch, result, self._learning_rate, seconds)
        else:
            self._skip(batch, result)
        due = progress.iteration % choice.steps_per_report == 0 or progress.iteration == choice.iters
        if due and progress.window.steps:
            left = self._outlook.left(progress.iteration)
            event = report(progress, choice, self._feed.batches_per_epoch, left)
            progress.window = Window()
            self._record.tell(event)
            self._news.after_report(event, self._guard.micro_batch)

    def _skip(self, batch: Batch, result: StepResult) -> None:
        reason = _("the gradient is not finite") if math.isfinite(result.loss) else _("the loss is not finite")
        self._record.tell(StepSkipped(self.progress.iteration, reason, batch.lines, time.time()))
        self.progress.skipped.append(list(batch.lines))
        if len(self.progress.skipped) >= MOST_SKIPPED:
            suspects = sorted({line for lines in self.progress.skipped for line in lines})
            raise TrainingError(
                _(
                    "{count} steps in a row gave no finite gradient ({rows} of {name}); the weights are as before them",
                    count=MOST_SKIPPED,
                    rows=lines_in_words(suspects),
                    name=TRAIN_FILE,
                ),
                where=self._plan.run.name,
                advice=_("Look at these rows, or train with a smaller learning rate; then start a new run."),
            )

    def _evaluation_due(self) -> bool:
        done = self.progress.iteration
        return done % self._choice.steps_per_eval == 0 or done == self._choice.iters

    def _samples_due(self) -> bool:
        return self._sampler is not None and self._evaluation_due() and self.progress.sampled != self.progress.iteration

    def _answer_samples(self) -> None:
        assert self._sampler is not None
        progress, began = self.progress, self._clock()
        self._sampler.answer(progress.iteration, tell=self._record.tell, stop=self._turnstile.as_token())
        seconds = self._clock() - began
        progress.sampled = progress.iteration
        progress.elapsed += seconds
        self._outlook.saw_samples(seconds)

    def _validation_due(self) -> bool:
        when = self._evaluation_due() or self.progress.validated < 0  # never measured, or on other rows
        return bool(self._valid) and when and self.progress.validated != self.progress.iteration

    def _validate(self) -> None:
        pupil, progress = self._pupil, self.progress
        measured = self._guard.retrying(
            _("the held-out loss"),
            lambda micro_batch: held_out_loss(
                pupil.model,
                pupil.loss,
                self._valid,
                micro_batch,
                emit=self._record.tell,
                check=self._turnstile.check,
                clock=self._clock,
            ),
        )
        self._outlook.saw_validation(measured.seconds)
        if not math.isfinite(measured.loss):
            raise TrainingError(
                _("the model gives no finite loss on any held-out row"),
                where=self._plan.run.name,
                advice=_("Train with a smaller learning rate, or choose another model; then start a new run."),
            )
        if measured.spoilt:
            rows = lines_in_words(list(measured.spoilt))
            text = _("{name}: {rows} give no finite loss and were not counted", name=VALID_FILE, rows=rows)
            self._record.tell(Notice(text, "warning"))
        progress.elapsed += measured.seconds
        progress.validated = progress.iteration
        best = self._note_loss(measured.loss)
        self._record.tell(Validation(progress.iteration, measured.loss, best, measured.seconds, time.time()))
        if progress.iteration and (why := count_evaluation(progress, self._choice, best=best)):
            self._record.tell(Notice(why))
        if best:
            self._save_adapter()
            self._save()

    def _note_loss(self, loss: float) -> bool:
        """Whether `loss` is the best after a step; before the first there is nothing trained to keep."""
        progress = self.progress
        if progress.iteration == 0:
            progress.first_loss = loss
            return False
        if progress.best_loss is not None and loss >= progress.best_loss:
            return False
        progress.best_loss, progress.best_iteration = loss, progress.iteration
        return True

    def _checkpoint_due(self) -> bool:
        done = self.progress.iteration
        when = done > 0 and (done % self._choice.save_every == 0 or done == self._choice.iters)
        return when and self._saved != self._standing

    def _save(self) -> None:
        # The adapter always comes before the checkpoint: killed between the two, the run does these steps once more and
        # writes the same adapter; the other way round it would never write it.
        if not self._valid:
            self._save_adapter()
        began = self._clock()
        pupil, run, iteration = self._pupil, self._plan.run, self.progress.iteration
        event = CheckpointSaved(iteration, str(checkpoint_folder(run, iteration)), time.time())
        with self._record.kept_if_done(event) as length:
            save_checkpoint(
                run, pupil.stepper, self.progress, pupil.adapter_config, length, keep=self._choice.keep_checkpoints
            )
        self._saved = self._standing
        seconds = self._clock() - began
        self._outlook.saw_checkpoint(seconds)
        self.progress.elapsed += seconds

    def _save_adapter(self) -> None:
        save_adapter(self._plan.run, self._pupil.model, self._pupil.adapter_config)
