from dataset.teachers_by_rule import SEEDS, RuleTeacher, plan_in

from tui_tuner.dataset.answer_request import answer_request
from tui_tuner.models.prompts import Message

QUESTION = Message(role="user", content="How do I count?")


def test_each_try_has_another_seed_and_the_same_one_in_every_session(tmp_path):
    plan, teacher = plan_in(tmp_path, seeds=SEEDS), RuleTeacher()
    first, second = (answer_request(plan, teacher, [QUESTION], tries) for tries in (0, 1))
    assert first.seed != second.seed
    assert first == answer_request(plan_in(tmp_path, seeds=SEEDS), RuleTeacher(), [QUESTION], 0)


def test_a_longer_conversation_is_asked_with_all_its_turns(tmp_path):
    plan = plan_in(tmp_path, seeds=SEEDS, style="Be brief.")
    turns = [QUESTION, Message(role="assistant", content="Like this."), Message(role="user", content="And then?")]
    request = answer_request(plan, RuleTeacher(), turns, 0)
    assert request.messages[0] == Message(role="system", content="Be brief.")
    assert list(request.messages[-3:]) == turns
    assert request.seed != answer_request(plan, RuleTeacher(), turns[:1], 0).seed


def test_a_conversation_of_its_own_system_turn_has_one_together_with_the_style(tmp_path):
    own = Message(role="system", content="You are a cat.")
    request = answer_request(plan_in(tmp_path, seeds=SEEDS, style="Be brief."), RuleTeacher(), [own, QUESTION], 0)
    assert request.messages[0] == Message(role="system", content="You are a cat.\n\nBe brief.")
    assert [message["role"] for message in request.messages].count("system") == 1
