"""The headless twins of the app's steps, one module each.

A command module has a docstring whose first line is `name: what it does.`, `EXAMPLES` for its help, `configure(parser)`
and `run(arguments) -> exit code`. It imports what is heavy inside `run`.
"""

from __future__ import annotations

from types import ModuleType

from tui_tuner.commands import (
    chat,
    check,
    compare,
    data,
    demo,
    export,
    fuse,
    importing,
    models,
    new,
    pull,
    runs,
    serve_model,
    tokens,
    train,
    watch,
)

COMMANDS: dict[str, ModuleType] = {
    "demo": demo,
    "new": new,
    "check": check,
    "models": models,
    "pull": pull,
    "import": importing,
    "data": data,
    "tokens": tokens,
    "train": train,
    "watch": watch,
    "runs": runs,
    "compare": compare,
    "fuse": fuse,
    "export": export,
    "chat": chat,
    "serve-model": serve_model,
}
