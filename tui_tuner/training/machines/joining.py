"""How the machines of a run become one: they see that all have the same, and take over where the first one stands."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tui_tuner.errors import TrainingError, TunerError
from tui_tuner.language import _
from tui_tuner.progress import StopToken, ignore_event
from tui_tuner.training.grad_checkpoint import checkpointing
from tui_tuner.training.loop import Stepper
from tui_tuner.training.machines.group import MEASURE, STEP, Group, MachineLost
from tui_tuner.training.machines.parts import Parts, SharedGradient, SharedLoss, fingerprint, reseed
from tui_tuner.training.plan import TrainingPlan
from tui_tuner.training.preparing import Prepared, prepare
from tui_tuner.training.pupil import Pupil

if TYPE_CHECKING:
    import mlx.core as mx

NOT_READY = 0


@contextlib.contextmanager
def leading(group: Group, plan: TrainingPlan, prepared: Prepared, steps: int) -> Iterator[Pupil]:
    """Have the other machines follow this one, from where it stands after `steps` steps, to the end of the block.

    Yields:
        What is trained, together with the others.

    Raises:
        TrainingError: another machine is not ready, has other rows or settings, or is gone.
    """
    parts, mark = _parts(group, plan, prepared)
    told = group.gather(mark)
    unready = [rank for rank, other in enumerate(told) if other == NOT_READY]
    if unready or any(other != mark for other in told):
        _refuse(unready or [rank for rank, other in enumerate(told) if other != mark], other_rows=not unready)
    pupil = prepared.pupil
    stepper = pupil.stepper
    _take_over(group, stepper, steps)
    stepper.gradient_of = SharedGradient(stepper.model, stepper.gradient_of, parts)
    try:
        yield dataclasses.replace(pupil, loss=SharedLoss(pupil.loss, parts))
    finally:
        with contextlib.suppress(MachineLost):  # why it ends is known already
            parts.end()


def _refuse(ranks: list[int], *, other_rows: bool) -> None:
    machines = ", ".join(_("machine {number}", number=rank + 1) for rank in ranks)
    if other_rows:
        raise TrainingError(
            _("{machines} has other training files or settings than this one", machines=machines),
            advice=_("Copy the project's data folder to the same place there, and the same version of tuner."),
        )
    raise TrainingError(
        _("{machines} is not ready", machines=machines),
        advice=_("It needs the same model and the same data in the same folders as this machine."),
    )


def follow(group: Group, plan: TrainingPlan) -> None:
    """Do this machine's part of whatever the leading one orders, until it says that all is done.

    Raises:
        TunerError: this machine is not ready; the others have been told.
        MachineLost: one of them is gone.
    """
    try:
        prepared = prepare(plan, ignore_event, StopToken())
    except TunerError:
        group.gather(NOT_READY)
        raise
    parts, mark = _parts(group, plan, prepared)
    told = group.gather(mark)
    if any(other != mark for other in told):
        return  # the leading machine says why
    pupil = prepared.pupil
    with contextlib.closing(pupil.loss), checkpointing(plan.choice, pupil.model):
        _obey(group, plan, pupil, parts)


def _obey(group: Group, plan: TrainingPlan, pupil: Pupil, parts: Parts) -> None:
    stepper, loss = pupil.stepper, SharedLoss(pupil.loss, parts)
    steps = _take_over(group, stepper, 0)
    shared: Any = SharedGradient(stepper.model, stepper.gradient_of, parts)
    stepper.gradient_of = shared.together  # no order has to be given here
    pupil.model.train()
    while True:
        kind, rows = group.hear(parts.room)
        part: Any = parts.own(rows)
        if kind == STEP:
            reseed(plan.choice.seed, group.rank, steps)
            steps += 1
            stepper.step(part, update=steps % plan.choice.grad_accumulation_steps == 0)
        elif kind == MEASURE:
            pupil.model.eval()
            loss.together(pupil.model, part)
            pupil.model.train()
        else:
            return


def _parts(group: Group, plan: TrainingPlan, prepared: Prepared) -> tuple[Parts, int]:
    examples = [*prepared.train.usable, *prepared.valid.usable]
    return Parts(group, examples, plan.choice.batch_size), fingerprint(examples, repr(plan.choice)) or 1


def _take_over(group: Group, stepper: Stepper, steps: int) -> int:
    """Put every machine where the leading one stands; returns how many steps it has done."""
    from mlx.utils import tree_unflatten

    steps = group.gather(steps)[0]
    batches = group.gather(stepper.batches)[0]
    weights = group.share(_flat(stepper.model.trainable_parameters()))
    stepper.model.load_weights(list(weights.items()), strict=False)
    stepper.optimizer.state = tree_unflatten(list(group.share(_flat(stepper.optimizer.state)).items()))
    if batches:
        waiting = stepper.model.trainable_parameters() if stepper.gathered is None else stepper.gathered
        stepper.wait_with(group.share(_flat(waiting)), batches)
    return steps


def _flat(tree: Any) -> dict[str, mx.array]:
    from mlx.utils import tree_flatten

    return dict(tree_flatten(tree))
