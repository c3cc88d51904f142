"""PDF, with the package pypdf, which comes with the extra `pdf`."""

from __future__ import annotations

import io
import logging
import re
from typing import TYPE_CHECKING

from tui_tuner.documents.blocks import Block
from tui_tuner.documents.plain import read_plain
from tui_tuner.errors import DatasetError
from tui_tuner.language import _
from tui_tuner.plain_text import one_line

if TYPE_CHECKING:
    from pypdf import PdfReader


_LEADERS = re.compile(r"(?:[ \t]*\.){5,}")  # the dots of a table of contents


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
    blocks: list[Block] = []
    for number, page in enumerate(reader.pages, start=1):
        # Halves of characters, which damaged fonts give, can be written to no file.
        text = page.extract_text().encode("utf-8", "replace").decode().replace("\0", "")
        text = _LEADERS.sub(" …", text)
        blocks += [Block("text", block.text, number) for block in read_plain(text)]
    return blocks
