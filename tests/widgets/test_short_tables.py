from tui_tuner.widgets.short_tables import ROWS, with_short_tables

HEAD = "| a | b |\n|---|:-:|\n"


def rows(number):
    return "".join(f"| {row} | x |\n" for row in range(number))


def test_a_long_table_ends_in_a_block_of_code_and_the_text_goes_on():
    text = f"so:\n\n{HEAD}{rows(ROWS + 2)}\nand **then**\n"
    first, code, rest = with_short_tables(text).partition("\n```text\n")
    assert first == f"so:\n\n{HEAD}{rows(ROWS)}" and code
    assert rest == f"| {ROWS} | x |\n| {ROWS + 1} | x |\n```\n\nand **then**\n"


def test_short_tables_and_tables_in_code_are_as_they_were():
    for text in (f"{HEAD}{rows(ROWS)}\nend", f"```\n{HEAD}{rows(ROWS * 2)}```\nend", "a | b\n" * 200, ""):
        assert with_short_tables(text) == text


def test_what_comes_out_only_grows():
    text, before = f"{HEAD}{rows(ROWS + 3)}\nthen\n\n{HEAD}{rows(2)}", ""
    for end in range(len(text) + 1):
        now = with_short_tables(text[:end])
        assert now.startswith(before)
        before = now
