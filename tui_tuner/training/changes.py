"""What has changed since a run, or a checkpoint of it, was made: settings, data, model.

A run only goes on as it began, otherwise its curve mixes two trainings; a person may decide so nevertheless. Some
things cannot change within a run at all, because what was learned is made of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from tui_tuner.choices import TrainingChoice
from tui_tuner.errors import TrainingError
from tui_tuner.language import _, ngettext
from tui_tuner.training.optimization import falls_to_the_end, optimizer_arguments
from tui_tuner.training.run_config import TRAIN_FILE, VALID_FILE, RunConfig, RunFacts

# They change nothing in what is learned at a step, only how many there are, and what is told and kept.
FREE = frozenset(
    {
        "iters",
        "patience",
        "steps_per_report",
        "save_every",
        "keep_checkpoints",
        "samples",
        "sample_prompts",
        "sample_tokens",
    }
)
# What was learned is made of these, or means something only together with them.
FIXED = frozenset({"model", "fine_tune_type", "rank", "num_layers", "keys", "scale", "optimizer"})
# These decide which rows make a batch, and which of a row's tokens are held out.
ORDER = frozenset({TRAIN_FILE, "batch_size", "seed", "max_seq_length", "mask_prompt"})
HELD_OUT = frozenset({VALID_FILE, "max_seq_length", "mask_prompt"})


@dataclass(frozen=True)
class Change:
    """One thing that is not as it was.

    Attributes:
        name: the setting's or the file's.
        text: what it was and what it is now.
        fixed: whether it cannot change within a run.
        free: whether it may change without a word.
    """

    name: str
    text: str
    fixed: bool = False
    free: bool = False


def changes_between(before: RunConfig, now: RunConfig) -> list[Change]:
    """Everything in which `now` differs from `before`: model and data first, then settings in their order."""
    return [*_origin(before.facts, now.facts), *_settings(before.choice, now.choice)]


def _origin(before: RunFacts, now: RunFacts) -> list[Change]:
    found = []
    if before.model_name != now.model_name:
        found.append(_changed("model", before.model_name, now.model_name, fixed=True))
    elif before.model_fingerprint != now.model_fingerprint:
        text = _("the files of model {name} have changed", name=now.model_name)
        found.append(Change("model", text, fixed=True))
    if before.train_fingerprint != now.train_fingerprint:
        found.append(Change(TRAIN_FILE, _rows(TRAIN_FILE, before.train_rows, now.train_rows)))
    if before.valid_fingerprint != now.valid_fingerprint:
        there = bool(before.valid_fingerprint), bool(now.valid_fingerprint)
        text = _rows(VALID_FILE, before.valid_rows, now.valid_rows)
        if there == (True, False):
            text = _("{name} is gone", name=VALID_FILE)
        elif there == (False, True):
            text = ngettext(
                "there was no {name}, now it has {rows:,} row",
                "there was no {name}, now it has {rows:,} rows",
                now.valid_rows,
                name=VALID_FILE,
                rows=now.valid_rows,
            )
        found.append(Change(VALID_FILE, text))
    return found


def _rows(name: str, before: int, now: int) -> str:
    words = {"name": name, "before": before, "now": now}
    if not before:  # a run of an earlier version did not count them
        return ngettext(
            "{name} has changed, it has {now:,} row now", "{name} has changed, it has {now:,} rows now", now, **words
        )
    if before == now:
        return ngettext(
            "{name} has changed, it has {now:,} row as before",
            "{name} has changed, it has {now:,} rows as before",
            now,
            **words,
        )
    return ngettext(
        "{name} had {before:,} row, now {now:,}", "{name} had {before:,} rows, now {now:,}", before, **words
    )


def _settings(before: TrainingChoice, now: TrainingChoice) -> list[Change]:
    old, new = dataclasses.asdict(before), dataclasses.asdict(now)
    return [
        _changed(name, old[name], new[name], fixed=_is_fixed(name, before, now), free=_is_free(name, before))
        for name in old
        if old[name] != new[name]
    ]


def _changed(name: str, before: object, now: object, *, fixed: bool = False, free: bool = False) -> Change:
    old, new = (", ".join(value) or _("empty") if isinstance(value, tuple) else value for value in (before, now))
    return Change(name, _("{name} was {before}, now {now}", name=name, before=old, now=new), fixed, free)


def _is_fixed(name: str, before: TrainingChoice, now: TrainingChoice) -> bool:
    if name == "optimizer_config":  # with a first moment Adafactor's state holds one more number for each weight
        return ("beta_1" in optimizer_arguments(before)) != ("beta_1" in optimizer_arguments(now))
    return name in FIXED


def _is_free(name: str, before: TrainingChoice) -> bool:
    if name == "iters":  # a schedule that falls to the run's end would fall otherwise
        return not falls_to_the_end(before)
    return name in FREE


def require_allowed(run: str, changes: Sequence[Change], *, extend: bool) -> None:
    """Refuse to go on with `changes`, unless they are free, or allowed and wanted.

    Raises:
        TrainingError: names each change, and the way to go on.
    """
    told = [change for change in changes if not change.free]
    fixed = [change.name for change in told if change.fixed]
    if not told or (extend and not fixed):
        return
    what = _("{run} began otherwise: {changes}", run=run, changes="; ".join(change.text for change in told))
    if fixed:
        words = {"names": ", ".join(fixed)}
        advice = _("Within a run {names} cannot change: set back, or start a new run with: tuner train", **words)
        raise TrainingError(what, advice=advice)
    raise TrainingError(
        what,
        advice=_(
            "Go on with it deliberately: tuner train --resume --run {run} --extend."
            " Or set back what changed, or start a new run with: tuner train",
            run=run,
        ),
    )
