"""A run as one page to share: plots, figures, settings, answers, events. Nothing in it comes from elsewhere.

Every text of a person, a model or a file is escaped; there is no script, and where the folders are on this machine is
not said.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from html import escape
from pathlib import Path

from tui_tuner import figures
from tui_tuner.choices import TrainingChoice
from tui_tuner.drawing.smoothing import SmoothedLine
from tui_tuner.drawing.svg import HEIGHT, SMALL, WIDTH, SvgLine, chart
from tui_tuner.files import write_text
from tui_tuner.language import _, ngettext
from tui_tuner.plain_text import printable
from tui_tuner.training.history import Points, RunHistory, Seen, read_history
from tui_tuner.training.report_style import STYLE
from tui_tuner.training.run_config import RunConfig, read_config
from tui_tuner.training.run_table import setting_in_words
from tui_tuner.training.runs import RunSummary, summarize

SMOOTHING = 0.9
REPORT = "report.html"

Rows = Sequence[tuple[str, str]]


def write_report(run: Path, path: Path) -> None:
    """Write the page of `run` to `path`.

    Raises:
        StorageError: the run cannot be read, or the page not be written.
        ConfigurationError: a mistake in the run's `config.toml`.
        TrainingError: a newer version made the run.
    """
    write_text(path, report_page(run))


def report_page(run: Path) -> str:
    """The page of `run` as HTML.

    Raises:
        StorageError: the run cannot be read.
        ConfigurationError: a mistake in its `config.toml`.
        TrainingError: a newer version made the run.
    """
    summary, config, history = summarize(run), read_config(run), read_history(run)
    parts = [
        f"<h1>{_text(run.name)}</h1>",
        f'<p class="lead">{_text(_verdict(summary, history))}</p>',
        f'<p class="note">{_text(summary.note)}</p>' if summary.note else "",
        *_plots(history),
        _table(_("Result"), _results(summary, history)),
        _table(_("Trained on"), _trained_on(config, history)),
        _settings(config),
        *_answers(history, summary),
        _events(history),
    ]
    title = _("{run}: a training run", run=run.name)
    return (
        "<!DOCTYPE html>\n"
        f'<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{_text(title)}</title>\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<style>\n{STYLE}</style>\n</head>\n<body>\n" + "\n".join(filter(None, parts)) + "\n</body>\n</html>\n"
    )


def _text(text: str) -> str:
    return escape(printable(text), quote=True)


def _verdict(summary: RunSummary, history: RunHistory) -> str:
    model = summary.model.rstrip("/").rpartition("/")[2]
    words = {"model": model, "state": summary.state, "done": summary.iteration, "iters": summary.iters}
    about = ngettext(
        "{model}, {state}: {done:,} of {iters:,} step",
        "{model}, {state}: {done:,} of {iters:,} steps",
        summary.iters,
        **words,
    )
    before = dict(history.valid).get(0)
    if before is None or summary.best_loss is None:
        return about
    return about + _("; held-out loss {before:.3f} → {best:.3f}", before=before, best=summary.best_loss)


# -- plots -------------------------------------------------------------------------------------------------------------


def _plots(history: RunHistory) -> Iterator[str]:
    valid = SvgLine(history.valid, "valid", marks=True)
    yield _plot(history, _("Loss"), [*_noisy(history.train), valid], "train", "valid")
    yield '<div class="small">'
    yield _plot(history, _("Learning rate"), [SvgLine(history.learning_rate, "train")])
    yield _plot(history, _("Gradient norm"), _noisy(history.gradient_norm))
    yield _plot(history, _("Speed, tokens per second"), _noisy(history.speed))
    yield _plot(history, _("Peak memory, bytes"), [SvgLine(history.memory, "train")])
    yield "</div>"


def _noisy(points: Points) -> list[SvgLine]:
    return [SvgLine(points, "raw"), SvgLine(SmoothedLine(SMOOTHING).of(points), "train")]


def _plot(history: RunHistory, title: str, lines: list[SvgLine], *legend: str) -> str:
    end = max([history.iteration, *(int(line.points[-1][0]) for line in lines if line.points)])
    svg = chart(lines, title=title, x_end=end, size=(WIDTH, HEIGHT) if legend else SMALL)
    if not svg:
        return ""
    names = {"train": _("training, smoothed"), "valid": _("held-out")}
    key = "".join(f'<span class="key-{kind}">{_text(names[kind])}</span>' for kind in legend)
    return f"<figure>\n<figcaption>{_text(title)}{key}</figcaption>\n{svg}\n</figure>"


# -- tables ------------------------------------------------------------------------------------------------------------


def _table(heading: str, rows: Rows) -> str:
    cells = "\n".join(f"<tr><th>{_text(name)}</th><td>{_text(value)}</td></tr>" for name, value in rows)
    return f"<h2>{_text(heading)}</h2>\n<table>\n{cells}\n</table>"


def _results(summary: RunSummary, history: RunHistory) -> Rows:
    last, test = history.last, history.test
    unknown = figures.UNKNOWN
    best = unknown
    if summary.best_loss is not None:
        best = _("{loss:.3f} after step {step:,}", loss=summary.best_loss, step=summary.best_iteration or 0)
    tested = unknown
    if test is not None:
        words = {"loss": test.loss, "perplexity": test.perplexity, "rows": test.rows}
        tested = ngettext(
            "{loss:.3f}, perplexity {perplexity:,.4g}, {rows:,} row",
            "{loss:.3f}, perplexity {perplexity:,.4g}, {rows:,} rows",
            test.rows,
            **words,
        )
    return [
        (_("best held-out loss"), best),
        (_("test loss"), tested),
        (_("last training loss"), f"{last.loss:.3f}" if last else unknown),
        (_("time"), figures.duration(last.elapsed_seconds if last else None)),
        (_("peak memory"), figures.size(max((size for _step, size in history.memory), default=None))),
        (_("steps left out"), figures.count(len(history.skipped))),
    ]


def _trained_on(config: RunConfig, history: RunHistory) -> Rows:
    started, last = history.started, history.last
    seen = history.seen[-1][1] if history.seen else Seen()
    return [
        (_("examples"), figures.count(started.train_examples if started else config.facts.train_rows)),
        (_("held out"), figures.count(started.valid_examples if started else config.facts.valid_rows)),
        (_("epochs"), f"{last.epoch:.2f}" if last else figures.UNKNOWN),
        (_("tokens seen"), figures.count(last.trained_tokens if last else None)),
        (_("of these learned"), figures.percent(seen.supervised, seen.tokens)),
        (_("computed for padding"), figures.percent(seen.padded, seen.computed)),
        (_("trained numbers"), figures.count(started.trainable_parameters if started else None)),
        (_("of all"), figures.count(started.total_parameters if started else None)),
        (_("trained with"), config.facts.versions),
        (_("begun"), config.facts.created),
    ]


def _settings(config: RunConfig) -> str:
    usual = TrainingChoice()
    cells = []
    for field in dataclasses.fields(TrainingChoice):
        value = getattr(config.choice, field.name)
        kind = ' class="changed"' if value != getattr(usual, field.name) else ""
        cells.append(f"<tr{kind}><th>{_text(field.name)}</th><td>{_text(setting_in_words(value))}</td></tr>")
    about = _("Those in bold are not the usual ones.")
    heading = f"<h2>{_text(_('Settings'))}</h2>\n<p>{_text(about)}</p>"
    return f'{heading}\n<table class="settings">\n' + "\n".join(cells) + "\n</table>"


# -- what it said, and what happened -----------------------------------------------------------------------------------


def _answers(history: RunHistory, summary: RunSummary) -> Iterator[str]:
    """The answers before training, with the adapter that is kept, and at the end."""
    steps = sorted({sample.iteration for sample in history.samples})
    if not steps:
        return
    best = summary.best_iteration
    wanted = [steps[0], *([best] if best in steps else []), steps[-1]]
    yield f"<h2>{_text(_('Answers'))}</h2>"
    for place in sorted({sample.place for sample in history.samples}):
        found = {sample.iteration: sample for sample in history.samples if sample.place == place}
        shown = [found[step] for step in dict.fromkeys(wanted) if step in found]
        if not shown:
            continue
        rows = "\n".join(
            f"<tr><th>{_text(_step(sample.iteration, best))}</th>"
            f"<td>{_text(sample.answer)}{' …' if sample.cut else ''}</td></tr>"
            for sample in shown
        )
        yield f'<h3>{_text(shown[-1].prompt)}</h3>\n<table class="answers">\n{rows}\n</table>'


def _step(step: int, best: int | None) -> str:
    if step == 0:
        return _("before training")
    return _("step {step:,}, kept", step=step) if step == best else _("step {step:,}", step=step)


def _events(history: RunHistory) -> str:
    rows = []
    for time, text in history.notices:
        when = datetime.fromtimestamp(time, timezone.utc).strftime("%Y-%m-%d %H:%M:%S") if time else ""
        rows.append(f"<tr><th>{when}</th><td>{_text(text)}</td></tr>")
    inside = "\n".join(rows)
    about = _text(_("What happened, in UTC"))
    return f'<details>\n<summary>{about}</summary>\n<table class="events">\n{inside}\n</table>\n</details>'
