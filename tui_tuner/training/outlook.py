"""How long the rest of a run will take, and how far off that may be.

The work of every step to come is known from the rows it will hold; what a unit of work takes is known from the steps
seen. So the time left does not jump with every long batch, and the first epoch, which computes what is kept, does not
make the others look longer than they will be.
"""

from __future__ import annotations

import functools
import itertools
import math
import statistics
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from tui_tuner.choices import TrainingChoice
from tui_tuner.training.effort import Effort, Row, states_of, steps_of_epoch, validation_of

CALIBRATION = 3  # steps before anything is said
WINDOW = 60  # steps that count
BLOCKS = 6  # parts of the window that are compared: a machine that slows down shows between them
SIGMAS = 2.0
MOST_EPOCHS, MOST_ROWS = 16, 20_000  # looked at for a usual epoch
LEAST_ERROR = 0.02  # of the time left; no machine is steadier


@dataclass(frozen=True)
class TimeLeft:
    """Seconds until the end, and how far off they may be: nine of ten times it is no more."""

    seconds: float
    error: float


class Outlook:
    """The time left of one session. A step that computes states for later ones is as much more work.

    Args:
        choice: steps in all, and when something is measured and saved.
        effort: what rows cost.
        train: the training rows.
        valid: the held-out rows.
        done: steps done by earlier sessions.
        order_from: after which step these rows began to be trained on; their order counts from there.

    Attributes:
        steps_seen: in this session.
    """

    def __init__(
        self,
        choice: TrainingChoice,
        effort: Effort,
        train: Sequence[Row],
        valid: Sequence[Row],
        done: int = 0,
        order_from: int = 0,
    ) -> None:
        self._choice, self._effort, self._train = choice, effort, train
        self.steps_seen = 0
        self._steps: deque[tuple[float, float]] = deque(maxlen=WINDOW)  # seconds and work
        self._work_of_validation = validation_of(effort, valid, choice.batch_size) if valid else 0.0
        self._work_of_valid_states = states_of(effort, valid)
        self._seconds_of_validation: float | None = None
        self._seconds_of_checkpoint = self._seconds_of_samples = 0.0
        self._first, self._order_from, self._epoch = done - order_from, order_from, -1
        self._rest = self._rest_of_states = [0.0]

    def whole_work(self) -> float:
        """Work of the whole run, its validations included."""
        validations = self._due(self._choice.steps_per_eval, 0) * self._work_of_validation
        return self._work_between(0, self._choice.iters) + validations + self._work_of_valid_states

    def saw_step(self, done: int, seconds: float) -> None:
        """The step that made it `done` steps took `seconds`."""
        self.steps_seen += 1
        self._steps.append((seconds, self._work_between(done - 1, done)))

    def saw_validation(self, seconds: float) -> None:
        """A validation took `seconds`; the first of a session computes states that the others use."""
        work, states = self._work_of_validation, self._work_of_valid_states
        if self._seconds_of_validation is None and work + states:
            seconds *= work / (work + states)
        self._seconds_of_validation = seconds

    def saw_samples(self, seconds: float) -> None:
        """Answering the sample prompts, at every evaluation, took `seconds`."""
        self._seconds_of_samples = seconds

    def saw_checkpoint(self, seconds: float) -> None:
        """Saving everything took `seconds`."""
        self._seconds_of_checkpoint = seconds

    @property
    def seconds_per_work(self) -> float | None:
        """What a unit of work takes; None before the calibration is over."""
        if len(self._steps) < CALIBRATION:
            return None
        return sum(seconds for seconds, _work in self._steps) / sum(work for _seconds, work in self._steps)

    def left(self, done: int) -> TimeLeft | None:
        """The time left after `done` steps; None before anything can be said."""
        rate, iters = self.seconds_per_work, self._choice.iters
        if rate is None:
            return None
        work = self._work_between(done, iters)
        relative = self._relative_error(rate, iters - done)
        validation = self._seconds_of_validation or rate * self._work_of_validation
        evaluation = self._seconds_of_samples + (validation if self._work_of_validation else 0.0)
        rest = self._due(self._choice.steps_per_eval, done) * evaluation
        rest += self._due(self._choice.save_every, done) * self._seconds_of_checkpoint
        seconds = work * rate + rest
        return TimeLeft(seconds, relative * seconds)

    def _due(self, every: int, done: int) -> int:
        """How often something is still to be done that is done every so many steps and at the end."""
        iters = self._choice.iters
        regular = iters // every - (done - 1) // every  # one may be due right now
        return regular + (iters % every != 0)

    def _relative_error(self, rate: float, steps_left: int) -> float:
        """How far off the time left may be, as a part of it."""
        ratios = [seconds / work / rate for seconds, work in self._steps]
        spread = statistics.pstdev(ratios)
        size = max(len(ratios) // BLOCKS, 1)
        blocks = [statistics.fmean(ratios[begin : begin + size]) for begin in range(0, len(ratios), size)]
        # Chance alone, and what a machine does that is busy at times.
        between = statistics.pstdev(blocks) if len(blocks) > 1 else 0.0
        of_the_rate = max(spread / math.sqrt(len(ratios)), between)
        few = math.sqrt(CALIBRATION / len(ratios))  # three steps say little about how steady a machine is
        left = max(steps_left, 1)
        error = math.hypot(of_the_rate, spread / math.sqrt(left), between / math.sqrt(max(left / size, 1)))
        return min(max(SIGMAS * error * (1 + few), LEAST_ERROR), 1.0)

    # -- work of steps to come -----------------------------------------------------------------------------------------

    @property
    def _an_epoch(self) -> int:
        """Steps of an epoch."""
        return -(-len(self._train) // self._choice.batch_size)

    def _work_between(self, begin: int, end: int) -> float:
        """Work of the steps after `begin` up to `end`, states that nobody has met yet included."""
        if end <= begin:
            return 0.0
        begin, end = begin - self._order_from, end - self._order_from
        self._look_into_epoch(begin // self._an_epoch)
        # Every row is met in as many steps as an epoch has, whichever is a session's first.
        met = self._first + self._an_epoch
        states = 0.0
        if begin < met:
            states = self._sum(self._rest_of_states, begin, min(end, met), self._rest_of_states[0])
        return self._sum(self._rest, begin, end, self._usual_epoch) + states

    @functools.cached_property
    def _usual_epoch(self) -> float:
        """Work of an epoch's steps: who shares a batch with whom, and so the padding, differs a little."""
        few = range(max(1, min(MOST_EPOCHS, MOST_ROWS // len(self._train))))
        sums = [
            sum(work.step for work in steps_of_epoch(self._effort, self._train, self._choice, epoch)) for epoch in few
        ]
        return statistics.fmean(sums)

    def _sum(self, rest: Sequence[float], begin: int, end: int, an_epoch: float) -> float:
        """The sum over the steps after `begin` up to `end`; those of later epochs are a part of a usual one."""
        place = begin % self._an_epoch
        in_this = min(end - begin, self._an_epoch - place)
        later = (end - begin - in_this) / self._an_epoch
        return rest[place] - rest[place + in_this] + later * an_epoch

    def _look_into_epoch(self, epoch: int) -> None:
        """Know, for each step of an epoch, the work from it to the epoch's end."""
        if epoch == self._epoch:
            return
        works = steps_of_epoch(self._effort, self._train, self._choice, epoch)
        self._epoch = epoch
        self._rest = _sums_to_the_end([work.step for work in works])
        self._rest_of_states = _sums_to_the_end([work.states for work in works])


def _sums_to_the_end(works: Sequence[float]) -> list[float]:
    """The sum from each place on; one more, 0, for the end."""
    return [*itertools.accumulate(reversed(works), initial=0.0)][::-1]
