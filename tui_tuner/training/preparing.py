"""All that must be there before the first step: model, rows, adapter, optimizer, and the quickest right loss."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import Any

from tui_tuner.errors import DatasetError
from tui_tuner.language import _
from tui_tuner.models.loading import load_model, load_tokenizer
from tui_tuner.progress import Emit, Event, Notice, StageProgress, StopToken
from tui_tuner.teachers.making_room import make_room
from tui_tuner.training.adapter import attach_adapter
from tui_tuner.training.examples import Examples, read_examples
from tui_tuner.training.loop import Stepper
from tui_tuner.training.machine_news import display_notices
from tui_tuner.training.memory_check import check_memory
from tui_tuner.training.optimization import advice_on, make_optimizer
from tui_tuner.training.plan import TrainingPlan
from tui_tuner.training.pupil import Pupil
from tui_tuner.training.row_notices import notices
from tui_tuner.training.run_config import TEST_FILE, TRAIN_FILE, VALID_FILE
from tui_tuner.training.samples import Sampler, sample_prompts


@dataclass
class Prepared:
    """What a session needs.

    Attributes:
        pupil: what is trained.
        train: the training rows, at least one of them usable.
        valid: the held-out rows, perhaps none.
        test: the rows of the final test, perhaps none.
        sampler: answers the sample prompts; None where there are none.
        notices: what a person should know at the start of a run, and what it is expected to take.
        machine_notices: what a person should know of the machine, whenever a run begins or goes on.
    """

    pupil: Pupil
    train: Examples
    valid: Examples
    test: Examples
    sampler: Sampler | None
    notices: list[Event]
    machine_notices: list[Notice]


def prepare(plan: TrainingPlan, emit: Emit, stop: StopToken) -> Prepared:
    """Load the model, turn the rows into tokens, and set up what is trained, as `plan` says.

    Raises:
        Stopped: asked to.
        DatasetError: no usable row.
        ModelError: the model cannot be loaded.
        TrainingError: the model cannot be trained so, or surely does not fit into memory.
        ConfigurationError: settings that do not go together.
    """
    stop.check()
    gc.collect()  # rings of its parts hold the model of an earlier run in this process
    machine_notices = [*make_room(plan.free_ollama, stop), *display_notices()]
    tokenizer = load_tokenizer(plan.model, trust_remote_code=plan.trust_remote_code)
    files = (TRAIN_FILE, VALID_FILE, TEST_FILE)
    train, valid, test = (_read_rows(plan, name, tokenizer, emit, stop) for name in files)
    if not train.usable:
        why = train.refused[0].reason if train.refused else _("the file is empty")
        raise DatasetError(
            _("there is no row to learn from: {why}", why=why),
            where=str(train.path),
            advice=_("Mend the file, or make the dataset again with: tuner data"),
        )
    forecast = check_memory(plan, train, valid)
    stage = _("Loading the model")
    emit(StageProgress(stage, 0, 1, detail=plan.model_name))
    loaded = load_model(plan.model, trust_remote_code=plan.trust_remote_code, tokenizer=tokenizer)
    emit(StageProgress(stage, 1, 1, ended=True, detail=plan.model_name))
    pupil, slower = _pupil(plan, loaded.model, [*train.usable, *valid.usable], emit)
    prompts = sample_prompts(plan.choice, plan.data, loaded)
    sampler = Sampler(loaded, prompts, plan.choice.sample_tokens) if prompts else None
    known = [*(Notice(text) for text in plan.reasons), *forecast, *_notices(plan, train, valid, test), *slower]
    return Prepared(pupil, train, valid, test, sampler, known, machine_notices)


def _read_rows(plan: TrainingPlan, name: str, tokenizer: Any, emit: Emit, stop: StopToken) -> Examples:
    choice = plan.choice
    return read_examples(
        plan.data / name,
        tokenizer,
        max_seq_length=choice.max_seq_length,
        mask_prompt=choice.mask_prompt,
        emit=emit,
        stop=stop,
    )


def _pupil(plan: TrainingPlan, model: Any, examples: list[Any], emit: Emit) -> tuple[Pupil, list[Notice]]:
    import mlx.core as mx

    # Its modules are MLX's, and MLX must not come before BLAS.
    from tui_tuner.training.shortcuts.proof import quick_loss

    if (limit := mx.device_info().get("max_recommended_working_set_size")) is not None:
        mx.set_wired_limit(int(limit))  # on Metal: what mlx-lm does for its own training
    mx.reset_peak_memory()
    adapter_config = attach_adapter(model, plan)
    optimizer = make_optimizer(plan.choice)
    folder = plan.run if plan.run.is_dir() else plan.data  # a machine that follows has no run's folder
    stage = _("Trying the shortcuts")  # on two rows: on a large model that takes a while
    emit(StageProgress(stage, 0, 1))
    loss, found = quick_loss(
        model, examples, plan.choice, folder=folder, tell=lambda text: emit(Notice(text, "warning"))
    )
    emit(StageProgress(stage, 1, 1, ended=True))
    optimizer.init(model.trainable_parameters())  # shortcuts change the tree in which its state is kept
    return Pupil(Stepper(model, optimizer, loss, grad_clip=plan.choice.grad_clip), loss, adapter_config), found


def _notices(plan: TrainingPlan, train: Examples, valid: Examples, test: Examples) -> list[Notice]:
    found = [notice for part in (train, valid, test) for notice in notices(part, plan.choice.max_seq_length)]
    if not valid.usable:
        text = _("no held-out rows ({name}): the adapter is the last one, not the best", name=VALID_FILE)
        found.append(Notice(text, "warning"))
    return [*found, *(Notice(text, "warning") for text in advice_on(plan.choice))]
