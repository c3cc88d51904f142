import math

import pytest

from tui_tuner.evaluation.intervals import mean_interval, wilson
from tui_tuner.evaluation.opinions import Tally
from tui_tuner.evaluation.verdict import Finding, count_finding, loss_finding, verdict_of

BETTER, WORSE, NOTHING = Finding(1, "loss fell"), Finding(-1, "it lost"), Finding(0, "no difference")


@pytest.mark.parametrize(
    ("wins", "of", "low", "high"),
    # The published examples of Wilson's interval: Newcombe (1998), table I, and its ends.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_of_a_share(wins, of, low, high):
    assert wilson(wins, of) == pytest.approx((low, high), abs=5e-5)


def test_intervals_of_little():
    assert wilson(0, 0) == (0.0, 1.0)
    assert mean_interval([3.0]) == (-math.inf, math.inf)
    assert mean_interval([1.0, 1.0, 1.0]) == (1.0, 1.0)
    low, high = mean_interval([1.0, 2.0, 3.0])
    assert (low + high) / 2 == 2.0 and high - low == pytest.approx(2 * 1.959964 / 3**0.5)


@pytest.mark.parametrize(
    ("findings", "word"),
    [
        ([BETTER], "better"),
        ([WORSE, NOTHING], "worse"),
        ([NOTHING, BETTER, BETTER], "better"),
        ([BETTER, WORSE], "cannot tell"),
        ([NOTHING], "cannot tell"),
        ([], "cannot tell"),
    ],
)
def test_one_line_of_all_evidence(findings, word):
    verdict = verdict_of(findings)
    assert verdict.word == word and verdict.why and verdict.line.startswith(word)
    if word != "cannot tell":
        assert "no difference" not in verdict.why  # only what speaks for it
    if len({finding.says for finding in findings} - {0}) > 1:
        assert "disagrees" in verdict.why and "loss fell" in verdict.why and "it lost" in verdict.why


@pytest.mark.parametrize(
    ("wins", "losses", "ties", "says"),
    [(10, 0, 0, 1), (0, 10, 0, -1), (2, 0, 8, 0), (6, 4, 0, 0), (0, 0, 5, 0), (14, 4, 30, 1)],
)
def test_a_count_tells_only_what_chance_does_not(wins, losses, ties, says):
    finding = count_finding("judge", Tally(wins, losses, ties))
    assert finding.says == says
    assert f"{wins} won, {losses} lost" in finding.text and f", {ties} even" in finding.text
    assert finding.text.endswith(", within chance") == bool(not says and wins + losses)


def test_who_was_asked_is_heard_also_where_it_tells_nothing():
    judge = count_finding("judge", Tally(2, 0, 0), asked_for=True)
    why = verdict_of([count_finding("expected answers", Tally(even=2)), judge, BETTER]).why
    assert why == "loss fell; judge: 2 won, 0 lost (100%, 34% to 100%), 0 even, within chance"


def test_a_loss_tells_only_what_the_rows_agree_on():
    assert loss_finding(2.0, 1.5, (0.2, 0.8), 9, "test.jsonl").says == 1
    assert loss_finding(1.5, 2.0, (-0.8, -0.2), 9, "test.jsonl").says == -1
    unsure = loss_finding(2.0, 1.9, (-0.1, 0.3), 9, "test.jsonl")
    assert (unsure.says, "within chance" in unsure.text) == (0, True)
    assert loss_finding(math.nan, 1.9, (-math.inf, math.inf), 0, "test.jsonl") == Finding(0, "no loss on test.jsonl")
