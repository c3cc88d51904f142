from types import SimpleNamespace

import pytest

from tui_tuner.export.greedy import Spoken, answers_row, parting

END = 0


class Letters:
    """A tokenizer whose tokens are letters."""

    def encode(self, text, add_special_tokens=True):
        return list(map(ord, text))

    def decode(self, tokens):
        return "".join(map(chr, tokens))


def spoken(text, *, ended=True, close=0.0):
    """An answer whose every token is 5 logits ahead of all others, but `x`, which is `close` behind."""
    import mlx.core as mx

    tokens = [*map(ord, text), *([END] if ended else [])]
    logits = mx.zeros((len(tokens), 128)) - 5
    for place, token in enumerate(tokens):
        logits[place, token] = 0
        logits[place, ord("x")] = -close if close else -5
    return Spoken("q", (1,), tuple(tokens), text, logits, frozenset({END}))


@pytest.mark.parametrize(
    ("own", "other", "ended", "behind"),
    [
        (spoken("seven"), "seven", True, None),
        (spoken("seven"), " seven ", True, None),
        (spoken("seven"), "seven minutes", False, 5.0),  # it did not end where it should
        (spoken("seven minutes"), "seven", True, 5.0),  # it ended too early
        (spoken("seven", ended=False), "seven min", False, None),  # the same, as far as ours was allowed to go
        (spoken("seven min", ended=False), "seven", False, None),
        (spoken("seven", close=0.25), "sexen", True, 0.25),
    ],
)
def test_where_answers_part_the_logits_tell_how_far(own, other, ended, behind):
    found = parting(own, other, ended, Letters())
    assert (found.behind if found else None) == behind


def test_a_text_that_is_not_its_tokens_proves_nothing():
    odd = SimpleNamespace(encode=lambda *_, **__: [99], decode=Letters().decode)
    found = parting(spoken("seven"), "sexen", True, odd)
    assert found is not None and found.behind is None
    assert answers_row([(spoken("seven"), found)], 1.0).verdict == "unproved"


def test_a_row_allows_for_rounding_and_no_more():
    near, far = spoken("seven", close=0.25), spoken("seven")
    row = answers_row([(near, parting(near, "sexen", True, Letters())), (far, None)], 0.5)
    assert row.verdict == "passed"
    assert "1 of 2 the same" in row.finding and "“se”, by 0.25 logits" in row.finding
    row = answers_row([(far, parting(far, "sexen", True, Letters()))], 0.5)
    assert row.verdict == "differs" and row.meaning
