import random

import pytest

from tui_tuner.encodings import decode, find_encoding
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


SWEDISH = "Hur lägger jag till en sida? Öppna menyn, välj Sidor och sedan Lägg till. Så enkelt är det på lördagar. "
TURKISH = (
    "Yeni bir sayfayı nasıl eklerim? Menüyü açın, Sayfalar'ı seçin ve ardından Ekle'ye dokunun. "
    "Değişiklikleri kaydetmeyi unutmayın."
)
CHINESE = "如何添加新页面？打开菜单，选择页面，然后点击添加。别忘了保存更改，这样以后也能看到。"
KOREAN = "새 페이지를 어떻게 추가하나요? 메뉴를 열고 페이지를 선택한 다음 추가를 누르세요."


@pytest.mark.parametrize("times", [1, 10])
@pytest.mark.parametrize(
    ("text", "encoding"),
    [(SWEDISH, "cp1252"), (TURKISH, "cp1254"), (CHINESE, "gb18030"), (CHINESE, "big5"), (KOREAN, "euc_kr")],
)
def test_a_table_is_read_in_the_encoding_of_its_language(text, encoding, times):
    if encoding == "big5":
        text = text.translate(str.maketrans("页开选择击别记变这样后", "頁開選擇擊別記變這樣後"))
        text = text.encode("big5", "ignore").decode("big5")
    rows = "question,answer\n" + f"x?,{text}\n" * times
    assert decode(rows.encode(encoding)) == rows


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


def test_a_damaged_letter_costs_none_of_the_others():
    content = (FRENCH + "\n").encode() * 3 + b"caf\xe9\n"
    assert decode(content) == (FRENCH + "\n") * 3 + "caf\ufffd\n"


@pytest.mark.parametrize(("is_all", "name"), [(True, "cp1252"), (False, "utf-8")])
def test_a_last_line_that_may_be_cut_through_says_nothing(is_all, name):
    found = find_encoding("one\ntwo\nthree é".encode("cp1252"), is_all=is_all)
    assert found is not None and found.name == name


def test_a_few_letters_beyond_ascii_are_western():
    for text in ("a,b\nÄ,c", "Q\nñ?\n", "Wie heißt du?"):
        found = find_encoding(text.encode("cp1252"))
        assert found is not None and (found.name, "Windows-1252" in found.doubt) == ("cp1252", True)
