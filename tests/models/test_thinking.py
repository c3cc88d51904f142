import pytest

from tui_tuner.models.thinking import TaggedThoughts, without_thoughts


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


MESSAGES = [
    {"thinking": "hm"},
    {"thinking": ", well"},
    {"content": "So"},
    {"content": " it is."},
    {"thinking": None},
    None,
]


def test_thoughts_that_come_apart_stand_before_what_is_said():
    told = TaggedThoughts(wanted=True)
    text = "".join(map(told.piece, MESSAGES))
    assert text == "<think>\nhm, well\n</think>\n\nSo it is."
    assert without_thoughts(text) == ("hm, well", "So it is.")


def test_thoughts_nobody_asked_for_are_left_out():
    assert "".join(map(TaggedThoughts(wanted=False).piece, MESSAGES)) == "So it is."
