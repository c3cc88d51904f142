import dataclasses
import json

import pytest
import tuned_model

from tui_tuner.chat.conversation import Turn, new_conversation, new_path, open_conversation
from tui_tuner.errors import DatasetError, StorageError
from tui_tuner.models.replies import Reply

REPLY = Reply("because", 3, 20.5, 0.1, "stopped", 12)


@pytest.fixture
def project(tmp_path):
    return tuned_model.project(tmp_path / "project")


def test_every_turn_is_kept_at_once(project):
    conversation = new_conversation(project)
    assert not conversation.path.exists()
    conversation.ask("why\nis it\x1b[31m so?")
    assert open_conversation(conversation.path) == conversation
    conversation.answer(REPLY, "tuned run-1")
    kept = open_conversation(conversation.path)
    assert kept == conversation
    assert (kept.title, kept.model) == ("why is it so?", "tuned run-1")
    assert kept.turns[0].content == "why\nis it\x1b[31m so?"  # what is stored keeps every character
    assert (kept.turns[1].figures.finish, kept.turns[1].figures.tokens) == ("stopped", 3)
    assert conversation.path == project.chats / f"{conversation.id}.json"


def test_a_question_without_an_answer_gives_way(project):
    conversation = new_conversation(project)
    conversation.ask("one")
    conversation.ask("two")
    assert [turn.content for turn in conversation.turns] == ["two"]


def talked(project, *questions):
    conversation = new_conversation(project)
    for question in questions:
        conversation.ask(question)
        conversation.answer(REPLY, "base")
    return conversation


def test_a_branch_goes_on_alone(project):
    conversation = talked(project, "one", "two", "three")
    before = open_conversation(conversation.path)
    branch = conversation.branch(2, new_path(project))
    assert not branch.path.exists()
    branch.ask("another")
    assert [turn.content for turn in open_conversation(branch.path).turns] == ["one", "because", "another"]
    assert open_conversation(conversation.path) == before == conversation


def test_another_reply_keeps_those_before_it(project):
    conversation = talked(project, "one")
    assert not conversation.take_other()
    for text in ("second", "third"):
        assert [turn.content for turn in conversation.asked] == ["one"]
        assert [message["content"] for message in conversation.messages()] == ["one"]
        conversation.answer(dataclasses.replace(REPLY, text=text), "tuned")
    kept = open_conversation(conversation.path)
    assert kept == conversation and len(kept.turns) == 2
    assert [(turn.content, turn.model) for turn in kept.turns[-1].others] == [("because", "base"), ("second", "tuned")]
    seen = []
    for _time in range(3):
        assert kept.take_other()
        seen.append(kept.turns[-1].content)
        assert len(kept.turns[-1].others) == 2
    assert seen == ["because", "second", "third"] and open_conversation(kept.path) == kept


def test_a_reply_stopped_before_its_first_word_is_none(project):
    conversation = talked(project, "one")
    nothing = dataclasses.replace(REPLY, text="", tokens=0, finish="stopped")
    before = list(conversation.turns)
    conversation.answer(nothing, "tuned")
    assert conversation.turns == before == open_conversation(conversation.path).turns
    conversation.ask("two")
    conversation.answer(nothing, "tuned")
    assert conversation.turns == [*before, Turn("user", "two")]


def test_the_beginning_of_a_reply_is_on_the_disk_and_no_turn_yet(project):
    conversation = talked(project, "one")
    before = conversation.turns
    conversation.save_with("so fa", "tuned")
    assert conversation.turns == before
    broken_off = open_conversation(conversation.path).turns
    assert broken_off == [before[0], Turn("assistant", "so fa", None, "tuned", (before[1],))]
    conversation.answer(REPLY, "tuned")
    assert open_conversation(conversation.path) == conversation and len(conversation.turns[-1].others) == 1


def test_turns_that_are_left_out_stay_in_the_file_only(project):
    conversation = talked(project, "one", "two")
    conversation.ask("three")
    conversation.left_out = 2
    conversation.save()
    kept = open_conversation(conversation.path)
    assert kept.left_out == 2 and len(kept.turns) == 5
    assert [message["content"] for message in kept.messages("be kind")] == ["be kind", "two", "because", "three"]
    assert kept.branch(1, new_path(project)).left_out == 1


def test_a_title_is_given_and_taken_back(project):
    conversation = talked(project, "one\nand two")
    conversation.rename("On\tnumbers")
    assert open_conversation(conversation.path).title == "On numbers"
    conversation.rename("")
    assert open_conversation(conversation.path).title == "one and two"


def test_messages_are_what_templates_take(project):
    conversation = new_conversation(project)
    conversation.ask("one")
    conversation.answer(REPLY, "base")
    conversation.ask("two")
    assert conversation.messages() == [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "because"},
        {"role": "user", "content": "two"},
    ]
    assert conversation.messages("be kind")[0] == {"role": "system", "content": "be kind"}


def test_text_no_file_can_hold_is_mended(project):
    conversation = new_conversation(project)
    conversation.ask("bad \udcff byte")
    assert open_conversation(conversation.path).turns == [Turn("user", "bad ? byte")]


def test_what_cannot_be_read_is_said(tmp_path):
    path = tmp_path / "one.json"
    path.write_text("{")
    with pytest.raises(DatasetError, match="not valid JSON"):
        open_conversation(path)
    for content in ("[]", "{}", '{"turns": [{"role": "user"}]}', '{"turns": [], "left_out": "x"}'):
        path.write_text(content)
        with pytest.raises(StorageError, match="not a conversation"):
            open_conversation(path)
    path.write_text(json.dumps({"format": 2, "turns": []}))
    with pytest.raises(StorageError, match="newer tuner"):
        open_conversation(path)
    with pytest.raises(StorageError):
        open_conversation(tmp_path / "none.json")


def test_a_model_does_not_read_its_earlier_thoughts(project):
    conversation = new_conversation(project)
    conversation.ask("one")
    conversation.answer(dataclasses.replace(REPLY, text="<think>hm</think>\n\nbecause"), "base")
    conversation.ask("<think>two</think>")
    assert [message["content"] for message in conversation.messages()] == ["one", "because", "<think>two</think>"]
    assert open_conversation(conversation.path).turns[1].content == "<think>hm</think>\n\nbecause"


def test_what_two_windows_add_to_one_conversation_is_all_kept(project):
    here = new_conversation(project)
    here.ask("one")
    here.answer(REPLY, "base")
    there = open_conversation(here.path)
    there.ask("from there")
    here.ask("from here")
    assert here.moved and not there.moved and here.path != there.path
    assert open_conversation(there.path).turns[-1].content == "from there"
    assert [turn.content for turn in open_conversation(here.path).turns] == ["one", "because", "from here"]
    here.moved = False
    here.answer(REPLY, "base")
    there.answer(REPLY, "base")
    assert not here.moved and not there.moved and len(list(project.chats.iterdir())) == 2
