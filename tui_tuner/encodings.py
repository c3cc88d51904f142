"""How the letters of a text are written, told from its bytes, and the text itself.

A byte order mark says it; without one it is UTF-8 as far as that can be, then what an HTML page says of itself, then
what it most looks like.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from tui_tuner.errors import DatasetError
from tui_tuner.language import _

UTF8, WESTERN = "utf-8", "cp1252"
# The mark of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
ZEROS = 0.3  # of the bytes at even or odd places: so many are zero only in UTF-16
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\x1b")) + b"\x7f"
MOST_CONTROL = 0.05  # of all bytes: text with more of them is none,
MOST_DAMAGED = 0.3  # unless they are in so few of the lines
MOST_ODD_LETTERS = 0.02  # of the letters of a text that was read: control characters, and what stands for none
_ODD_LETTER = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffd]")
DECLARED_WITHIN = 8 << 10  # bytes
_DECLARED = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]{1,40})|<\?xml[^>]{0,200}?encoding=["']([\w.:-]+)"""
)
GUESSED_FROM = 64 << 10  # bytes
# What files without a mark are written in, rather than all that there ever was.
_USUAL = (
    WESTERN, "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874", "koi8_r",
    "mac_roman", "cp850", "cp866", "iso8859_5", "gb18030", "big5", "cp932", "euc_jp", "cp949", "iso2022_jp",
)  # fmt: skip
FEWEST_TO_GUESS_FROM = 8  # bytes beyond ASCII: with fewer everything looks like everything
# What charset-normalizer measures: differences up to these tell nothing, tried on 24 texts in 16 languages.
SAME_CHAOS, SAME_COHERENCE = 0.06, 0.065


@dataclass(frozen=True)
class Encoding:
    """An encoding by Python's name, and what to tell a person about it."""

    name: str
    doubt: str = ""

    @property
    def is_wide(self) -> bool:
        """Whether every letter takes several bytes, so that a damaged one takes others with it."""
        return self.name.startswith(("utf-16", "utf-32"))

    @property
    def errors(self) -> str:
        """How a byte that is no letter is read so that it can be found again, where it can."""
        return "replace" if self.is_wide else "surrogateescape"


def find_encoding(content: bytes, *, is_all: bool = True) -> Encoding | None:
    """The encoding of a text; None where it is no text at all.

    Args:
        content: the file, or its beginning.
        is_all: whether nothing follows; a last line that may be cut through says nothing.
    """
    for mark, name in _MARKS:
        if content.startswith(mark):
            return Encoding(name)
    if len(content) >= 2 and (wide := _wide_without_mark(content)):
        return Encoding(wide, _("it has no mark of its encoding: read as {name}", name=wide.upper()))
    if _is_binary(content):
        return None
    lines = content.split(b"\n")
    if not is_all and len(lines) > 1:
        del lines[-1]
    lines = [line for line in lines if not line.isascii()]
    good = sum(map(_is_utf8, lines))
    # A few broken lines in a file of UTF-8 are damaged; a file without any good one is of another encoding.
    if not lines or good >= len(lines) - good:
        return Encoding(UTF8)
    if declared := _declared(content):
        return Encoding(declared)
    return _guessed(content)


def decode(content: bytes) -> str:
    """The whole text of a file, its lines ended by newlines alone; what is no letter in it is U+FFFD.

    Raises:
        DatasetError: it is no text.
    """
    encoding = find_encoding(content)
    text = content.decode(encoding.name, "replace") if encoding else ""
    if encoding is None or len(_ODD_LETTER.findall(text)) > MOST_ODD_LETTERS * len(text):
        raise DatasetError(_("this is no text but a binary file"), advice=_("Give it the ending that says what it is."))
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n").replace("\0", "")


def _is_binary(content: bytes) -> bool:
    if len(content.translate(None, _CONTROL)) >= (1 - MOST_CONTROL) * len(content):
        return False
    lines = content.split(b"\n")
    damaged = sum(len(line.translate(None, _CONTROL)) < len(line) for line in lines)
    return damaged > MOST_DAMAGED * len(lines)


def _wide_without_mark(content: bytes) -> str:
    """UTF-16 without a byte order mark: every second byte of western text is zero there."""
    even, odd = content[0::2], content[1::2]
    share_even, share_odd = even.count(0) / len(even), odd.count(0) / len(odd)
    if share_odd > ZEROS and share_even < ZEROS / 3:
        return "utf-16-le"
    return "utf-16-be" if share_even > ZEROS and share_odd < ZEROS / 3 else ""


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _declared(content: bytes) -> str:
    """What a page says it is written in; empty where it says nothing, or what it cannot be."""
    said = _DECLARED.search(content[:DECLARED_WITHIN])
    if not said:
        return ""
    name = (said.group(1) or said.group(2)).decode("ascii", "replace")
    try:
        content.decode(name)
    except (LookupError, UnicodeError):
        return ""
    return name


def _guessed(content: bytes) -> Encoding | None:
    """What a text without any sign most looks like; None where it looks like nothing."""
    name = _likeliest(content)
    if name is None:
        return None
    shown = "Windows-1252" if name == WESTERN else name.upper().replace("_", "-")
    return Encoding(name, _("it is not UTF-8: read as {name}, so look whether all letters are right", name=shown))


def _likeliest(content: bytes) -> str | None:
    from charset_normalizer import from_bytes

    sample = content[:GUESSED_FROM]
    if len(sample) < len(content):
        sample = sample[: sample.rfind(b"\n") + 1] or sample  # a letter of two bytes must not be cut through
    if sum(byte > 127 for byte in sample) < FEWEST_TO_GUESS_FROM:
        return WESTERN
    found = list(from_bytes(sample, cp_isolation=list(_USUAL)))
    if not found:
        return None
    # Of those about as free of odd letters those that look most like some language; among equals Windows-1252.
    tidy = [match for match in found if match.chaos <= found[0].chaos + SAME_CHAOS]
    most = max(match.coherence for match in tidy)
    likely = [match for match in tidy if match.coherence >= most - SAME_COHERENCE]
    western = sample.decode(WESTERN, "replace")
    if any(str(match) == western for match in likely):
        return WESTERN
    return min(likely, key=lambda match: match.chaos).encoding
