"""Texts with their values, and sentences about one thing and about several."""

import gettext
import io
import struct

import pytest

from tui_tuner import language
from tui_tuner.language import _, ngettext


def test_values_are_filled_in_and_never_read_as_names():
    assert _("{name} has {count:,} rows", name="{count}", count=1234) == "{count} has 1,234 rows"
    assert _("no {value} here") == "no {value} here"


@pytest.mark.parametrize(("number", "words"), [(1, "1 row"), (0, "0 rows"), (2, "2 rows"), (1234, "1,234 rows")])
def test_one_thing_and_several(number, words):
    assert ngettext("{number:,} row", "{number:,} rows", number) == words
    assert ngettext("a row of {file}", "{number} rows of {file}", 1, file="{number}") == "a row of {number}"
    assert ngettext("{number} row", "{number} rows", number, number="about 1") == f"about 1 row{'s' * (number != 1)}"


def test_a_catalogue_has_the_forms_of_its_language(monkeypatch):
    pairs = [
        ("", "Plural-Forms: nplurals=3; plural=n==1 ? 0 : n<5 ? 1 : 2;\nContent-Type: text/plain; charset=UTF-8\n"),
        ("{number} row\0{number} rows", "{number} řádek\0{number} řádky\0{number} řádků"),
    ]
    monkeypatch.setattr(language, "_catalogue", lambda: gettext.GNUTranslations(io.BytesIO(catalogue(pairs))))
    assert [ngettext("{number} row", "{number} rows", number) for number in (1, 3, 7)] == [
        "1 řádek",
        "3 řádky",
        "7 řádků",
    ]


def catalogue(pairs: list[tuple[str, str]]) -> bytes:
    """A compiled catalogue as gettext's manual describes it."""
    header = 28
    texts = header + 16 * len(pairs)
    tables: list[bytes] = []
    strings = b""
    for side in (0, 1):
        for pair in pairs:
            text = pair[side].encode()
            tables.append(struct.pack("<II", len(text), texts + len(strings)))
            strings += text + b"\0"
    start = struct.pack("<7I", 0x950412DE, 0, len(pairs), header, header + 8 * len(pairs), 0, header)
    return start + b"".join(tables) + strings
