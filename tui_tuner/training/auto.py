"""Settings that suit this machine, this model and this dataset, each with its reason in a line.

What a person gave for this run alone is left as it is. Where rules were published, the functions name them; the others
are rules of thumb, written down so that they can be disagreed with.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Sequence
from typing import Any

from tui_tuner import figures
from tui_tuner.choices import CONSTANT, ModelChoice, TrainingChoice
from tui_tuner.errors import TrainingError
from tui_tuner.language import _
from tui_tuner.progress import Emit
from tui_tuner.project import Project, open_project, save_project
from tui_tuner.training.auto_base import QUANTIZE, smaller_model, squeezed_base
from tui_tuner.training.auto_memory import BATCH, LAYERS_ON_A_GPU, best_fit, wanted_layers
from tui_tuner.training.auto_rate import epochs_for, rank_for, rate_for, scale_for, warmup_for
from tui_tuner.training.effort import Row, effort_of, steps_of_epoch, validation_of
from tui_tuner.training.forecast import Forecaster
from tui_tuner.training.memory_estimate import changed_numbers
from tui_tuner.training.optimization import updates_of
from tui_tuner.training.suggestions import MODEL, Suggestion, applied_to_all, reasons_of

LENGTH_STEP, SHORTEST = 64, 128
USUAL, FAR_LONGER = 0.99, 2.0  # part of the examples that must fit whole where the longest is so much longer
EVALUATIONS, LEAST_BETWEEN = 20, 5
EVALUATION_SHARE = 0.15  # of the work of training
PATIENCE, FEW_HELD_OUT, PATIENCE_WITH_FEW = 4, 10, 6


def suggest(
    forecaster: Forecaster, model: ModelChoice, choice: TrainingChoice, given: Collection[str] = ()
) -> list[Suggestion]:
    """The settings that suit, also those that are so already.

    Args:
        forecaster: knows machine, model and dataset.
        model: the base model as it is chosen.
        choice: the settings now.
        given: names of those that a person gave for this run; they stay. Those of the base model begin with `model.`.

    Raises:
        TrainingError: no row can be learned from.
    """
    return _Auto(forecaster, model, choice, given).all()


class _Auto:
    """Decides one setting after the other; later ones see the earlier."""

    def __init__(
        self, forecaster: Forecaster, model: ModelChoice, choice: TrainingChoice, given: Collection[str]
    ) -> None:
        self._forecaster, self._model, self._given = forecaster, model, frozenset(given)
        self._before = self._choice = choice
        self._found: list[Suggestion] = []

    def all(self) -> list[Suggestion]:
        self._length()
        rows, held_out = self._forecaster.rows(self._choice.max_seq_length)
        if not rows:
            raise TrainingError(_("there is no row to learn from"), advice=_("Make the dataset again with: tuner data"))
        self._kind(rows)
        self._adapters(rows)
        self._base(rows)
        self._memory(rows)
        self._rate(rows)
        self._steps(rows)
        self._schedule()
        self._evaluations(rows, held_out)
        self._patience(held_out)
        return self._found

    def _say(self, name: str, value: Any, why: str) -> None:
        if name not in self._given:
            self._found.append(Suggestion(name, getattr(self._before, name), value, why))
            self._choice = dataclasses.replace(self._choice, **{name: value})

    def _length(self) -> None:
        lengths = sorted(row.length for row in self._forecaster.train)
        if not lengths:
            return
        longest, usual = lengths[-1], lengths[math.ceil(USUAL * len(lengths)) - 1]
        covered = usual if longest > FAR_LONGER * usual else longest
        value = max(SHORTEST, math.ceil(covered / LENGTH_STEP) * LENGTH_STEP)
        cut = sum(length > value for length in lengths)
        why = _("the longest example has {longest} tokens", longest=f"{longest:,}")
        if cut:
            words = {"cut": f"{cut:,}", "all": f"{len(lengths):,}", "longest": f"{longest:,}"}
            why = _("cuts {cut} of {all} examples; the longest has {longest} tokens", **words)
        self._say("max_seq_length", value, why)

    def _kind(self, rows: Sequence[Row]) -> None:
        """Adapters unless all weights are wanted and can be trained (QLoRA, arXiv 2305.14314, for quantized bases)."""
        kind = self._choice.fine_tune_type
        if self._forecaster.anatomy.quantized and kind != "dora":
            self._say("fine_tune_type", "lora", _("a quantized base learns in adapters beside its weights"))
        elif kind == "lora":
            self._say("fine_tune_type", kind, _("adapters learn a dataset like this as well as all weights would"))
        elif kind == "full" and not best_fit(self._forecaster, self._choice, self._given, len(rows)).fits:
            self._say("fine_tune_type", "lora", _("memory does not suffice to train all weights"))

    def _adapters(self, rows: Sequence[Row]) -> None:
        if self._choice.fine_tune_type == "full":
            return
        layers = self._choice.num_layers if "num_layers" in self._given else wanted_layers(self._forecaster)
        one = dataclasses.replace(self._choice, rank=1)
        numbers = changed_numbers(self._forecaster.anatomy.trained(layers), one)
        tokens = sum(row.supervised for row in rows)
        rank = rank_for(numbers, tokens)
        words = {"numbers": _round_number(rank * numbers), "tokens": f"{tokens:,}"}
        self._say("rank", rank, _("{numbers} numbers to hold {tokens} learned tokens", **words))
        rank = self._choice.rank
        self._say("scale", scale_for(rank), _("as strong as mlx-lm's 20 at rank 8"))

    def _base(self, rows: Sequence[Row]) -> None:
        """The base in 4 bits where it fits only so; what comes after is decided for that."""
        if QUANTIZE in self._given:
            return
        found = squeezed_base(self._forecaster, self._model, self._choice, self._given, len(rows))
        if found is not None:
            self._forecaster, suggestion = found
            self._found.insert(0, suggestion)

    def _memory(self, rows: Sequence[Row]) -> None:
        """Batch, layers and checkpointing: the first that fit well."""
        machine = self._forecaster.machine
        fit = best_fit(self._forecaster, self._choice, self._given, len(rows))
        option = fit.settings
        words = {"total": figures.memory(fit.total), "limit": figures.memory(machine.usable)}
        fits = _("takes about {total} of {limit}", **words)
        if not fit.fits:
            fits += _(", the least there is; {smaller}", smaller=smaller_model(machine, self._model))
        self._say("batch_size", option["batch_size"], fits)
        updates = option["grad_accumulation_steps"]
        why = _("so that an update still sees {rows} rows", rows=BATCH) if updates > 1 else _("a batch is an update")
        self._say("grad_accumulation_steps", updates, why)
        self._say("num_layers", option["num_layers"], self._why_layers(option["num_layers"], fit.wanted))
        why = _("memory suffices without")
        if option["grad_checkpoint"]:
            why = _("memory suffices only so; a step takes about a third longer")
        self._say("grad_checkpoint", option["grad_checkpoint"], why)

    def _why_layers(self, layers: int, wanted: bool) -> str:
        most = len(self._forecaster.anatomy.layers)
        if layers == most:
            return _("all there are")
        if not wanted and layers < wanted_layers(self._forecaster):
            return _("as many as memory allows")
        if layers == LAYERS_ON_A_GPU:
            return _("of {most}: mlx-lm's own {layers}", most=most, layers=LAYERS_ON_A_GPU)
        return _("of {most}: without a GPU each costs much time", most=most)

    def _rate(self, rows: Sequence[Row]) -> None:
        width, choice, epochs = self._forecaster.anatomy.hidden, self._choice, epochs_for(len(rows))
        rate = rate_for(width, choice.scale * choice.rank, epochs, full=choice.fine_tune_type == "full")
        why = _("for a model {width} numbers wide, and examples seen {epochs} times", width=f"{width:,}", epochs=epochs)
        if epochs == 1:
            why = _("for a model {width} numbers wide; wider ones learn with smaller steps", width=f"{width:,}")
        self._say("learning_rate", rate, why)

    def _steps(self, rows: Sequence[Row]) -> None:
        epochs = epochs_for(len(rows))
        steps = math.ceil(len(rows) / self._choice.batch_size) * epochs
        steps += -steps % self._choice.grad_accumulation_steps
        words = {"rows": f"{len(rows):,}", "epochs": epochs, "batch": self._choice.batch_size}
        why = _("{rows} examples, each seen {epochs} times, {batch} at a time", **words)
        if epochs == 1:
            why = _("{rows} examples, each seen once, {batch} at a time", **words)
        self._say("iters", steps, why)

    def _schedule(self) -> None:
        """A warm-up and a line to zero: Defazio and others, arXiv 2310.07831; Bergsma and others, arXiv 2502.15938."""
        updates = updates_of(self._choice)
        warmup = warmup_for(updates)
        if not warmup:
            self._say("lr_schedule", CONSTANT, _("{updates} updates are too few to go up and down", updates=updates))
            self._say("warmup", 0, _("nor to warm up"))
            return
        self._say("lr_schedule", "linear_schedule", _("smaller and smaller steps settle what was learned"))
        for name in ("lr_end", "decay_steps"):
            if getattr(self._choice, name):
                self._say(name, type(getattr(self._choice, name))(0), _("down to zero at the run's end"))
        words = {"warmup": warmup, "updates": f"{updates:,}"}
        self._say("warmup", warmup, _("of {updates} updates, while the optimizer knows little", **words))

    def _evaluations(self, rows: Sequence[Row], held_out: Sequence[Row]) -> None:
        iters, choice = self._choice.iters, self._choice
        every = max(iters // EVALUATIONS, LEAST_BETWEEN)
        if held_out:
            effort = effort_of(self._forecaster.anatomy, choice, keeps=choice.kept_states)
            works = [work.step for work in steps_of_epoch(effort, rows, choice, 0)]
            a_step = sum(works) / len(works)
            evaluation = validation_of(effort, held_out, choice.batch_size)
            every = max(every, math.ceil(evaluation / (EVALUATION_SHARE * a_step)))
        every = min(_easy_to_count_with(every), iters)
        words = {"times": math.ceil(iters / every), "rows": f"{len(held_out):,}"}
        why = _("{times} looks at the {rows} held-out examples", **words)
        if not held_out:
            why = _("there are no held-out examples")
        self._say("steps_per_eval", every, why)
        self._say("save_every", self._choice.steps_per_eval, _("with every look: checkpoints are small"))

    def _patience(self, held_out: Sequence[Row]) -> None:
        """Prechelt, Early Stopping: But When? (1998), where more patience gains little and costs time."""
        if not held_out:
            self._say("patience", 0, _("without held-out examples nobody sees that it gets worse"))
            return
        patience = PATIENCE if len(held_out) >= FEW_HELD_OUT else PATIENCE_WITH_FEW
        why = _("so many looks without a lower loss end the run; the best adapter is kept")
        self._say("patience", patience, why)


def _easy_to_count_with(number: int) -> int:
    """Up to a number that is easy to count with: 7 → 10, 23 → 25, 130 → 150."""
    step = 5 if number <= 50 else 25 if number <= 200 else 100
    return math.ceil(number / step) * step


def _round_number(number: int) -> str:
    return _("{n} million", n=f"{number / 1e6:.1f}") if number >= 1e5 else f"{number:,}"


def with_suggestions(project: Project, forecaster: Forecaster, emit: Emit) -> tuple[Project, tuple[str, ...]]:
    """The project with the settings that suit, and the reasons; nothing is written.

    Args:
        project: what was given for this run alone stays.
        forecaster: knows machine, model and dataset.
        emit: hears of each suggestion.
    """
    found = suggest(forecaster, project.choices.model, project.choices.training, _given(project))
    for suggestion in found:
        emit(suggestion)
    return dataclasses.replace(project, choices=applied_to_all(project.choices, found)), reasons_of(found)


def keep_suggested(project: Project) -> None:
    """Write what was suggested for `project` into its `tuner.toml`, but for what was given for one run alone.

    Raises:
        StorageError: it cannot be written.
        ProjectError: it is damaged.
    """
    kept, given = open_project(project.folder), _given(project)
    names = [field.name for field in dataclasses.fields(TrainingChoice) if field.name not in given]
    settings = {name: getattr(project.choices.training, name) for name in names}
    kept = kept.with_choice("training", dataclasses.replace(kept.choices.training, **settings))
    if not any(name.startswith(MODEL) for name in given):  # of another base model than the project's nothing is kept
        quantize = project.choices.model.quantize
        kept = kept.with_choice("model", dataclasses.replace(kept.choices.model, quantize=quantize))
    save_project(kept)


def _given(project: Project) -> set[str]:
    return {name.removeprefix("training.") for name in project.given if name.startswith(("training.", MODEL))}
