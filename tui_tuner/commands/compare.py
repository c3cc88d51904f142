"""tuner compare: base, tuned and other models answer the same questions side by side.

The comparison is kept in the project's comparisons folder.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from tui_tuner.commands.options import add_json, add_project, add_set, chosen_project
from tui_tuner.commands.output import Output
from tui_tuner.commands.running import exit_code, run_project_job
from tui_tuner.journey import step
from tui_tuner.language import _
from tui_tuner.plain_text import printable
from tui_tuner.progress import Notice
from tui_tuner.step_work import comparison_work

if TYPE_CHECKING:
    from tui_tuner.evaluation.comparisons import Answered, Comparison
    from tui_tuner.project import Project

NARROWEST = 28  # cells of a column; answers in narrower ones are put below each other

EXAMPLES = _("""examples:
  tuner compare
  tuner compare --prompt "How do I sell car parts with WordPress?" --prompt "What is a permalink?"
  tuner compare --prompts questions.txt --run run-1 --run run-2
  tuner compare --column base --column tuned --column run-2@400 --column fused --column ollama:mistral:7b
  tuner compare --who                                 who could answer
  tuner compare --export comparison.html""")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_project(parser)
    parser.add_argument(
        "--prompt", action="append", default=[], help=_("a question for all; may be given several times")
    )
    parser.add_argument(
        "--prompts",
        metavar="FILE",
        type=Path,
        help=_('questions, one a line; in a .jsonl file {"prompt": ..., "expected": ...} a line'),
    )
    parser.add_argument(
        "--run",
        metavar="NAME",
        action="append",
        default=[],
        help=_("the base and this run; may be given several times; the latest run where none is named"),
    )
    parser.add_argument(
        "--column",
        metavar="NAME",
        action="append",
        default=[],
        help=_("who answers: base, tuned, a run, RUN@STEP, fused, ollama:MODEL; may be given several times"),
    )
    parser.add_argument(
        "--judge", metavar="NAME", help=_("who says which answer is better, blindly: mlx, ollama:MODEL, openai:MODEL")
    )
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument("--who", action="store_true", help=_("list who could answer, and why one cannot; ask nothing"))
    kept.add_argument("--list", action="store_true", help=_("list the comparisons that are kept; ask nothing"))
    kept.add_argument("--open", metavar="NAME", help=_("show one that is kept; ask nothing"))
    parser.add_argument(
        "--export",
        metavar="FILE",
        type=Path,
        help=_("write the newest or the opened one as .md or .html; ask nothing"),
    )
    add_set(parser, "compare")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compare on the chosen project."""
    from tui_tuner.evaluation.comparisons import Comparison

    project = _as_asked(chosen_project(arguments), arguments)
    output = Output(as_json=arguments.json)
    if arguments.who:
        _show_candidates(project, output)
        return 0
    if arguments.list or arguments.open or arguments.export:
        _show_kept(project, arguments, output)
        return 0
    job = run_project_job(project, step("compare").job, comparison_work(project), output)
    if isinstance(job.result, Comparison):
        show_side_by_side(job.result, output)
        show_summary(job.result, output)
    return exit_code(job)


def _show_candidates(project: Project, output: Output) -> None:
    from tui_tuner.chat.models import ollama_url
    from tui_tuner.evaluation.candidates import candidates, candidates_in_ollama
    from tui_tuner.journey import base_model

    found = [*candidates(project, base_model(project)), *candidates_in_ollama(ollama_url(project))]
    width = max(len(one.name) for one in found)
    for one in found:
        missing = _(" (not to be had: {why})", why=one.missing) if one.missing else ""
        output.say(f"{one.name or '–':{width}}  {one.about}{missing}")
        output.event(one)


def _show_kept(project: Project, arguments: argparse.Namespace, output: Output) -> None:
    """List the kept comparisons, show one, or export it."""
    from tui_tuner.evaluation.comparisons import told_again
    from tui_tuner.evaluation.kept_comparisons import kept_comparisons, read_comparison
    from tui_tuner.evaluation.report import export_comparison, title_of
    from tui_tuner.evaluation.summary import summed

    found, problems = kept_comparisons(project)
    if arguments.list:
        for problem in problems:
            output.event(Notice(str(problem), "warning"))
        for one in found:
            output.say(f"{one.path.stem}  {title_of(one)}")
            output.event(summed(one))
        return
    name = Path(arguments.open or (found[0].path.stem if found else "none")).name.removesuffix(".jsonl")
    kept = read_comparison(project.comparisons / f"{name}.jsonl")
    if arguments.export:
        export_comparison(kept, arguments.export.expanduser())
        output.say(_("Written to {path}.", path=arguments.export))
        return
    for event in (*told_again(kept), summed(kept)):
        output.event(event)
    show_side_by_side(kept, output)
    show_summary(kept, output)


def _as_asked(project: Project, arguments: argparse.Namespace) -> Project:
    from tui_tuner.evaluation.columns import BASE, run_column

    choice = project.choices.compare
    if arguments.prompt or arguments.prompts:
        file = str(arguments.prompts.expanduser().absolute()) if arguments.prompts else ""
        choice = dataclasses.replace(choice, prompts=tuple(arguments.prompt), prompts_file=file)
    runs = [run_column(name) for name in arguments.run]
    if runs or arguments.column:
        columns = (*(arguments.column or [BASE]), *runs)
        choice = dataclasses.replace(choice, columns=columns)
    if arguments.judge is not None:
        choice = dataclasses.replace(choice, judge=arguments.judge)
    return project.with_choice("compare", choice)


def show_side_by_side(comparison: Comparison, output: Output) -> None:
    """Print each question with the answers next to each other, or below each other where that would be too narrow."""
    total = min(shutil.get_terminal_size((100, 24)).columns, 60 * len(comparison.columns) + 40)
    width = (total + 3) // max(len(comparison.columns), 1) - 3
    for answered in comparison.answered:
        output.say("")
        output.say(f"? {answered.prompt}")
        if answered.expected:
            output.say(_("expected: {answer}", answer=answered.expected))
        if width < NARROWEST:
            _show_below(answered, comparison.labels, total, output)
        else:
            _show_beside(answered, comparison.labels, width, output)


def show_summary(comparison: Comparison, output: Output) -> None:
    """Print the figures of every column, and the verdicts."""
    from tui_tuner.evaluation.summary import table_lines, verdict_lines

    for line in ("", *table_lines(comparison), "", *verdict_lines(comparison)):
        output.say(line)


def _show_beside(answered: Answered, labels: dict[str, str], width: int, output: Output) -> None:
    columns = [
        [_cut(label, width), *(_wrapped(answered.answers[name].text, width) if name in answered.answers else ["–"])]
        for name, label in labels.items()
    ]
    for row in range(max(len(lines) for lines in columns)):
        output.say(" │ ".join(f"{lines[row] if row < len(lines) else '':<{width}}" for lines in columns).rstrip())


def _show_below(answered: Answered, labels: dict[str, str], width: int, output: Output) -> None:
    for name, answer in answered.answers.items():
        output.say(f"{labels[name]}:")
        for line in _wrapped(answer.text, width - 2):
            output.say(f"  {line}")


def _cut(label: str, width: int) -> str:
    return label if len(label) <= width else label[: width - 1] + "…"


def _wrapped(text: str, width: int) -> list[str]:
    lines: list[str] = []
    for paragraph in printable(text).expandtabs(4).splitlines():
        lines += textwrap.wrap(paragraph, width) or [""]
    return lines or [""]
