"""Packages that only some files need: the extra `tables`."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from tui_tuner.errors import DatasetError
from tui_tuner.language import _


def needed(module: str, path: Path, kind: str) -> Any:
    """The module that reads files of this `kind`.

    Raises:
        DatasetError: it is not installed; says what to install.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise DatasetError(
            _("reading {kind} needs a package that is not installed", kind=kind),
            where=str(path),
            advice=_("Install it with: pip install 'tui-tuner[tables]'"),
        ) from error
