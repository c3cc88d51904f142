"""tuner runs: list, compare, report, name, note and delete the training runs of a project.

Oldest first: how far each came, its best held-out loss, and its test loss where that was measured.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tui_tuner.commands.options import add_json, add_project, chosen_project
from tui_tuner.commands.output import Output
from tui_tuner.errors import UsageError
from tui_tuner.language import _
from tui_tuner.progress import Notice
from tui_tuner.project import Project
from tui_tuner.project_lock import project_lock

EXAMPLES = _("""examples:
  tuner runs
  tuner runs --json | jq .best_loss
  tuner runs --compare run-1 run-3
  tuner runs --report run-3 report.html
  tuner runs --rename run-3 small-rate
  tuner runs --note small-rate "half the learning rate of run-2"
  tuner runs --use small-rate
  tuner runs --delete run-1""")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_project(parser)
    one = parser.add_mutually_exclusive_group()
    one.add_argument(
        "--compare",
        nargs="*",
        metavar="RUN",
        help=_("runs side by side, their differences marked; all if none is named"),
    )
    one.add_argument("--report", nargs=2, metavar=("RUN", "FILE"), help=_("write a page about a run, to share"))
    one.add_argument("--rename", nargs=2, metavar=("RUN", "NAME"), help=_("call a run NAME from now on"))
    one.add_argument("--note", nargs=2, metavar=("RUN", "TEXT"), help=_("write TEXT beside a run; '' takes it away"))
    one.add_argument(
        "--use",
        metavar="RUN",
        help=_("have Compare, Export and Chat use this run; '' means the latest, as does a run that begins later"),
    )
    one.add_argument("--delete", metavar="RUN", help=_("take a run away for good; says who uses it, and asks"))
    one.add_argument("--keys", action="store_true", help=_("say what every key of a run's metrics.jsonl means"))
    parser.add_argument("--yes", action="store_true", help=_("with --delete: do not ask"))
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked with the runs of the chosen project."""
    if arguments.keys:
        return _keys(Output(as_json=False))
    project = chosen_project(arguments)
    output = Output(as_json=arguments.json)
    if arguments.compare is not None:
        return _compare(project, output, arguments.compare)
    if arguments.report:
        return _report(project, output, *arguments.report)
    if arguments.rename:
        return _rename(project, output, *arguments.rename)
    if arguments.note:
        return _note(project, output, *arguments.note)
    if arguments.use is not None:
        return _use(project, output, arguments.use)
    if arguments.delete:
        return _delete(project, arguments.delete, output, ask=not arguments.yes)
    return _list(project, output)


def _keys(output: Output) -> int:
    from tui_tuner.training.metrics_keys import as_markdown

    for line in as_markdown():
        output.say(line)
    return 0


def _list(project: Project, output: Output) -> int:
    from tui_tuner.training.runs import list_runs

    summaries = list_runs(project)
    if not summaries:
        output.say(_("No runs yet. Start one with: tuner train"))
    for summary in summaries:
        output.event(summary)
    return 0


def _compare(project: Project, output: Output, names: Sequence[str]) -> int:
    from tui_tuner.run_columns import table_lines
    from tui_tuner.training.run_names import find_run
    from tui_tuner.training.run_table import compare_runs

    folders = [find_run(project, name) for name in names] or project.run_folders()
    if not folders:
        output.say(_("No runs yet. Start one with: tuner train"))
        return 0
    table = compare_runs(folders)
    if output.as_json:
        output.event(table)
    for line in table_lines(table):
        output.say(line)
    return 0


def _report(project: Project, output: Output, name: str, file: str) -> int:
    from tui_tuner.training.run_names import find_run
    from tui_tuner.training.run_report import write_report

    path = Path(file).expanduser().absolute()
    write_report(find_run(project, name), path)
    output.event(Notice(_("{name}: {path}", name=name, path=path)))
    return 0


def _rename(project: Project, output: Output, name: str, new: str) -> int:
    from tui_tuner.run_uses import comparisons_with
    from tui_tuner.training.run_names import find_run, rename_run

    with project_lock(project):
        rename_run(project, find_run(project, name), new)
    output.event(Notice(_("{name} is called {new} now", name=name, new=new)))
    if count := comparisons_with(project, name):
        output.event(Notice(_("comparisons that still say {name}: {count}", count=count, name=name)))
    return 0


def _note(project: Project, output: Output, name: str, text: str) -> int:
    from tui_tuner.training.run_names import find_run, read_note, write_note

    folder = find_run(project, name)
    write_note(folder, text)
    output.event(Notice(f"{name}: {read_note(folder) or _('no note')}"))
    return 0


def _use(project: Project, output: Output, name: str) -> int:
    from tui_tuner.training.run_names import find_run, require_adapter
    from tui_tuner.used_run import use_run

    with project_lock(project):
        if name:
            require_adapter(find_run(project, name))
        use_run(project.runs, name)
    used = project.tuned_run()
    output.event(
        Notice(_("Compare, Export and Chat use {name}", name=used.name) if used else _("no run has an adapter"))
    )
    return 0


def _delete(project: Project, name: str, output: Output, *, ask: bool) -> int:
    from tui_tuner.run_uses import delete_run, uses_of
    from tui_tuner.training.run_names import find_run

    with project_lock(project):
        folder = find_run(project, name)
        for use in uses_of(project, folder):
            output.event(Notice(use, "warning"))
        if ask and not _agreed(_("Delete {name}, with its adapter and checkpoints, for good? [y/N] ", name=name)):
            output.event(Notice(_("{name} stays", name=name)))
            return 1
        delete_run(folder)
    output.event(Notice(_("{name} is deleted", name=name)))
    return 0


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise UsageError(_("nobody is there to be asked"), advice=_("If you are sure, say so: --yes"))
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
