import random

import pytest

from tui_tuner.documents.decoding import decode
from tui_tuner.errors import DatasetError

FRENCH = "Où est le café ? Le garçon a déjà mangé la crème brûlée, et il était très content de ce dîner d'été. " * 4
GERMAN = "Die Bäckerei öffnet früh. Größere Brötchen gibt es nur am Wochenende, süße Sachen überhaupt nicht."
RUSSIAN = "Где находится библиотека? Она стоит на главной площади города, рядом с большим старым театром. " * 4
JAPANESE = (
    "図書館はどこにありますか。それは町の中央広場にあり、大きな古い劇場の隣に立っています。"
    "バックアップは毎晩自動的に作成されます。復元するには設定を開き、復元を選んでください。"
)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "cp1252"),
        (FRENCH, "utf-8"),
        (FRENCH, "utf-8-sig"),
        (FRENCH, "utf-16"),
        (FRENCH, "utf-16-le"),
        (FRENCH, "utf-16-be"),
        (FRENCH, "utf-32"),
        (FRENCH, "cp1252"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
    ],
)
def test_what_it_was_written_in_is_found(text, encoding):
    assert decode(text.encode(encoding)) == text


def test_a_long_file_is_guessed_from_its_beginning():
    text = (JAPANESE + "\n") * 2000
    assert decode(text.encode("euc_jp")) == text


def test_a_page_is_read_as_what_it_says():
    page = f'<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-5"><p>{RUSSIAN[:20]}'
    assert decode(page.encode("iso-8859-5")) == page


def test_lines_end_alike_and_a_stray_zero_is_left_out():
    assert decode(b"a\r\nb\rc\n" + b"words " * 2000 + b"d\0") == "a\nb\nc\n" + "words " * 2000 + "d"


@pytest.mark.parametrize(
    "content",
    [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0", b"\0" * 1000, random.Random(0).randbytes(20_000), b"\x7fELF\x02\x01\x01\0"],
)
def test_what_is_no_text_is_refused(content):
    with pytest.raises(DatasetError, match="binary"):
        decode(content)


def test_random_bytes_are_refused_however_few():
    chance = random.Random(1)
    for _round in range(50):
        try:
            decode(chance.randbytes(300))
        except DatasetError:
            continue
        pytest.fail("read as text")
