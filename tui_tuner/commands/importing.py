"""tuner import: bring examples or documents that are there already into the project.

Of a table it shows what was found and three examples as they would be learned, and asks before anything is imported.
Documents (Markdown, text, HTML, PDF) are cut into passages; tuner data has questions asked about each of them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tui_tuner.commands.options import add_json, add_project, chosen_project
from tui_tuner.commands.output import Output
from tui_tuner.commands.running import exit_code, run_project_job
from tui_tuner.errors import UsageError
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.project import Project

if TYPE_CHECKING:
    from tui_tuner.importing.looking import Sighting

EXAMPLES = _("""examples:
  tuner import questions.csv
  tuner import support.csv --map user=Frage --map assistant=Antwort
  tuner import chats.sqlite --table messages --yes
  tuner import sharegpt.json alpaca.jsonl --yes --json
  tuner import own.jsonl --as seeds          the teacher is shown them, and writes like them
  tuner import docs/                         documents; again when they have changed

A bad row never stops an import: all of them are listed in data/import_problems.jsonl with their line and reason.
Parquet and XLSX need: pip install 'tui-tuner[tables]'; PDF needs: pip install 'tui-tuner[pdf]'""")

SHOWN = 3
FORMATS = ("messages", "conversations", "alpaca", "completions", "text", "columns")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help=_("what to import: files, or folders of documents")
    )
    add_project(parser)
    parser.add_argument("--table", default="", help=_("of a database the table, of a workbook the sheet"))
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="ROLE=COLUMN",
        help=_("who says what: system, user, input, assistant, user2, assistant2, …; messages or text for a whole one"),
    )
    parser.add_argument("--format", choices=FORMATS, help=_("how the rows are to be read; guessed if not said"))
    parser.add_argument(
        "--as",
        choices=("examples", "seeds"),
        default="examples",
        dest="target",
        help=_("what they become; seeds are shown to the teacher, which writes like them, and learned unchecked"),
    )
    parser.add_argument("--replace", action="store_true", help=_("start over instead of adding"))
    parser.add_argument("--yes", action="store_true", help=_("import without asking"))
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Look at the files, ask, import."""
    project = chosen_project(arguments)
    kinds = {face_for(path) for path in arguments.files}
    if len(kinds) > 1:
        raise UsageError(
            _("tables and documents are imported one kind at a time"), advice=_("Import them with a command each.")
        )
    return kinds.pop()(project, arguments)


Face = Callable[[Project, argparse.Namespace], int]


def face_for(path: Path) -> Face:
    """What imports the kind of file at `path`: the one place where kinds part.

    Raises:
        DatasetError: nothing imports it.
    """
    from tui_tuner.importing.opening import kind_of

    return import_documents if kind_of(path.expanduser()) in ("document", "folder") else import_tables


def import_documents(project: Project, arguments: argparse.Namespace) -> int:
    """Cut documents into passages; nobody is asked, since there is nothing to guess and doing it again mends it.

    Raises:
        UsageError: something was said that is about tables.
    """
    from tui_tuner.documents.adding import add_documents, plan_documents

    if arguments.table or arguments.map or arguments.format or arguments.target != "examples":
        raise UsageError(
            _("--table, --map, --format and --as are for tables"), advice=_("Documents need none of them.")
        )
    output = Output(as_json=arguments.json)
    plan = plan_documents(project, [path.expanduser() for path in arguments.files], replace=arguments.replace)
    job = run_project_job(
        project,
        _("reading documents"),
        lambda emit, stop: add_documents(plan, emit=emit, stop=stop),
        output,
        on_engine=False,
    )
    if job.result is not None:
        output.say(_("Next: tuner data has questions asked about each passage, and answered from it."))
    return exit_code(job)


def import_tables(project: Project, arguments: argparse.Namespace) -> int:
    """Import files with rows."""
    from tui_tuner.dataset.plan import IMPORTED, SEEDS
    from tui_tuner.importing.bring import ImportPlan, import_rows
    from tui_tuner.importing.looking import look

    output = Output(as_json=arguments.json)
    mapping = read_mapping(arguments.map)
    sightings = tuple(
        look(path, table=arguments.table, mapping=mapping, form=arguments.format) for path in arguments.files
    )
    for sighting in sightings:
        tell(sighting, output)
    target = SEEDS if arguments.target == "seeds" else IMPORTED
    plan = ImportPlan(project.data, sightings, replace=arguments.replace, target=target)
    if all(sighting.shape.complete for sighting in sightings) and not agreed(arguments, output):
        output.say(_("Nothing was imported."))
        return 0
    job = run_project_job(
        project, _("importing"), lambda emit, stop: import_rows(plan, emit=emit, stop=stop), output, on_engine=False
    )
    if job.result is not None:
        output.say(_("Next: tuner data makes the training files of them."))
    return exit_code(job)


def agreed(arguments: argparse.Namespace, output: Output) -> bool:
    """Whether the person wants it; without a terminal they have to have said so.

    Raises:
        UsageError: nobody can be asked.
    """
    if arguments.yes:
        return True
    if arguments.json or not sys.stdin.isatty():
        raise UsageError(
            _("nobody is here to say whether this is right"), advice=_("Look at it, then import with --yes.")
        )
    output.say("")
    sys.stderr.write(_("Import this? [y/n] "))
    sys.stderr.flush()
    try:
        return input().strip().casefold() in ("y", "yes")
    except EOFError:
        return False


def read_mapping(assignments: list[str]) -> Mapping[str, str]:
    """The columns of roles, as given with `--map`.

    Raises:
        UsageError: one is no assignment.
    """
    mapping: dict[str, str] = {}
    for text in assignments:
        role, equals, column = text.partition("=")
        if not equals or not role.strip():
            raise UsageError(_("--map takes role=column, not {text}", text=repr(text)))
        mapping[role.strip()] = column.strip()
    return mapping


def tell(sighting: Sighting, output: Output) -> None:
    """Say what was found in a file, with its first examples."""
    from tui_tuner.importing.describing import summary

    for line in summary(sighting):
        output.say(line)
    if not sighting.shape.complete:
        for row in sighting.raw:
            output.say("")
            for name, cell in row.items():
                output.say(f"  {one_line(name, 30)}: {cell}")
    for place, conversation in sighting.first[:SHOWN]:
        output.say("")
        output.say(f"  {sighting.path.name}:{place}")
        for message in conversation.messages:
            output.say(f"  {message['role']:>9}  {one_line(message['content'], 200)}")
        if conversation.cut:
            output.say(_("  (its last question has no answer and is left out)"))
    if sighting.bad:
        output.say("")
        output.say(_("Rows that cannot be used, among the first {number}:", number=f"{sighting.looked_at:,}"))
        for bad in sighting.bad[:SHOWN]:
            detail = f" ({one_line(bad.detail, 100)})" if bad.detail else ""
            output.say(f"  {sighting.path.name}:{bad.place}  {bad.reason}{detail}")
