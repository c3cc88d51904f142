import pytest

from tui_tuner.chat.thinking import without_thoughts


@pytest.mark.parametrize(
    ("text", "thoughts", "said"),
    [
        ("So it is.", "", "So it is."),
        ("<think>\nwell\n</think>\n\nSo.", "well", "So."),
        ("\n<think>well", "well", ""),  # still thinking
        ("<thi", "", ""),  # the tag is still being written
        ("<", "", ""),
        ("<b>bold</b>", "", "<b>bold</b>"),
        ("well</think>\nSo.", "well", "So."),  # the template opened the thought
        ("Write <think> and </think> around it.", "", "Write <think> and </think> around it."),
        ("<think></think>\nSo.", "", "So."),
        ("", "", ""),
    ],
)
def test_thoughts_are_told_from_what_is_said(text, thoughts, said):
    assert without_thoughts(text) == (thoughts, said)


def test_what_is_said_only_grows_while_it_comes():
    text, shown = "<think>a b</think>\n\nSo it is, < 5.", ""
    for end in range(len(text) + 1):
        said = without_thoughts(text[:end])[1]
        assert said.startswith(shown)
        shown = said
    assert shown == "So it is, < 5."
