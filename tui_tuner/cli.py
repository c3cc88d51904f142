"""The `tuner` command: opens the app, or runs one step headless.

Nothing heavy is imported here: `tuner --version` and the first paint of the app wait for nobody.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Sequence
from pathlib import Path

from tui_tuner import __version__
from tui_tuner.errors import TunerError
from tui_tuner.language import _

EXAMPLES = _("""examples:
  tuner                               open the app where you left it
  tuner demo                          the whole journey on a small model, about five minutes
  tuner new wordpress --topic "using a WordPress website"
  tuner data --project wordpress      write the training set
  tuner train --set iters=300         fine-tune; Ctrl-C keeps everything
  tuner train --resume                go on where it stopped
  tuner compare                       base and tuned side by side
  tuner fuse && tuner chat            one model of your own

exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted with everything kept""")


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    from tui_tuner.commands import COMMANDS

    parser = argparse.ArgumentParser(
        prog="tuner",
        description=_("From nothing to a language model of your own, in one terminal."),
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"tuner {__version__}")
    parser.add_argument("--project", metavar="DIR", type=Path, help=_("open the app on this project"))
    subparsers = parser.add_subparsers(dest="command", metavar=_("command"))
    for name, module in COMMANDS.items():
        summary = (module.__doc__ or "").strip().splitlines()[0].partition(": ")[2].rstrip(".")
        subparser = subparsers.add_parser(
            name,
            help=summary,
            description=summary + ".",
            epilog=module.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.configure(subparser)
        subparser.set_defaults(execute=module.run)  # not `run`: that is an option of several commands
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run `tuner` with `argv` (the process's own arguments where None).

    Returns:
        0 done, 1 failed, 2 wrong usage, 130 interrupted with everything kept.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    if arguments == ["--version"]:
        sys.stdout.write(f"tuner {__version__}\n")
        return 0
    try:
        if not arguments or (len(arguments) == 2 and arguments[0] == "--project"):
            # The plain app waits for no other command's parser.
            return _open_app(Path(arguments[1]) if arguments else None)
        options = build_parser().parse_args(arguments)
        if options.command is None:
            return _open_app(options.project)
        from tui_tuner.logs import start_logging

        start_logging()
        return int(options.execute(options))
    except TunerError as error:
        from tui_tuner.plain_text import printable

        sys.stderr.write(printable(f"tuner: {error}") + "\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def _open_app(folder: Path | None) -> int:
    # Nothing that is made before the first paint is given up again: looking for it takes a tenth of that time.
    gc.disable()
    try:
        from tui_tuner.opening import run_app

        return run_app(folder)
    finally:
        gc.enable()
