"""Reading and writing so that a crash, a kill or a full disk costs nothing already done.

A file is replaced whole: written beside, flushed to the disk, renamed. One that grows line by line is a journal; it may
end in a torn line after a crash, and reading says so and drops that line alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
import tempfile
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from tui_tuner.errors import ConfigurationError, DatasetError, storage_error
from tui_tuner.language import _

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@contextlib.contextmanager
def storage_errors(where: Path | str) -> Iterator[None]:
    """Turn an `OSError` inside into a `StorageError` that says what to do."""
    try:
        yield
    except OSError as error:
        raise storage_error(error, str(where)) from error


def flush_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Write a file beside `path`; when the block ends well it takes `path`'s place, otherwise nothing is left.

    Yields:
        The file to write to.

    Raises:
        StorageError: the disk is full or the folder not writable; `path` is as it was.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            # mkstemp makes files private; a project's files are as readable as any other file of the person's.
            Path(name).chmod(0o644)
            Path(name).replace(path)
            flush_folder(path.parent)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` with `content`, wholly or not at all.

    Raises:
        StorageError: the disk is full or the folder not writable; `path` is as it was.
    """
    with replacing(path) as file:
        file.write(content)


def write_text(path: Path, text: str) -> None:
    """Replace `path` with `text` in UTF-8, wholly or not at all."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Replace `path` with `value` as readable JSON, wholly or not at all."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def write_json_lines(path: Path, rows: Iterable[Any]) -> None:
    """Replace `path` with one JSON line per row, wholly or not at all."""
    with replacing(path) as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")


@contextlib.contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Fill a folder beside `folder`; when the block ends well it takes `folder`'s place, otherwise nothing is left.

    Yields:
        The folder to write into, on the same disk as `folder`.

    Raises:
        StorageError: the disk is full or the place not writable; an earlier `folder` is as it was.
    """
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            yield beside
            for path in beside.rglob("*"):
                if path.is_file():
                    with path.open("rb") as file:
                        os.fsync(file.fileno())
            beside.chmod(0o755)
            _exchange(beside, folder)
            flush_folder(folder.parent)
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def _exchange(fresh: Path, place: Path) -> None:
    if not place.exists():
        fresh.rename(place)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{place.name}.old.", dir=place.parent))
    place.rename(old / place.name)
    fresh.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what a process killed inside `new_folder` has left beside `folder`; none may be at work there.

    Killed between two renames, the earlier folder waits beside its place: it is put back.

    Raises:
        StorageError: the place cannot be read or written.
    """
    beside = re.compile(rf"\.{re.escape(folder.name)}\.(old\.)?[a-z0-9_]{{8}}")
    with storage_errors(folder), contextlib.suppress(FileNotFoundError):
        for found in sorted(folder.parent.iterdir()):
            if beside.fullmatch(found.name) and found.is_dir():
                if (found / folder.name).is_dir() and not folder.exists():
                    (found / folder.name).rename(folder)
                shutil.rmtree(found, ignore_errors=True)


def free_space(path: Path) -> tuple[int, Path]:
    """Free bytes on the disk where `path` is or will be, and the folder that was asked.

    Raises:
        StorageError: it cannot be asked.
    """
    place = next(folder for folder in (path, *path.parents) if folder.exists())
    with storage_errors(place):
        return shutil.disk_usage(place).free, place


@dataclass(frozen=True)
class BadLine:
    """A line that is not JSON: where it is and what is wrong with it."""

    path: Path
    line: int
    reason: str


def json_lines(path: Path) -> Iterator[Any]:
    """The lines of `path` one after the other; a `BadLine` in place of each that is not JSON. None without a file.

    Raises:
        StorageError: it cannot be read.
    """
    if not path.exists():
        return
    with storage_errors(path), path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                # Decoded here: looking for the encoding of every line would take a fifth of the time.
                text = str(line if number > 1 else line.removeprefix(BOM_UTF8), "utf-8", "surrogatepass")
                yield json.loads(text)
            except (ValueError, RecursionError) as error:
                if line.strip():
                    torn = not line.endswith(b"\n")
                    yield BadLine(path, number, _("cut off in the middle") if torn else str(error))


def read_json_lines(path: Path) -> tuple[list[Any], list[BadLine]]:
    """Read every good line of `path`; list the bad ones. A missing file has neither."""
    rows: list[Any] = []
    bad: list[BadLine] = []
    for row in json_lines(path):
        (bad if isinstance(row, BadLine) else rows).append(row)
    return rows, bad


def read_json(path: Path) -> Any:
    """Read `path` as JSON.

    Raises:
        StorageError: it cannot be read.
        DatasetError: it is not JSON; names the line.
    """
    with storage_errors(path):
        content = path.read_bytes()
    try:
        return json.loads(content)
    except ValueError as error:
        line = getattr(error, "lineno", None)
        raise DatasetError(
            _("not valid JSON: {error}", error=error),
            where=f"{path}:{line}" if line else str(path),
            advice=_("Mend the file, or move it away to have it made again."),
        ) from error


def read_toml(path: Path) -> tuple[dict[str, Any], str]:
    """Read `path` as TOML; also return its text, from which the line of a mistake is found.

    Raises:
        StorageError: it cannot be read.
        ConfigurationError: it is not TOML; names the line.
    """
    with storage_errors(path):
        content = path.read_bytes()
    try:
        text = content.decode()
        return tomllib.loads(text), text
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigurationError(
            _("not UTF-8 text"), where=f"{path}:{line}", advice=_("Save the file as UTF-8.")
        ) from error
    except tomllib.TOMLDecodeError as error:
        line = _line_of_toml_error(error, content)
        raise ConfigurationError(
            _("not valid TOML: {error}", error=error),
            where=f"{path}:{line}",
            advice=_('Mend this line; text values need quotes, as in topic = "WordPress".'),
        ) from error


def _line_of_toml_error(error: ValueError, content: bytes) -> int:
    words = str(error).replace(",", " ").split()
    if "line" in words:
        return int(words[words.index("line") + 1])
    return content.count(b"\n") + 1  # "at end of document"
