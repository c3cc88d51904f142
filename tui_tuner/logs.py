"""The log file: what a person who asks for help can send, and where tracebacks go instead of the screen."""

from __future__ import annotations

import logging
import logging.handlers
from pathlib import Path

from tui_tuner.settings import log_folder


def log_file() -> Path:
    """Where the log is."""
    return log_folder() / "tuner.log"


def start_logging() -> None:
    """Write warnings and our own notes to the log file; without a writable place, nowhere.

    Prompts, answers and keys are never logged.
    """
    root = logging.getLogger()
    if any(isinstance(handler, logging.handlers.RotatingFileHandler) for handler in root.handlers):
        return
    try:
        log_folder().mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = logging.handlers.RotatingFileHandler(
            log_file(), maxBytes=1_000_000, backupCount=2, encoding="utf-8", delay=True
        )
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    # A full disk must not end the work that wanted to note something.
    logging.raiseExceptions = False
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("tui_tuner").setLevel(logging.INFO)
