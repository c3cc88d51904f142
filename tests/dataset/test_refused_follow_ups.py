"""What the checks refused of follow-ups: it is seen at its conversation, and a person takes it back and undoes that."""

import pytest
from dataset.teachers_by_rule import Heard, RuleTeacher, asks_for_follow_up, conversing, plan_in

from tui_tuner.dataset.examples import asked_and_answered
from tui_tuner.dataset.follow_ups_there import FollowUpsThere
from tui_tuner.dataset.make import make_dataset
from tui_tuner.dataset.refused_follow_ups import RefusedFollowUp
from tui_tuner.dataset.review import Review
from tui_tuner.dataset.review_rows import ANSWERED_SINCE, FollowUpRow
from tui_tuner.dataset.review_table import ReviewTable
from tui_tuner.dataset.reviewing import read_review_rows
from tui_tuner.errors import DatasetError
from tui_tuner.files import read_json_lines, write_json
from tui_tuner.progress import StopToken

QUESTIONS = [f"How do I count to {n}?" for n in range(4)]
REFUSAL = "I'm sorry, but I can't help with step {n} of it."


def refusing(of: str, *, answers: bool):
    """Goes on with the conversation that begins with `of` in a way the checks refuse; never twice alike."""
    said = iter([REFUSAL.format(n=n) for n in range(3)] if answers else [QUESTIONS[n] for n in (3, 0, 1)])

    def say(request):
        if of in (message["content"] for message in request.messages) and (
            asks_for_follow_up(request) is not answers and len(request.messages) >= 3
        ):
            return next(said)
        return conversing()(request)

    return RuleTeacher(answers=say, continues=False)


def make(data, teacher=None, **choice):
    write_json(data / "instructions.json", QUESTIONS)
    teacher = teacher or RuleTeacher(answers=conversing(), continues=False)
    plan = plan_in(data, **{"topic": "", "turns": 2, "batch_size": 1, **choice})
    report = make_dataset(plan, teacher, emit=Heard().append, stop=StopToken())
    return teacher, report


def decisions(data):
    return Review(data / "review.jsonl").decisions


def all_rows(data, turns=2):
    return read_review_rows(data, decisions(data), turns=turns)


def refused(data, turns=2):
    return [row for row in all_rows(data, turns) if isinstance(row, FollowUpRow)]


def decide(data, row, verdict="accept"):
    Review(data / "review.jsonl").decide(row.name, verdict)


def conversation(data, question=QUESTIONS[2]):
    rows = [row for name in ("train.jsonl", "valid.jsonl") for row in read_json_lines(data / name)[0]]
    return next(row["messages"] for row in rows if row["messages"][0]["content"] == question)


def contents(messages):
    return [message["content"] for message in messages]


def test_each_stands_below_its_conversation_with_what_was_said_and_why(tmp_path):
    make(tmp_path, refusing(QUESTIONS[2], answers=True))
    rows = all_rows(tmp_path)
    place = next(place for place, row in enumerate(rows) if row.example.question == QUESTIONS[2])
    below = rows[place + 1 : place + 4]
    assert [row for row in rows if isinstance(row, FollowUpRow)] == below
    assert [row.standing for row in below] == ["refusal"] * 3
    assert {row.of for row in below} == {rows[place].name}
    for number, row in enumerate(below):
        asked = f"What is step 3 of {QUESTIONS[2]}"
        assert contents(row.example.messages[2:]) == [asked, REFUSAL.format(n=number)]
        assert row.example.messages[:2] == rows[place].example.messages
        assert "refuses to answer" in row.detail
        assert not row.learned


def test_a_refused_question_is_shown_as_it_would_be_asked(tmp_path):
    def say(request):
        if asks_for_follow_up(request):
            return Quoted if request.messages[0]["content"] == QUESTIONS[2] else conversing()(request)
        return conversing()(request)

    Quoted = f'Sure! Here it is:\n\n"{QUESTIONS[3]}"'  # noqa: N806
    make(tmp_path, RuleTeacher(answers=say, continues=False))
    (row,) = refused(tmp_path)  # three times the same is one
    assert (row.standing, row.refused.question, row.refused.answer) == ("near_duplicate", QUESTIONS[3], "")
    assert row.example.messages[-1] == {"role": "user", "content": QUESTIONS[3]}
    # What has no words cannot be taken back; what has words but no question is shown as it was said.
    assert RefusedFollowUp.from_row({"after": "a", "question": " ", "reason": "empty"}) is None
    assert RefusedFollowUp.from_row({"after": "a", "question": "b", "answer": " ", "reason": "empty"}) is None


def test_with_fewer_turns_wanted_they_are_not_in_sight(tmp_path):
    make(tmp_path, refusing(QUESTIONS[2], answers=True))
    assert refused(tmp_path, turns=1) == []
    assert {row.example.turns for row in refused(tmp_path, turns=4)} == {2}


def test_an_accepted_answer_is_learned_also_after_another_run_until_it_is_undone(tmp_path):
    make(tmp_path, refusing(QUESTIONS[2], answers=True))
    assert len(conversation(tmp_path)) == 2
    row = refused(tmp_path)[1]
    decide(tmp_path, row)
    for _run in range(2):
        teacher, report = make(tmp_path)
        assert teacher.asked == []
        assert contents(conversation(tmp_path)) == contents(row.example.messages)
        assert (report.follow_ups, report.short, report.set_aside) == (4, 0, {})
    standing = [(one.standing, one.learned) for one in refused(tmp_path)]
    assert standing == [(ANSWERED_SINCE, False), ("accepted", True), (ANSWERED_SINCE, False)]
    grown = next(one for one in all_rows(tmp_path) if one.name == row.of)
    assert grown.example.messages == row.example.messages
    assert Review(tmp_path / "review.jsonl").undo() == (row.name,)
    make(tmp_path)
    assert len(conversation(tmp_path)) == 2
    assert [one.standing for one in refused(tmp_path)] == ["refusal"] * 3


def test_more_turns_go_on_with_what_was_accepted(tmp_path):
    make(tmp_path, refusing(QUESTIONS[2], answers=True))
    row = refused(tmp_path)[0]
    decide(tmp_path, row)
    make(tmp_path, turns=3)
    assert contents(conversation(tmp_path))[:4] == contents(row.example.messages)
    assert len(conversation(tmp_path)) == 6


def test_the_answer_to_an_accepted_question_is_asked_for_and_paid_for_once(tmp_path):
    make(tmp_path, refusing(QUESTIONS[2], answers=False))
    row = refused(tmp_path)[2]
    decide(tmp_path, row)
    assert [one.standing for one in refused(tmp_path)] == [ANSWERED_SINCE, ANSWERED_SINCE, "accepted"]
    teacher, report = make(tmp_path)
    assert [request.messages[-1]["content"] for request in teacher.asked] == [row.refused.question]
    assert contents(conversation(tmp_path))[2] == row.refused.question
    assert (report.short, len(conversation(tmp_path))) == (0, 4)
    Review(tmp_path / "review.jsonl").undo()
    teacher, report = make(tmp_path)
    assert (teacher.asked, report.short, len(conversation(tmp_path))) == ([], 1, 2)
    assert [one.standing for one in refused(tmp_path)] == ["near_duplicate"] * 3
    decide(tmp_path, row)
    teacher, _report = make(tmp_path)
    assert (teacher.asked, len(conversation(tmp_path))) == ([], 4)


def test_a_refused_answer_to_an_accepted_question_can_be_accepted_too(tmp_path):
    make(tmp_path, refusing(QUESTIONS[2], answers=False))
    asked = refused(tmp_path)[0]
    decide(tmp_path, asked)
    make(tmp_path, refusing(QUESTIONS[2], answers=True))
    answers = [one for one in refused(tmp_path) if one.refused.answer]
    assert [one.standing for one in answers] == ["refusal"] * 3
    decide(tmp_path, answers[1])
    teacher, _report = make(tmp_path)
    assert teacher.asked == []
    assert contents(conversation(tmp_path))[2:] == [asked.refused.question, answers[1].refused.answer]
    assert [one.learned for one in refused(tmp_path)] == [
        one.name in (asked.name, answers[1].name) for one in refused(tmp_path)
    ]


def test_what_was_refused_before_a_good_one_takes_its_place_and_gives_it_back(tmp_path):
    once = iter([REFUSAL.format(n=0)])

    def say(request):
        third = request.messages[0]["content"] == QUESTIONS[2] and len(request.messages) == 3
        return (
            next(once, None) or conversing()(request)
            if third and not asks_for_follow_up(request)
            else conversing()(request)
        )

    make(tmp_path, RuleTeacher(answers=say, continues=False), turns=3)
    good = conversation(tmp_path)
    (row,) = refused(tmp_path, turns=3)
    assert (row.standing, row.learned) == (ANSWERED_SINCE, False)
    decide(tmp_path, row)
    teacher, _report = make(tmp_path, turns=3)
    assert len(teacher.asked) == 2  # what followed on the good one does not follow on this one
    assert contents(conversation(tmp_path))[:4] == contents(row.example.messages)
    Review(tmp_path / "review.jsonl").undo()
    teacher, _report = make(tmp_path, turns=3)
    assert (teacher.asked, conversation(tmp_path)) == ([], good)


@pytest.mark.parametrize("order", [(0, 2, 1), (2, 1, 0)])
def test_of_several_the_one_accepted_last_is_learned(tmp_path, order):
    make(tmp_path, refusing(QUESTIONS[2], answers=True))
    rows = refused(tmp_path)
    for place in order:
        decide(tmp_path, rows[place])
    make(tmp_path)
    assert contents(conversation(tmp_path)) == contents(rows[order[-1]].example.messages)
    assert [one.learned for one in refused(tmp_path)] == [place == order[-1] for place in range(3)]
    Review(tmp_path / "review.jsonl").decide_together([one.name for one in rows], "accept")
    assert [one.learned for one in refused(tmp_path)] == [False, False, True]


def test_of_several_questions_the_one_accepted_last_is_asked(tmp_path):
    make(tmp_path, refusing(QUESTIONS[2], answers=False))
    rows = refused(tmp_path)
    for place in (2, 0):
        decide(tmp_path, rows[place])
    make(tmp_path)
    assert contents(conversation(tmp_path))[2] == rows[0].refused.question
    assert [one.learned for one in refused(tmp_path)] == [True, False, False]


def test_a_question_refused_once_and_accepted_by_the_checks_later_is_gone_on_with():
    there = FollowUpsThere({})
    for row in ({"reason": "near_duplicate", "detail": "it was", "way": "old"}, {}):
        there.take_step({"after": "a", "question": "And then?", **row}, "new")
    turns = asked_and_answered("And then?", "Go on.", "rule").messages
    there.after("a").finished["And then?"] = turns
    assert there.after("a").following({}) == (turns, False)


def test_it_stays_out_where_the_conversation_was_edited_or_rejected(tmp_path):
    make(tmp_path, refusing(QUESTIONS[2], answers=True))
    row = refused(tmp_path)[0]
    decide(tmp_path, row)
    whole = next(one for one in all_rows(tmp_path) if one.name == row.of)
    for verdict, messages in (("reject", ()), ("edit", whole.example.messages)):
        Review(tmp_path / "review.jsonl").decide(row.of, verdict, messages)
        assert (refused(tmp_path)[0].standing, refused(tmp_path)[0].learned) == (ANSWERED_SINCE, False)
        Review(tmp_path / "review.jsonl").undo()
    assert refused(tmp_path)[0].learned


def test_a_longer_one_is_kept_whatever_the_length_check_says(tmp_path):
    make(tmp_path, refusing(QUESTIONS[2], answers=True))
    row = refused(tmp_path)[0]
    decide(tmp_path, row)
    plan = plan_in(tmp_path, topic="", turns=2, batch_size=1)
    words = sum(len(text.split()) for text in contents(row.example.messages))
    shorter = type(plan)(tmp_path, plan.choice, (), 1, plan.quality, words - 1)
    make_dataset(shorter, RuleTeacher(), emit=Heard().append, stop=StopToken())
    assert len(conversation(tmp_path)) == 4
    # But where even what it began with is too long, nothing of it can be learned.
    shorter = type(plan)(tmp_path, plan.choice, (), 1, plan.quality, 15)
    with pytest.raises(DatasetError, match="not enough"):
        make_dataset(shorter, RuleTeacher(), emit=Heard().append, stop=StopToken())


def test_the_table_counts_examples_and_lets_the_last_accepted_one_stand(tmp_path):
    make(tmp_path, refusing(QUESTIONS[2], answers=True))
    table, review = ReviewTable(), Review(tmp_path / "review.jsonl")
    table.add(read_review_rows(tmp_path, {}, turns=2))
    names = [name for name, row in table.rows.items() if isinstance(row, FollowUpRow)]
    for name in names[:2]:
        review.decide(name, "accept")
        table.take_decisions([name], review.decisions)
    assert [table.rows[name].learned for name in names] == [False, True, False]
    assert (table.learned, len(table.rows)) == (4, 7)
    table.take_decisions(review.undo(), review.decisions)
    assert [table.rows[name].learned for name in names] == [True, False, False]
    of = table.rows[names[0]].edited_as
    review.decide(of, "reject")
    table.take_decisions([of], review.decisions)
    assert (table.learned, table.rows[names[0]].learned) == (3, False)
    assert table.refused_in(table.rows[of]) == [table.rows[name] for name in names]
