from dataclasses import replace

import pytest
from dataset.passages_by_rule import PASSAGES
from dataset.teachers_by_rule import SEEDS, FailingAt, RuleTeacher, plan_in

from tui_tuner.dataset.another_answer import AnotherAnswers
from tui_tuner.dataset.answers import write_answers
from tui_tuner.dataset.examples import Example, asked_and_answered
from tui_tuner.dataset.journals import AnswerJournals
from tui_tuner.errors import DatasetError, TeacherRefused
from tui_tuner.models.prompts import Message
from tui_tuner.progress import StopToken, ignore_event

OLD = asked_and_answered("How do I count to 3?", "Slowly.", "someone")


def asking(plan, teacher):
    return AnotherAnswers(lambda _stop: (plan, teacher))


def test_it_is_the_request_of_a_run_but_for_the_seed(tmp_path):
    plan, teacher = plan_in(tmp_path, seeds=SEEDS, style="Be kind."), RuleTeacher()
    with AnswerJournals(tmp_path, ignore_event, "") as journals:
        write_answers(plan, [OLD.question], teacher, journals, emit=ignore_event, stop=StopToken())
    answers = asking(plan, teacher)
    found = answers.ask(OLD, 0, StopToken())
    answers.ask(OLD, 1, StopToken())
    by_run, again, another = teacher.asked
    assert again == by_run
    assert another.seed != again.seed
    assert found.example.question == OLD.question
    assert found.example.answer.startswith("In short: How do I count to 3, yes.")
    assert (found.example.source, found.objection) == ("rule", None)


def test_only_the_last_answer_of_a_longer_conversation_is_another_one(tmp_path):
    turns = (*OLD.messages, Message(role="user", content="And to 4?"), Message(role="assistant", content="No."))
    found = asking(plan_in(tmp_path), RuleTeacher()).ask(Example(turns, "me"), 0, StopToken())
    assert found.example.messages[:-1] == turns[:-1]
    assert "And to 4" in found.example.messages[-1]["content"]


def test_what_the_checks_would_say_is_said(tmp_path):
    refusing = RuleTeacher(answers=lambda _request: "I cannot help with it.")
    found = asking(plan_in(tmp_path), refusing).ask(OLD, 0, StopToken())
    assert found.objection is not None
    assert found.objection.reason == "refusal"


def test_a_teacher_that_fails_says_why_and_may_be_asked_again(tmp_path):
    failing = [True]
    answers = asking(plan_in(tmp_path), FailingAt(lambda _request: failing.pop() if failing else False))
    with pytest.raises(TeacherRefused):
        answers.ask(OLD, 0, StopToken())
    assert answers.ask(OLD, 1, StopToken()).example.answer


def test_the_teacher_is_opened_once_and_closed(tmp_path):
    opened, closed = [], []

    class Counting(RuleTeacher):
        def close(self):
            closed.append(self)

    def open_teacher(_stop):
        opened.append(Counting())
        return plan_in(tmp_path), opened[-1]

    answers = AnotherAnswers(open_teacher)
    answers.close()
    answers.ask(OLD, 0, StopToken())
    answers.ask(OLD, 1, StopToken())
    answers.close()
    answers.close()
    assert opened == closed
    assert len(opened) == 1


def test_it_is_asked_for_with_the_passage_and_judged_by_it(tmp_path):
    plan = replace(plan_in(tmp_path), passages=PASSAGES)
    old = replace(asked_and_answered("Where are backups?", "There.", "someone"), passage=PASSAGES[0].provenance)
    teacher = RuleTeacher(answers=lambda request: "It is in the passage.")
    found = asking(plan, teacher).ask(old, 0, StopToken())
    assert PASSAGES[0].text in teacher.asked[0].messages[-1]["content"]
    assert found.example.passage == old.passage
    assert found.objection.reason == "mentions_passage"
    gone = replace(plan, passages=PASSAGES[1:])
    with pytest.raises(DatasetError, match="gone"):
        asking(gone, teacher).ask(old, 0, StopToken())
