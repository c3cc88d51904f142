"""What the training files were made of: each file they came from as it was then, noted in `data/report.json`.

What is brought along or edited later may have as many rows as before; only what the files hold tells that it changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tui_tuner.dataset.plan import (
    ANSWERS,
    FOLLOW_UPS,
    IMPORTED,
    INSTRUCTIONS,
    PASSAGE_QUESTIONS,
    REVIEW,
    SEEDS,
)
from tui_tuner.file_versions import FileVersion, is_unchanged, version_of

# A person's: noted before they are read, so that what is changed during the work counts as changed.
BROUGHT = (SEEDS, IMPORTED, REVIEW)
# The work's own: noted once it has written them. Passages are not among them: they are known by their text
# (`documents.passages.name_of`), wherever it stands.
WRITTEN = (INSTRUCTIONS, PASSAGE_QUESTIONS, ANSWERS, FOLLOW_UPS)


def noted(data: Path, names: Iterable[str]) -> dict[str, Any]:
    """The files of these `names` in the folder `data` as they are now, as plain JSON.

    Raises:
        StorageError: one cannot be read.
    """
    return {name: version_of(data / name).as_row() for name in names}


def is_still_made_of(data: Path, made_of: Any) -> bool:
    """Whether all files are what `noted` said of them; not where it says nothing of one."""
    if not isinstance(made_of, Mapping):
        return False
    versions = {name: FileVersion.from_row(made_of.get(name)) for name in (*BROUGHT, *WRITTEN)}
    return all(version is not None and is_unchanged(data / name, version) for name, version in versions.items())
