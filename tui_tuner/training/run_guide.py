"""`README.md` in a run's folder: what came out, what each file is, what to do with it, and every key of its metrics.

So that the folder alone tells its story, also to somebody who has never heard of this program. Where folders are on
this machine is not said: it may be shared.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from pathlib import Path

from tui_tuner import figures
from tui_tuner.errors import TunerError
from tui_tuner.files import write_text
from tui_tuner.language import _, ngettext
from tui_tuner.plain_text import one_line
from tui_tuner.training import metrics_keys
from tui_tuner.training.run_config import RunConfig, read_config
from tui_tuner.training.runs import RunSummary, summarize

GUIDE = "README.md"


def write_guide(run: Path) -> None:
    """Write it, as the run stands; a run is not worth less where that is not possible."""
    with contextlib.suppress(TunerError):
        write_text(run / GUIDE, "\n".join(_guide(summarize(run), read_config(run))) + "\n")


def _guide(summary: RunSummary, config: RunConfig) -> Iterator[str]:
    yield _("# A training run")
    yield ""
    yield from _story(summary, config)
    yield ""
    yield _("## The files")
    yield ""
    yield _("| file | what it is |")
    yield "| --- | --- |"
    for name, about in _files():
        yield f"| `{name}` | {about} |"
    yield ""
    yield _("## What to do with it")
    yield ""
    for command, about in _commands(summary.name):
        yield f"    {command:<44}  {about}"
    yield ""
    yield _("## Every key of metrics.jsonl")
    yield ""
    yield from metrics_keys.as_markdown()


def _story(summary: RunSummary, config: RunConfig) -> Iterator[str]:
    facts, choice = config.facts, config.choice
    if summary.state == "running or interrupted":
        yield _("- it was running when this was written: metrics.jsonl says how far it came")
    else:
        words = {
            "state": summary.state,
            "done": figures.count(summary.iteration),
            "iters": figures.count(summary.iters),
        }
        yield ngettext(
            "- {state}: {done} of {iters} step", "- {state}: {done} of {iters} steps", summary.iters, **words
        )
    if summary.best_loss is not None:
        best = {"loss": f"{summary.best_loss:.4f}", "step": figures.count(summary.best_iteration)}
        yield _(
            "- best held-out loss: {loss} nats/token after step {step}; its adapter is the one that is kept", **best
        )
    if summary.test_loss is not None:
        yield _("- loss on the test rows: {loss} nats/token", loss=f"{summary.test_loss:.4f}")
    yield _("- base model: {model}", model=_without_folder(facts.model_name))
    taught = {"type": choice.fine_tune_type, "layers": choice.num_layers, "rank": choice.rank, "seed": choice.seed}
    yield _("- {type}, layers: {layers} (-1: all), rank: {rank}, seed: {seed}; the rest is in config.toml", **taught)
    for name, rows, mark in (
        ("train.jsonl", facts.train_rows, facts.train_fingerprint),
        ("valid.jsonl", facts.valid_rows, facts.valid_fingerprint),
    ):
        if mark:
            yield ngettext(
                "- {name}: {rows} row, SHA-256 {mark}",
                "- {name}: {rows} rows, SHA-256 {mark}",
                rows,
                name=name,
                rows=figures.count(rows),
                mark=mark,
            )
    yield _("- begun {created}, with {versions}", created=facts.created, versions=facts.versions)


def _without_folder(model: str) -> str:
    is_path = model.startswith(("/", "~", "."))
    return one_line(model.rstrip("/").rpartition("/")[2] if is_path else model)


def _files() -> list[tuple[str, str]]:
    return [
        ("config.toml", _("every setting, the model and the data it began with, and with which versions")),
        ("metrics.jsonl", _("everything that happened, line by line; see below")),
        ("adapters.safetensors", _("what was learned: the adapter with the lowest held-out loss")),
        ("adapter_config.json", _("what mlx_lm has to know of the adapter")),
        ("checkpoints/STEP/", _("all that going on from that step needs; they may be deleted when the run is done")),
        ("note.txt", _("what a person wrote about it, if anybody did")),
        ("report.html", _("a page with plots, if somebody asked for one")),
    ]


def _commands(name: str) -> list[tuple[str, str]]:
    quoted = shlex.quote(name)
    return [
        (f"tuner watch {quoted}", _("see it in the app")),
        (f"tuner train --resume --run {quoted}", _("go on with it")),
        (f"tuner runs --report {quoted} report.html", _("a page to share")),
        (f"tuner runs --compare {quoted} OTHER", _("beside another run")),
        ("mlx_lm.generate --model BASE --adapter-path .", _("use it without tuner")),
    ]
