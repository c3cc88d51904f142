"""What kind of file this is, told from its content, and the reader for it."""

from __future__ import annotations

import contextlib
import json
import re
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tui_tuner.documents.folder import ENDINGS
from tui_tuner.encodings import UTF8, Encoding, find_encoding
from tui_tuner.errors import DatasetError, TunerError, storage_error
from tui_tuner.importing.rows import Kind, Source
from tui_tuner.importing.text_file import TextFile
from tui_tuner.language import _

HEAD = 1 << 20  # bytes that decide
LINES = 100  # lines that do
_LINE_END = re.compile(r"\r\n|\r|\n")
# What people try: the beginning of the file, what it is, what to do about it.
_STRANGERS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x89PNG", _("a picture"), ""),
    (b"\xff\xd8\xff", _("a picture"), ""),
    (b"GIF8", _("a picture"), ""),
    (b"\x1f\x8b", _("a gzip archive"), _("Unpack it first: gunzip FILE")),
    (b"BZh", _("a bzip2 archive"), _("Unpack it first: bunzip2 FILE")),
    (b"\x28\xb5\x2f\xfd", _("a zstd archive"), _("Unpack it first: unzstd FILE")),
    (b"PK\x03\x04", _("a zip archive"), _("Unpack it first: unzip FILE")),
    (b"\xd0\xcf\x11\xe0", _("an old Excel or Word file"), _("Save it as .xlsx or CSV first.")),
    (b"ARROW1", _("an Arrow file"), _("Save it as Parquet or JSON Lines first.")),
)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn an `OSError` inside into an error that says why `path` cannot be read."""
    try:
        yield
    except FileNotFoundError as error:
        raise DatasetError(
            _("there is no such file"), where=str(path), advice=_("Check the path; the Tab key completes it.")
        ) from error
    except PermissionError as error:
        raise DatasetError(
            _("it may not be read"), where=str(path), advice=_("Allow it with: chmod u+r FILE")
        ) from error
    except OSError as error:
        raise storage_error(error, str(path)) from error
    except ValueError as error:  # a path with a NUL in it
        if isinstance(error, UnicodeError | json.JSONDecodeError):
            raise
        raise DatasetError(_("this is no path"), where=repr(str(path)), advice=_("Check the path.")) from error


def kind_of(path: Path) -> Kind:
    """What is at `path`: a kind of file with rows, a document, or a folder.

    Raises:
        DatasetError: there is nothing, it may not be read, or it is of a kind nobody can import.
        StorageError: the disk has a fault.
    """
    with reading(path):
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return "folder"
        if not stat.S_ISREG(mode):  # a pipe would keep whoever opens it waiting
            raise DatasetError(_("not a file but a pipe or a device"), where=str(path), advice=_("Save it to a file."))
        head = _head(path)
    if not head.strip():
        raise DatasetError(_("the file is empty"), where=str(path), advice=_("Choose another file."))
    if kind := _kind_of_binary(path, head):
        return kind
    is_all = len(head) < HEAD
    encoding = find_encoding(head, is_all=is_all)
    if encoding is None:
        raise _unknown(path)
    text = _decoded(head, encoding)
    lines = [line.strip() for line in _LINE_END.split(text)[:LINES] if line.strip()]
    if _starts_json(text.lstrip()[:1000]):
        return _kind_of_json(lines if is_all else lines[: LINES - 1])
    if sum("[INST]" in line for line in lines) * 2 > len(lines):
        return "lines"
    if path.suffix.lower() in ENDINGS:
        return "document"
    from tui_tuner.importing.delimited import find_dialect

    if find_dialect(text, is_all=is_all) is not None:
        return "csv"
    raise _unknown(path)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)


def _kind_of_binary(path: Path, head: bytes) -> Kind | None:
    if head.startswith(b"SQLite format 3\0"):
        return "sqlite"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"%PDF"):
        return "document"
    if head.startswith(b"PK\x03\x04"):
        with contextlib.suppress(OSError, zipfile.BadZipFile, ValueError), zipfile.ZipFile(path) as archive:
            if "xl/workbook.xml" in archive.namelist():
                return "xlsx"
        if path.suffix.casefold() == ".xlsx":
            raise DatasetError(
                _("the workbook is damaged"), where=str(path), advice=_("Open it in a spreadsheet and save it again.")
            )
    for beginning, name, advice in _STRANGERS:
        if head.startswith(beginning):
            raise DatasetError(_("it is {name}, not a table", name=name), where=str(path), advice=advice or _known())
    return None


def _unknown(path: Path) -> TunerError:
    return DatasetError(_("there are no rows in it that could be told apart"), where=str(path), advice=_known())


def _known() -> str:
    return _("What can be imported: JSON, JSON Lines, CSV, TSV, SQLite, Parquet, XLSX.")


def _decoded(head: bytes, encoding: Encoding) -> str:
    return head.decode(encoding.name, encoding.errors)


def _starts_json(text: str) -> bool:
    """Whether behind a first bracket there is something JSON may hold there, unlike in `[INST]` or a Markdown link."""
    rest = text[1:].lstrip()[:1]
    return (text[:1] == "{" and rest in ('"', "}", "")) or (text[:1] == "[" and rest in ('"', "{", "[", "]", ""))


def _kind_of_json(lines: list[str]) -> Kind:
    """JSON Lines where lines are values of their own, JSON otherwise."""
    whole = [_is_container(line) for line in lines]
    if len(lines) < 2:
        return "json"  # a list of rows, or an object that may hold one
    objects = sum(line.startswith('{"') and line.endswith("}") for line in lines)
    return "jsonl" if whole[0] or sum(whole) * 2 >= len(lines) or objects * 2 > len(lines) else "json"


def _is_container(line: str) -> bool:
    if line[:1] not in ("{", "["):
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def open_source(path: Path, table: str = "") -> Source:
    """Open a file with rows.

    Args:
        path: the file.
        table: of a database, the table; of a workbook, the sheet; empty takes the likeliest.

    Raises:
        DatasetError: it is no file with rows, is damaged, or needs a package that is not installed.
        UsageError: there is no such table.
        StorageError: the disk has a fault.
    """
    kind = kind_of(path)
    if kind in ("document", "folder"):
        raise DatasetError(_("this is a {kind}, which has no rows", kind=kind), where=str(path), advice=_known())
    with reading(path):
        if kind == "sqlite":
            from tui_tuner.importing.database import Database

            return Database(path, table)
        if kind == "parquet":
            from tui_tuner.importing.parquet import ParquetFile

            return ParquetFile(path)
        if kind == "xlsx":
            from tui_tuner.importing.workbook import Workbook

            return Workbook(path, table)
        return _open_text(path, kind)


def _open_text(path: Path, kind: Kind) -> Source:
    from tui_tuner.importing.delimited import DelimitedFile, find_dialect
    from tui_tuner.importing.json_file import JsonItems, JsonLines, find_rows
    from tui_tuner.importing.text_lines import TextLines

    head = _head(path)
    is_all = len(head) < HEAD
    encoding = find_encoding(head, is_all=is_all) or Encoding(UTF8)
    text = _decoded(head, encoding)
    file = TextFile(path, encoding)
    try:
        source: Source
        if kind == "jsonl":
            source = JsonLines(file)
        elif kind == "json":
            skip, in_list = find_rows(text.removeprefix("\ufeff"), is_all=is_all)
            source = JsonItems(file, skip, in_list=in_list)
        elif kind == "lines":
            source = TextLines(file)
        else:
            dialect = find_dialect(text, is_all=is_all)
            assert dialect is not None, "the kind said so"
            if dialect.named:
                file.next_line()
            source = DelimitedFile(file, dialect)
    except BaseException:
        file.close()
        raise
    if encoding.doubt:
        source.doubts.append(encoding.doubt)
    return source
