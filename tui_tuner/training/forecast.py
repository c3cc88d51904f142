"""What a run will take of memory and time, before it starts: from the rows, the model's parts, and earlier runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tui_tuner.choices import TrainingChoice
from tui_tuner.environment.memory import memory_facts, usable
from tui_tuner.models.anatomy import Anatomy, read_anatomy
from tui_tuner.models.catalogue import model_fingerprint
from tui_tuner.models.device import cores_here, has_gpu
from tui_tuner.models.loading import load_tokenizer
from tui_tuner.progress import Emit, Event, StopToken
from tui_tuner.project import Project
from tui_tuner.training.effort import Row, effort_of
from tui_tuner.training.memory_advice import Change, advice_in_words, changes_that_fit, surely_too_much, tight
from tui_tuner.training.memory_estimate import Machine, MemoryEstimate, estimate_memory
from tui_tuner.training.outlook import TimeLeft
from tui_tuner.training.row_lengths import MeasuredRow, measure_rows, within
from tui_tuner.training.run_config import TRAIN_FILE, VALID_FILE
from tui_tuner.training.speeds import known_speeds, rough_time

Verdict = Literal["fits", "tight", "too_much"]


def this_machine() -> Machine:
    """The machine as it is now; of memory may be used on a Mac what Metal allows, elsewhere what is free."""
    facts = memory_facts()
    return Machine(usable(facts), facts.total, has_gpu(), cores_here())


@dataclass(frozen=True)
class Forecast(Event):
    """What a run will take.

    Attributes:
        memory: at its fullest moment.
        limit: bytes it may take.
        verdict: whether it fits, may fit, or surely does not.
        advice: the nearest settings that fit, in a sentence; empty where these do.
        seconds: how long the run will take; None where no earlier run tells.
        error: how far off that may be.
    """

    memory: MemoryEstimate
    limit: int
    verdict: Verdict
    advice: str
    seconds: float | None
    error: float | None


class Forecaster:
    """Foretells runs of one model on one dataset, for any settings.

    Args:
        anatomy: of the base model.
        train: the training rows, whole.
        valid: the held-out rows, whole.
        machine: what may be used.
        speeds: seconds of a unit of work in earlier runs of the model.
    """

    def __init__(
        self,
        anatomy: Anatomy,
        train: Sequence[MeasuredRow],
        valid: Sequence[MeasuredRow],
        machine: Machine,
        speeds: Sequence[float] = (),
    ) -> None:
        self.anatomy, self.machine = anatomy, machine
        self.train, self.valid, self._speeds = train, valid, speeds
        self._cut: tuple[int, list[Row], list[Row]] | None = None  # the rows at the sequence length last asked for

    def squeezed(self, bits: int) -> Forecaster:
        """One for the same model in `bits` bits per weight; itself where that changes nothing."""
        anatomy = self.anatomy.squeezed(bits)
        return self if anatomy is self.anatomy else Forecaster(anatomy, self.train, self.valid, self.machine)

    def rows(self, longest: int) -> tuple[list[Row], list[Row]]:
        """The training and the held-out rows that can be learned from when no more than `longest` tokens are."""
        cut = self._cut
        if cut is None or cut[0] != longest:
            cut = self._cut = (longest, within(self.train, longest), within(self.valid, longest))
        return cut[1], cut[2]

    def memory(self, choice: TrainingChoice) -> MemoryEstimate | None:
        """What a run takes at its fullest moment; None where no row can be trained on."""
        rows, held_out = self.rows(choice.max_seq_length)
        if not rows:
            return None
        return estimate_memory(self.anatomy, choice, rows, held_out, self.machine)

    def time(self, choice: TrainingChoice) -> TimeLeft | None:
        """How long a run takes; None where no earlier run tells."""
        rows, held_out = self.rows(choice.max_seq_length)
        if not rows:
            return None
        effort = effort_of(self.anatomy, choice, keeps=choice.kept_states)
        return rough_time(choice, effort, rows, held_out, self._speeds)

    def forecast(self, choice: TrainingChoice) -> Forecast | None:
        """What a run will take; None where no row can be trained on."""
        memory, limit = self.memory(choice), self.machine.usable
        if memory is None:
            return None
        verdict: Verdict = "fits"
        if tight(memory, limit):
            verdict = "too_much" if surely_too_much(memory, limit) else "tight"
        advice = "" if verdict == "fits" else advice_in_words(self.changes_that_fit(choice))
        left = self.time(choice)
        return Forecast(memory, limit, verdict, advice, left.seconds if left else None, left.error if left else None)

    def changes_that_fit(self, choice: TrainingChoice) -> list[Change]:
        """The nearest settings that fit; none where only a smaller model does."""
        return changes_that_fit(choice, self.memory, self.machine.usable, len(self.anatomy.layers))


def measured_forecaster(project: Project, model: Path, *, emit: Emit, stop: StopToken) -> Forecaster:
    """A forecaster for runs of `project` with the base model in the folder `model`; measures every row.

    Where the project has it quantized, `model` may be the folder it is to be made from.

    Raises:
        DatasetError: the rows are conversations and the model has no chat template.
        ModelError: the tokenizer cannot be read, or the model's parts not be told.
        StorageError: a file cannot be read.
        Stopped: asked to.
    """
    tokenizer = load_tokenizer(model, trust_remote_code=project.choices.model.trust_remote_code)
    mask = project.choices.training.mask_prompt
    train, valid = (
        measure_rows(project.data / name, tokenizer, mask_prompt=mask, emit=emit, stop=stop)
        for name in (TRAIN_FILE, VALID_FILE)
    )
    return open_forecaster(model, train, valid).squeezed(project.choices.model.bits)


def open_forecaster(model: Path, train: Sequence[MeasuredRow], valid: Sequence[MeasuredRow]) -> Forecaster:
    """A forecaster for the base model in the folder `model`, on this machine as it is now.

    Raises:
        ModelError: the model's parts cannot be told.
        StorageError: its files cannot be read.
    """
    anatomy = read_anatomy(model)
    return Forecaster(anatomy, train, valid, this_machine(), known_speeds(model_fingerprint(model)))
