"""From a file's bytes to its text, in whatever encoding it was written."""

from __future__ import annotations

import codecs
import re

from tui_tuner.errors import DatasetError
from tui_tuner.language import _

LOOKED_AT = 64 << 10  # bytes an unknown encoding is guessed from
BEGINNING = 8 << 10  # bytes in which a binary file shows itself, as git has it
MOST_CONTROLS = 0.02  # part of the letters; text has hardly any

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]{1,40})|<\?xml[^>]{0,200}?encoding=["']([\w.:-]+)"""
)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffd]")


def decode(content: bytes) -> str:
    """The text of a file, its lines ended by newlines alone.

    A byte order mark says the encoding; without one it is UTF-8 if it can be, then what an HTML page says of itself,
    then what it most looks like.

    Raises:
        DatasetError: it is no text.
    """
    text = _decoded(content).replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    if len(_CONTROL.findall(text)) > MOST_CONTROLS * len(text):
        raise _no_text()
    return text.replace("\0", "")


def _decoded(content: bytes) -> str:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    if b"\0" in content[:BEGINNING]:
        return _without_mark(content)
    try:
        return content.decode()
    except UnicodeDecodeError:
        pass
    declared = _DECLARED.search(content[:BEGINNING])
    if declared:
        name = (declared.group(1) or declared.group(2)).decode("ascii", "replace")
        try:
            return content.decode(name)
        except (LookupError, UnicodeError):
            pass
    return _guessed(content)


def _without_mark(content: bytes) -> str:
    """UTF-16 without a byte order mark: every second byte of western text is zero there."""
    sample = content[:BEGINNING]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if odd > 0.7 * half and even < 0.1 * half:
        return content.decode("utf-16-le", "replace")
    if even > 0.7 * half and odd < 0.1 * half:
        return content.decode("utf-16-be", "replace")
    raise _no_text()


def _guessed(content: bytes) -> str:
    from charset_normalizer import from_bytes

    sample = content[:LOOKED_AT]
    if len(sample) < len(content):
        sample = sample[: sample.rfind(b"\n") + 1] or sample  # a letter of two bytes must not be cut through
    found = list(from_bytes(sample))
    if not found:
        raise _no_text()
    # Of those about as free of odd letters, the one that looks most like some language: French is no Lithuanian.
    tidy = [match for match in found if match.chaos <= found[0].chaos + 0.1]
    return content.decode(max(tidy, key=lambda match: match.coherence).encoding, "replace")


def _no_text() -> DatasetError:
    return DatasetError(_("this is no text but a binary file"), advice=_("Give it the ending that says what it is."))
