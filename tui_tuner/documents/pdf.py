"""PDF, with the package pypdf, which comes with the extra `pdf`."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tui_tuner.documents.blocks import Block, heading
from tui_tuner.documents.plain import read_plain
from tui_tuner.errors import DatasetError
from tui_tuner.language import _
from tui_tuner.plain_text import one_line

if TYPE_CHECKING:
    from pypdf import PdfReader


_LEADERS = re.compile(r"(?:\.[ \t]*){4,}\.")  # the dots of a table of contents


LONGEST_NUMBER = 12  # letters before a heading that its entry may lack: "Chapter 12."


def read_pdf(content: bytes) -> list[Block]:
    """The paragraphs of a PDF; each one's `line` is its page.

    Raises:
        DatasetError: it is encrypted, broken, has no text, or pypdf is not installed; says what to do.
    """
    try:
        from pypdf import PdfReader
    except ImportError as error:
        raise DatasetError(
            _("PDF needs the package pypdf, which is not installed"), advice="pip install 'tui-tuner[pdf]'"
        ) from error
    # Its remarks on untidy files would appear amid a screen.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise DatasetError(
                _("this PDF is encrypted"), advice=_("Save it without a password: qpdf --decrypt IN.pdf OUT.pdf")
            )
        blocks = _blocks(reader)
    except DatasetError:
        raise
    except Exception as error:  # a broken file can fail anywhere in the parser
        reason = one_line(str(error), 200) or type(error).__name__
        raise DatasetError(
            _("this PDF cannot be read: {reason}", reason=reason), advice=_("Open it in a viewer and save it again.")
        ) from error
    if not blocks:
        raise DatasetError(
            _("this PDF has no text: its pages are pictures, perhaps scanned"),
            advice=_("Have the text recognised first: ocrmypdf IN.pdf OUT.pdf"),
        )
    return blocks


def _blocks(reader: PdfReader) -> list[Block]:
    titles = _titles(reader)
    blocks: list[Block] = []
    for number, page in enumerate(reader.pages, start=1):
        # Halves of characters, which damaged fonts give, can be written to no file.
        text = page.extract_text().encode("utf-8", "replace").decode().replace("\0", "")
        for part in _parted(_LEADERS.sub(" …", text), titles.get(number, ())):
            if isinstance(part, str):
                blocks += [Block("text", block.text, number) for block in read_plain(part)]
            else:
                blocks.append(heading(part[1], number, part[0], part[1]))
    return blocks


def _titles(reader: PdfReader) -> dict[int, list[tuple[int, str]]]:
    """The entries of the PDF's own table of contents, by page: the level and the words of each."""
    titles: dict[int, list[tuple[int, str]]] = {}

    def take(entries: Sequence[Any], level: int) -> None:
        for entry in entries:
            if isinstance(entry, list):
                take(entry, level + 1)
            elif (page := reader.get_destination_page_number(entry)) is not None and page >= 0:
                titles.setdefault(page + 1, []).append((level, str(entry.title or "")))

    try:
        take(reader.outline, 1)
    except Exception:  # pages can be read where the table of contents is damaged
        return {}
    return titles


def _parted(text: str, titles: Sequence[tuple[int, str]]) -> Iterator[str | tuple[int, str]]:
    """A page's text, and the lines in it that are headings by the table of contents, each with its level."""
    lines = text.split("\n")
    start = 0
    for level, title in titles:
        wanted = _squeezed(title)
        place = next((at for at in range(start, len(lines)) if wanted and _squeezed(lines[at]).endswith(wanted)), None)
        if place is None or len(_squeezed(lines[place])) > len(wanted) + LONGEST_NUMBER:
            continue
        yield "\n".join(lines[start:place])
        yield level, lines[place].strip()
        start = place + 1
    yield "\n".join(lines[start:])


def _squeezed(text: str) -> str:
    """Words without spaces and case, which a heading and its entry may differ in."""
    return "".join(text.split()).casefold()
