"""How the letters of a text file are written, told from its beginning."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from tui_tuner.importing.rows import RowProblem
from tui_tuner.language import _

UTF8, UTF8_MARKED, UTF16_LITTLE, UTF16_BIG, WESTERN = "utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "cp1252"
_MARKS = (
    (codecs.BOM_UTF8, UTF8_MARKED),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
ZEROS = 0.3  # of the bytes at even or odd places: so many are zero only in UTF-16
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\x1b")) + b"\x7f"
MOST_CONTROL = 0.05  # of all bytes: text with more of them is none,
MOST_DAMAGED = 0.3  # unless they are in so few of the lines


@dataclass(frozen=True)
class Encoding:
    """An encoding by Python's name, and what to tell a person about it."""

    name: str
    doubt: str = ""

    @property
    def errors(self) -> str:
        """How a byte that is no letter is read, so that `check_letters` finds it."""
        return "replace" if self.name.startswith("utf-16") else "surrogateescape"


def find_encoding(head: bytes) -> Encoding | None:
    """The encoding of a file that begins with `head`; None where it is no text at all."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return Encoding(name)
    if len(head) >= 2 and (wide := _without_mark(head)):
        return Encoding(wide, _("it has no mark of its encoding: read as {name}", name=wide.upper()))
    if _is_binary(head):
        return None
    lines = [line for line in head.split(b"\n")[:-1] or [head] if not line.isascii()]
    good = sum(map(_is_utf8, lines))
    # A few broken lines in a file of UTF-8 are bad rows; a file without any good one is of another encoding.
    if not lines or good >= len(lines) - good:
        return Encoding(UTF8)
    return Encoding(WESTERN, _("it is not UTF-8: read as Windows-1252, so look whether all letters are right"))


def _is_binary(head: bytes) -> bool:
    if len(head.translate(None, _CONTROL)) >= (1 - MOST_CONTROL) * len(head):
        return False
    lines = head.split(b"\n")
    damaged = sum(len(line.translate(None, _CONTROL)) < len(line) for line in lines)
    return damaged > MOST_DAMAGED * len(lines)


def _without_mark(head: bytes) -> str:
    even, odd = head[0::2], head[1::2]
    share_even, share_odd = even.count(0) / len(even), odd.count(0) / len(odd)
    if share_odd > ZEROS and share_even < ZEROS / 3:
        return UTF16_LITTLE
    return UTF16_BIG if share_even > ZEROS and share_odd < ZEROS / 3 else ""


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def check_letters(text: str, encoding: str) -> None:
    """Refuse a text with bytes that are no letters in its encoding.

    Raises:
        RowProblem: there are some.
    """
    if text.isascii():
        return
    wide = encoding.startswith("utf-16")
    damaged = "\ufffd" in text if wide else any("\udc80" <= letter <= "\udcff" for letter in text)
    if damaged:
        raise RowProblem(_("not valid {encoding} text", encoding=encoding.upper().removesuffix("-SIG")))
