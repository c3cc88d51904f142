import re
import time

import pytest

from tui_tuner.documents.blocks import count_words
from tui_tuner.documents.cutting import cut
from tui_tuner.documents.markdown import read_markdown
from tui_tuner.documents.plain import read_plain


def squeezed(text):
    return re.sub(r"\s+", "", text)


def sentences(number, about="bread"):
    return " ".join(f"Sentence {place} says something about {about}." for place in range(number))


def passages(text, longest=60, read=read_markdown):
    pieces = cut(read(text), longest)
    assert squeezed("".join(piece.text for piece in pieces)) == squeezed(text)  # everything, once, in order
    assert all(count_words(piece.text) <= longest for piece in pieces)
    return pieces


def test_sections_know_the_headings_they_are_under():
    text = f"# Guide\n\n{sentences(6)}\n\n## Backups\n\n{sentences(6)}\n\n### Restore\n\n{sentences(6)}\n\n"
    text += f"## Users\n\n{sentences(6)}"
    pieces = passages(text)
    assert [piece.heading for piece in pieces] == [
        ("Guide",),
        ("Guide", "Backups"),
        ("Guide", "Backups", "Restore"),
        ("Guide", "Users"),
    ]
    assert [piece.line for piece in pieces] == [1, 5, 9, 13]


def test_small_neighbours_are_joined_under_what_they_have_in_common():
    text = "# Guide\n\n## One\n\nShort.\n\n## Two\n\nShort too.\n\n# Other\n\n" + sentences(9)
    pieces = passages(text)
    assert [piece.heading for piece in pieces] == [("Guide",), ("Other",)]
    assert pieces[0].text == "# Guide\n\n## One\n\nShort.\n\n## Two\n\nShort too."


def test_long_sections_are_cut_between_blocks_and_keep_their_heading():
    text = "# Guide\n\n" + "\n\n".join(sentences(3, f"loaf {place}") for place in range(8))
    pieces = passages(text)
    assert len(pieces) > 2
    assert {piece.heading for piece in pieces} == {("Guide",)}
    assert all(piece.text.endswith(".") for piece in pieces)
    assert pieces[1].line > pieces[0].line


def test_long_paragraphs_are_cut_between_sentences_into_parts_alike():
    pieces = passages(sentences(50))
    assert all(piece.text.endswith(".") for piece in pieces)
    sizes = [piece.words for piece in pieces]
    assert max(sizes) - min(sizes) <= 18
    assert pieces[0].heading == ()


def test_code_stays_whole_where_it_fits():
    code = "```sh\n" + "\n".join(f"# step {place}" for place in range(12)) + "\n\necho done\n```"
    text = f"# Guide\n\n{sentences(8)}\n\n{code}\n\n{sentences(3)}"
    pieces = passages(text)
    assert any(code in piece.text for piece in pieces)
    assert {piece.heading for piece in pieces} == {("Guide",)}


def test_code_lists_and_tables_too_long_are_cut_between_lines():
    rows = "\n".join(f"| number {place} | squared {place * place} is more |" for place in range(60))
    pieces = passages(f"| a | b |\n|---|---|\n{rows}")
    assert len(pieces) > 5
    assert all(line.count("|") == 3 for piece in pieces for line in piece.text.split("\n"))


@pytest.mark.parametrize(
    "text",
    [
        "# Only\n\n## Headings\n\n### Are\n\n# Here",
        "No heading at all, one sentence.",
        "## Begins deeper\n\nText.\n\n# Than it goes on\n\nText.",
        "#\n\nAn empty heading.",
        "# " + "long heading " * 200,
        "x" * 50_000,
        "- one\n" + "".join("  " * depth + f"- deeper {depth}\n" for depth in range(1, 40)),
        "تُنشأ النسخ الاحتياطية كل ليلة. كيف أستعيدها؟ افتح الإعدادات ثم اختر الاستعادة. " * 30,
        "ทุกคืนระบบจะสำรองข้อมูล " * 100,
    ],
)
def test_whatever_the_structure_nothing_is_lost(text):
    assert passages(text)


def test_chinese_is_cut_between_sentences_though_it_has_no_spaces():
    text = "# 备份\n\n" + "系统每天晚上都会自动备份所有文件。如果需要恢复，请打开设置。" * 20
    pieces = passages(text, longest=100)
    assert len(pieces) >= 6
    assert all(piece.text.endswith("。") for piece in pieces)
    assert {piece.heading for piece in pieces} == {("备份",)}


def test_a_paragraph_of_a_megabyte_is_cut_in_a_moment():
    text = sentences(1_000_000 // 40)
    began = time.process_time()
    assert len(passages(text, 300)) > 400
    assert time.process_time() - began < 20


def test_text_files_are_cut_by_their_paragraphs():
    text = "\n\n".join(sentences(3, f"loaf {place}") for place in range(8))
    assert [piece.line for piece in passages(text, 90, read_plain)] == [1, 9]


def test_a_small_section_that_fits_nowhere_further_goes_with_the_one_before():
    text = f"# Guide\n\n{sentences(3)}\n\n## Note\n\nShort it is.\n\n## Long\n\n{sentences(9)}"
    pieces = passages(text)
    assert [piece.heading for piece in pieces] == [("Guide",), ("Guide", "Long")]
    assert pieces[0].text.endswith("Short it is.")


@pytest.mark.parametrize(
    "text", ["." * 300_000, " " * 300_000 + "x", "a," * 150_000, "[" * 100_000, "|a|\n|-|\n" + "|1|\n" * 20_000]
)
@pytest.mark.parametrize("read", [read_markdown, read_plain])
def test_endless_rows_of_one_sign_are_cut_in_a_moment(text, read):
    began = time.process_time()
    assert passages(text, 300, read)
    assert time.process_time() - began < 30
