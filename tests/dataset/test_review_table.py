import pytest

from tui_tuner.dataset.examples import asked_and_answered
from tui_tuner.dataset.review import Decision
from tui_tuner.dataset.review_rows import ReviewRow
from tui_tuner.dataset.review_table import SLICE, ReviewTable, View, origin

SOME = [
    ReviewRow("a", asked_and_answered("Who are you?", "A cat.", "b.csv:1")),
    ReviewRow("b", asked_and_answered("are cats kind?", "Often, and long-haired ones more so.", "a.csv:2"), "refusal"),
    ReviewRow("c", asked_and_answered("Zoo or park?", "Park.", "c.csv:3")),
]


def table_of(rows):
    table = ReviewTable()
    table.add(rows)
    return table


def selected(table, **view):
    for _slice in table.select(View(**view)):
        pass
    return "".join(table.shown)


@pytest.mark.parametrize(
    ("view", "names"),
    [
        ({}, "abc"),
        ({"words": "CAT"}, "ab"),
        ({"words": "cat kind"}, "b"),
        ({"words": "c.csv"}, "c"),
        ({"words": "[bold]"}, ""),
        ({"standing": "refusal"}, "b"),
        ({"origin": "a.csv"}, "b"),
        ({"standing": "kept", "order": "question"}, "ac"),
        ({"order": "question"}, "bac"),
        ({"order": "length"}, "bac"),
        ({"order": "words"}, "bac"),
        ({"order": "source"}, "bac"),
        ({"order": "standing"}, "acb"),
    ],
)
def test_search_filter_and_order(view, names):
    assert selected(table_of(SOME), **view) == names


def test_typing_on_and_taking_letters_back_find_the_same_as_searching_anew():
    table = table_of(SOME)
    for words in ["c", "ca", "cat", "cat k", "cat", "c", "", "park", "cat"]:
        assert selected(table, words=words) == selected(table_of(SOME), words=words)


def test_rows_that_come_later_are_found_and_sorted_too():
    table = table_of(SOME[:1])
    assert selected(table, words="c", order="question") == "a"
    table.add(SOME[1:])
    assert selected(table, words="ca", order="question") == "ba"
    assert selected(table, order="question") == "bac"


@pytest.mark.parametrize(("before", "words"), [("", "a"), ("a", "ar"), ("a", "")])
def test_rows_that_come_while_it_is_searched_are_found_once(before, words):
    table = table_of(SOME[:1])
    selected(table, words=before)
    selecting = table.select(View(words=words))
    next(selecting)
    table.add(SOME[1:])
    for _slice in selecting:
        pass
    assert "".join(table.shown) == selected(table_of(SOME), words=words)


def test_the_first_ones_found_are_there_before_all_have_been_looked_at():
    table = table_of([ReviewRow(str(n), SOME[0].written) for n in range(2 * SLICE)])
    selecting = table.select(View(words="cat"))
    next(selecting)
    assert len(table.shown) == SLICE
    # Given up half way, the next one does not take what was found so far for all there is.
    assert len(selected(table, words="cat.")) == len("".join(table.rows))


def test_decisions_are_counted_and_found_by_their_standing():
    table = table_of(SOME)
    assert table.learned == 2
    edited = Decision("edit", asked_and_answered("Who?", "A dog.", "me"))
    table.take_decisions("abz", {"a": edited, "b": Decision("accept")})
    assert table.learned == 3
    assert selected(table, standing="edited", words="dog") == "a"
    assert table.standings() == {"edited": 1, "accepted": 1, "kept": 1}
    table.take_decisions("a", {})
    assert selected(table, words="dog") == ""


def test_a_decision_about_several_is_about_the_marked_ones_also_out_of_sight():
    table = table_of(SOME)
    selected(table, standing="refusal")
    assert table.to_decide() == ("b",)
    table.marked |= {"c", "a"}
    assert table.to_decide() == ("a", "c")


def test_the_next_one_set_aside():
    table = table_of(SOME)
    assert (table.next_aside(0, 1), table.next_aside(2, -1), table.next_aside(1, 1)) == (1, 1, None)


@pytest.mark.parametrize(
    ("source", "expected"), [("mine.csv:12", "mine.csv"), ("a b.jsonl:3", "a b.jsonl"), ("llama3", "llama3"), ("", "")]
)
def test_where_an_example_is_from_leaves_out_its_line(source, expected):
    assert origin(source) == expected
