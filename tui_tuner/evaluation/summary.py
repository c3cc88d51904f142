"""The numbers of a comparison: a line for each column, and for each but the first a verdict against it."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence

from tui_tuner import figures
from tui_tuner.evaluation.columns import BASE
from tui_tuner.evaluation.comparisons import Comparison
from tui_tuner.evaluation.events import ComparisonSummed, Judged
from tui_tuner.evaluation.expected import contains, is_exactly
from tui_tuner.evaluation.intervals import wilson
from tui_tuner.evaluation.losses import fall_of_loss
from tui_tuner.evaluation.opinions import Tally, judged, voted
from tui_tuner.evaluation.verdict import Finding, Verdict, count_finding, loss_finding, verdict_of
from tui_tuner.language import _

Table = list[tuple[str, ...]]


def yardstick(kept: Comparison) -> str:
    """The column the others are held against: the base, or else the first; empty where there is none."""
    return BASE if BASE in kept.columns else next(iter(kept.columns), "")


def table(kept: Comparison) -> Table:
    """Heading and a row for each column; a figure that nobody has, in any row, is left out."""
    heading = ("", _("loss"), _("perplexity"), _("exact"), _("contains"), _("tokens"), _("seconds"), _("tok/s"))
    rows = [heading, *(_row(kept, name) for name in kept.columns)]
    used = [place for place in range(len(heading)) if any(row[place] != figures.UNKNOWN for row in rows[1:])]
    return [tuple(row[place] for place in used) for row in rows]


def _row(kept: Comparison, column: str) -> tuple[str, ...]:
    answers = [answer for (_index, name), answer in kept.answers.items() if name == column]
    asked = _expected(kept, column)
    loss = kept.losses.get(column)
    exact = sum(is_exactly(text, expected) for text, expected in asked.values())
    said = sum(contains(text, expected) for text, expected in asked.values())
    alone = [answer for answer in answers if not answer.together]
    return (
        kept.labels[column],
        f"{loss.mean:.3f}" if loss and loss.rows else figures.UNKNOWN,
        f"{loss.perplexity:.2f}" if loss and loss.rows else figures.UNKNOWN,
        f"{exact}/{len(asked)}" if asked else figures.UNKNOWN,
        f"{said}/{len(asked)}" if asked else figures.UNKNOWN,
        _mean([answer.tokens for answer in answers]),
        _mean([answer.seconds for answer in alone]),
        _mean([answer.tokens_per_second for answer in alone]),
    )


def _mean(values: Sequence[float]) -> str:
    return figures.count(statistics.fmean(values)) if values else figures.UNKNOWN


def _expected(kept: Comparison, column: str) -> dict[int, tuple[str, str]]:
    """By the prompt's place: the column's answer and the one that is expected, where both are there."""
    return {
        place: (kept.answers[place, column].text, prompt.expected)
        for place, prompt in enumerate(kept.prompts)
        if prompt.expected and (place, column) in kept.answers
    }


def findings(kept: Comparison, column: str) -> list[Finding]:
    """What each kind of evidence says of `column` against the yardstick."""
    first = yardstick(kept)
    found: list[Finding] = []
    if first in kept.losses and column in kept.losses:
        before, after = kept.losses[first], kept.losses[column]
        _fall, interval = fall_of_loss(before, after)
        found.append(loss_finding(before.mean, after.mean, interval, len(after.rows), after.file))
    mine, theirs = _expected(kept, column), _expected(kept, first)
    if both := [place for place in mine if place in theirs]:
        scores = [contains(*mine[place]) - contains(*theirs[place]) for place in both]
        won, lost = scores.count(1), scores.count(-1)
        found.append(count_finding(_("expected answers"), Tally(won, lost, len(both) - won - lost)))
    counts = {_("judge"): judged(kept.judgements, column), _("your votes"): voted(kept.votes, column)}
    found += [count_finding(name, tally, asked_for=True) for name, tally in counts.items() if tally.all]
    return found


def verdicts(kept: Comparison) -> dict[str, Verdict]:
    """A verdict for each column but the yardstick."""
    return {name: verdict_of(findings(kept, name)) for name in kept.columns if name != yardstick(kept)}


def verdict_lines(kept: Comparison) -> list[str]:
    """The verdicts as a person reads them: `tuned run-1 against base: better: …`."""
    first = kept.labels.get(yardstick(kept), "")
    names = {"first": first}
    return [
        _("{column} against {first}: {verdict}", column=kept.labels[name], verdict=verdict.line, **names)
        for name, verdict in verdicts(kept).items()
    ]


def table_lines(kept: Comparison) -> list[str]:
    """The table in columns of one width, numbers to the right."""
    rows = table(kept)
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        "  ".join(
            [f"{row[0]:<{widths[0]}}", *(f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))]
        ).rstrip()
        for row in rows
    ]


def summed(kept: Comparison) -> ComparisonSummed:
    """The event that says what came out."""
    judge = next((opinion.judge for opinion in kept.judgements.values()), "")
    tallies = {name: judged(kept.judgements, name) for name in kept.columns if name != yardstick(kept)}
    judgements = [_judgement(kept, name, judge, tally) for name, tally in tallies.items() if tally.all]
    return ComparisonSummed(tuple(verdict_lines(kept)), tuple(table_lines(kept)), tuple(judgements))


def _judgement(kept: Comparison, column: str, judge: str, tally: Tally) -> Judged:
    low, high = wilson(tally.won, tally.decided)
    share = tally.won / tally.decided if tally.decided else None
    counts = dataclasses.asdict(tally)
    return Judged(column, yardstick(kept), judge, **counts, win_rate=share, win_rate_low=low, win_rate_high=high)
