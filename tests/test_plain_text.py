from tui_tuner.plain_text import one_line, printable


def test_terminal_commands_are_taken_out_whole():
    assert printable("a\x1b[31mred\x1b[0m\x1b]52;c;aGk=\x07b\x07") == "aredb"
    assert printable("\x1b]0;title\x1b\\x") == "x"
    assert printable("\x9b31mx\x00") == "31mx"


def test_ordinary_text_stays():
    assert printable("läuft\tgut\n你好 🌱") == "läuft\tgut\n你好 🌱"


def test_direction_overrides_are_taken_out():
    assert printable("abc\u202edef") == "abcdef"


def test_one_line_is_cut_with_an_ellipsis():
    assert one_line("a\n b\t c") == "a b c"
    assert one_line("abcdef", 4) == "abc…"
