import pytest

from tui_tuner.evaluation.comparisons import Answer, Comparison
from tui_tuner.evaluation.differences import different_words
from tui_tuner.evaluation.expected import contains, is_exactly
from tui_tuner.evaluation.losses import Loss, fall_of_loss
from tui_tuner.evaluation.prompts import Prompt
from tui_tuner.evaluation.summary import table, verdict_lines, verdicts


def answer(text, together=False):
    return Answer(text, len(text.split()), 10.0, 2.0, "stop", together)


def comparison(tmp_path, by_base, by_tuned, expected):
    prompts = tuple(Prompt(f"q{n}", text) for n, text in enumerate(expected))
    kept = Comparison(tmp_path, {}, {"tuned": "tuned run-1", "base": "base"}, prompts)
    for n, (one, other) in enumerate(zip(by_base, by_tuned, strict=True)):
        kept.answers[n, "base"], kept.answers[n, "tuned"] = answer(one), answer(other)
    return kept


@pytest.mark.parametrize(
    ("said", "expected", "exact", "within"),
    [
        ("Paris.", "paris", True, True),
        ("It is  Paris, of course", "Paris", False, True),
        ("Parisians", "Paris", False, False),
        ("New\nYork!", "new york", True, True),
        ("caf\u0065\u0301", "caf\u00e9", True, True),
        ("anything", "?!", False, False),
    ],
)
def test_whether_an_answer_is_or_says_the_expected_one(said, expected, exact, within):
    assert (is_exactly(said, expected), contains(said, expected)) == (exact, within)


def test_words_that_differ_are_found_where_they_are():
    text = "The capital of France is  Lyon, not Paris"
    spans = different_words(text, "The capital of France is Paris")
    assert [text[begin:end] for begin, end in spans] == ["Lyon, not"]
    assert different_words("same words", "same  words") == []
    assert different_words("", "some") == []


def test_a_loss_is_the_mean_over_tokens_and_is_held_against_another_row_by_row():
    before = Loss("test.jsonl", {1: (2.0, 10), 2: (4.0, 30), 3: (9.0, 5)})
    after = Loss("test.jsonl", {1: (1.0, 10), 2: (3.5, 30)})
    assert before.mean == pytest.approx((20 + 120 + 45) / 45)
    assert Loss.of_row(before.as_row()) == before
    fall, (low, high) = fall_of_loss(before, after)
    assert fall == pytest.approx((10 + 15) / 40)  # over the rows that both have
    assert low < fall < high
    assert fall_of_loss(before, Loss("test.jsonl", {}))[0] == 0


def test_the_table_leaves_out_what_nobody_has(tmp_path):
    kept = comparison(tmp_path, ["It is Rome", "no"], ["Rome", "no no"], ["Rome", ""])
    assert table(kept) == [
        ("", "exact", "contains", "tokens", "seconds", "tok/s"),
        ("tuned run-1", "1/1", "1/1", "1.5", "2", "10"),
        ("base", "0/1", "1/1", "2", "2", "10"),
    ]
    kept.losses["base"] = Loss("test.jsonl", {1: (2.0, 10)})
    assert table(kept)[0][1:3] == ("loss", "perplexity")
    assert [row[1:3] for row in table(kept)[1:]] == [("–", "–"), ("2.000", "7.39")]


def test_the_base_is_what_others_are_held_against(tmp_path):
    kept = comparison(tmp_path, ["no"] * 9, ["yes"] * 9, ["yes"] * 9)
    assert {name: verdict.word for name, verdict in verdicts(kept).items()} == {"tuned": "better"}
    (line,) = verdict_lines(kept)
    assert line.startswith(
        "tuned run-1 against base: better: expected answers: 9 won, 0 lost (100%, 70% to 100%), 0 even"
    )
    rows = {line: (1.0 + line / 100, 10) for line in range(1, 9)}
    kept.losses["base"] = Loss("test.jsonl", rows)
    kept.losses["tuned"] = Loss("test.jsonl", {line: (loss + 1 + line / 50, n) for line, (loss, n) in rows.items()})
    assert verdicts(kept)["tuned"].word == "cannot tell"  # it says what is expected, and is worse on the test's rows
