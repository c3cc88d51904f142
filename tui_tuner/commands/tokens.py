"""tuner tokens: show what the model will learn from, in tokens.

How many tokens each example has in the base model's own chat template, which of them are learned, and what a sequence
length cuts off. Only looks: nothing is changed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from tui_tuner import figures
from tui_tuner.commands.options import add_json, add_project, add_set, chosen_project
from tui_tuner.commands.output import Output
from tui_tuner.commands.running import exit_code, run_job
from tui_tuner.dataset.token_counts import PartTotals, passes
from tui_tuner.dataset.token_view import ExampleShown, Kind, Piece, Segment
from tui_tuner.errors import UsageError
from tui_tuner.journey import required_base_model
from tui_tuner.language import _, ngettext
from tui_tuner.progress import Emit, StopToken

EXAMPLES = _("""examples:
  tuner tokens                                  totals, lengths, and the first example token by token
  tuner tokens --example 12 --part valid
  tuner tokens --set max_seq_length=512         what that length would cut off
  tuner tokens --json | jq 'select(.event=="part_totals")'""")

BAR = 40  # cells
MARGINS: dict[Kind, str] = {"read": _("read only"), "learned": _("learned"), "cut": _("cut off")}
EDGES: dict[Kind, str] = {"read": "│", "learned": "┃", "cut": "✂"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_project(parser)
    add_set(parser, "training")
    parser.add_argument(
        "--part", choices=("train", "valid", "test"), default="train", help=_("whose example is shown; train is usual")
    )
    parser.add_argument(
        "--example", metavar="N", type=int, default=1, help=_("which example is shown, from 1; 0: none")
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Count, and show one example."""
    project = chosen_project(arguments)
    output = Output(as_json=arguments.json)

    def work(emit: Emit, stop: StopToken) -> None:
        from tui_tuner.dataset.learning import Learning
        from tui_tuner.dataset.learning_plan import plan_learning

        learning = Learning(plan_learning(project, required_base_model(project)))
        found = {part: learning.measure(part, emit=emit, stop=stop) for part in learning.parts}
        for totals in found.values():
            output.event(totals)
            output.say("\n".join(_totals_lines(totals, project.choices.training.iters)))
        if not arguments.example:
            return
        rows = found[arguments.part].rows if arguments.part in found else 0
        if not 1 <= arguments.example <= rows:
            raise UsageError(
                _(
                    "there is no example {number}: {part} has {rows:,}",
                    number=arguments.example,
                    part=arguments.part,
                    rows=rows,
                )
            )
        shown = learning.example(arguments.part, arguments.example - 1)
        output.event(shown)
        output.say("\n".join(_example_lines(shown)))

    return exit_code(run_job(_("counting tokens"), work, output, on_engine=False))


def _totals_lines(totals: PartTotals, iters: int) -> Iterator[str]:
    yield ""
    yield ngettext(
        "{part}.jsonl: {examples:,} example · {tokens:,} tokens, {learned:,} of them learned ({share}) · "
        "median {median:,}, longest {longest:,}",
        "{part}.jsonl: {examples:,} examples · {tokens:,} tokens, {learned:,} of them learned ({share}) · "
        "median {median:,}, longest {longest:,}",
        totals.examples,
        part=totals.part,
        examples=totals.examples,
        tokens=totals.tokens,
        learned=totals.learned,
        share=figures.percent(totals.learned, totals.tokens),
        median=totals.median,
        longest=totals.longest,
    )
    if seen := passes(totals, iters):
        yield f"  {seen}"
    for reason, rows in totals.refused.items():
        yield ngettext(
            "! {rows:,} row is not trained on: {reason}",
            "! {rows:,} rows are not trained on: {reason}",
            rows,
            rows=rows,
            reason=reason,
        )
    most = max((one.examples for one in totals.histogram), default=0)
    for one in totals.histogram:
        label = f"{one.first:,}–{one.last:,}"
        yield f"  {label:>13} {figures.bar(one.examples, most, BAR):<{BAR}} {one.examples:,}"
    yield _("  sequence length       cut   refused   learned")
    for at in totals.lengths:
        chosen = _(" (chosen)") if at.length == totals.sequence_length else ""
        yield f"  {at.length:>15,} {at.cut:>9,} {at.refused:>9,} {at.learned:>9,}{chosen}"


def _example_lines(shown: ExampleShown) -> Iterator[str]:
    yield ""
    yield _(
        "example {number:,} of {part}, line {line:,}: {tokens:,} tokens, {learned:,} learned (↵ is a line's end)",
        number=shown.number,
        part=shown.part,
        line=shown.line,
        tokens=shown.tokens,
        learned=shown.learned,
    )
    if shown.refused:
        yield _("! not trained on: {reason}", reason=shown.refused)
    if shown.answers_missed:
        yield ngettext(
            "! {number} answer is not learned: the chat template hides it",
            "! {number} answers are not learned: the chat template hides them",
            shown.answers_missed,
        )
    if shown.row:
        yield shown.row
    for segment in shown.segments:
        label = MARGINS[segment.kind]
        for line in _segment_lines(segment):
            yield f"{label:>10} {EDGES[segment.kind]} {line}"
            label = ""


def _segment_lines(segment: Segment) -> list[str]:
    text = "".join(map(_visible, segment.pieces)).removesuffix("\n")
    return text.split("\n")


def _visible(piece: Piece) -> str:
    return piece.text.replace("\n", "↵\n")
