import json

import pytest
import tuned_model

from tui_tuner.chat.context import ContextFull, context_length, make_room
from tui_tuner.chat.conversation import new_conversation, open_conversation
from tui_tuner.models.replies import Reply

REPLY = Reply("because", 3, 20.5, 0.1, "stop", 12)


@pytest.fixture
def conversation(tmp_path):
    made = new_conversation(tuned_model.project(tmp_path / "project"))
    for number in range(5):
        made.ask(f"question {number}")
        made.answer(REPLY, "base")
    made.ask("the last")
    return made


def ten_a_turn(conversation):
    return lambda: 10 * len(conversation.messages())


def test_what_fits_stays_as_it_is(conversation):
    make_room(conversation, ten_a_turn(conversation), 126, leave_out=True)
    make_room(conversation, ten_a_turn(conversation), None, leave_out=False)
    assert conversation.left_out == 0


def test_the_oldest_turns_go_in_pairs_until_half_is_free(conversation):
    make_room(conversation, ten_a_turn(conversation), 125, leave_out=True)
    assert conversation.left_out == 6 and ten_a_turn(conversation)() == 50
    assert conversation.messages()[0]["content"] == "question 3"
    assert open_conversation(conversation.path).left_out == 6


def test_unasked_nothing_is_left_out(conversation):
    with pytest.raises(ContextFull, match=r"110 tokens.*100") as caught:
        make_room(conversation, ten_a_turn(conversation), 100, leave_out=False)
    assert conversation.left_out == 0 and "leave_out" in caught.value.advice and caught.value.leaving_out_helps


@pytest.mark.parametrize("leave_out", [True, False])
def test_a_question_that_is_too_long_alone(conversation, leave_out):
    with pytest.raises(ContextFull) as caught:
        make_room(conversation, ten_a_turn(conversation), 20, leave_out=leave_out)
    assert conversation.left_out == 0 and "shorter" in caught.value.advice and not caught.value.leaving_out_helps


@pytest.mark.parametrize(
    ("config", "length"),
    [
        ({"max_position_embeddings": 2048}, 2048),
        ({"n_positions": 1024}, 1024),
        ({"text_config": {"max_position_embeddings": 131072}}, 131072),
        ({"text_config": 5, "max_position_embeddings": True}, None),
        ({}, None),
        ([], None),
    ],
)
def test_the_models_configuration_says_how_much_it_holds(tmp_path, config, length):
    assert context_length(tmp_path) is None
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert context_length(tmp_path) == length
