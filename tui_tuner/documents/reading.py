"""One document of any kind, read into blocks."""

from __future__ import annotations

import stat
from pathlib import Path

from tui_tuner import figures
from tui_tuner.documents.blocks import Block
from tui_tuner.documents.folder import HTML, MARKDOWN, PDF
from tui_tuner.encodings import decode
from tui_tuner.errors import DatasetError
from tui_tuner.files import storage_errors
from tui_tuner.language import _

LARGEST = 256 << 20  # bytes


def read_document(path: Path) -> list[Block]:
    """The blocks of a document, by the ending of its name.

    Raises:
        DatasetError: it cannot be read as what its ending says, is empty, no file at all, or too large; says why.
        StorageError: it may not be read.
    """
    with storage_errors(path):
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise DatasetError(_("this is no file but a pipe, a socket or a device"))
        if state.st_size > LARGEST:
            size, most = figures.size(state.st_size), figures.size(LARGEST)
            raise DatasetError(_("it is larger ({size}) than can be read ({most})", size=size, most=most))
        content = path.read_bytes()
    blocks = _blocks(content, path.suffix.lower())
    if not blocks:
        raise DatasetError(_("there is no text in it"))
    return blocks


def _blocks(content: bytes, ending: str) -> list[Block]:
    if ending in PDF:
        from tui_tuner.documents.pdf import read_pdf

        return read_pdf(content)
    text = decode(content)
    if ending in HTML:
        from tui_tuner.documents.html import read_html

        return read_html(text)
    if ending in MARKDOWN:
        from tui_tuner.documents.markdown import read_markdown

        return read_markdown(text)
    from tui_tuner.documents.plain import read_plain

    return read_plain(text)
