import json
from datetime import datetime

import pytest
import tuned_model

from tui_tuner.chat.conversation import Turn, list_conversations, new_conversation, open_conversation
from tui_tuner.errors import DatasetError, StorageError
from tui_tuner.models.generation import Reply

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


def test_an_edited_question_drops_what_followed(project):
    conversation = new_conversation(project)
    for question in ("one", "two", "three"):
        conversation.ask(question)
        conversation.answer(REPLY, "base")
    conversation.edit(2, "another")
    assert [turn.content for turn in conversation.turns] == ["one", "because", "another"]
    assert open_conversation(conversation.path).turns == conversation.turns


def test_messages_are_what_templates_take(project):
    conversation = new_conversation(project)
    conversation.ask("one")
    conversation.answer(REPLY, "base")
    assert conversation.messages() == [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "because"},
    ]
    assert conversation.messages("be kind")[0] == {"role": "system", "content": "be kind"}


def test_text_no_file_can_hold_is_mended(project):
    conversation = new_conversation(project)
    conversation.ask("bad \udcff byte")
    assert open_conversation(conversation.path).turns == [Turn("user", "bad ? byte")]


def test_the_list_begins_with_the_latest_and_leaves_damage_out(project):
    moment = datetime(2026, 1, 2)
    first, second = new_conversation(project, moment), new_conversation(project, moment)
    assert first.path != second.path
    first.ask("first")
    second.ask("second")
    import os

    os.utime(first.path, (1000, 1000))
    (project.chats / "damaged.json").write_text("{")
    (project.chats / "strange.json").write_text('{"turns": [5]}')
    assert [conversation.title for conversation in list_conversations(project)] == ["second", "first"]


def test_what_cannot_be_read_is_said(tmp_path):
    path = tmp_path / "one.json"
    path.write_text("{")
    with pytest.raises(DatasetError, match="not valid JSON"):
        open_conversation(path)
    for content in ("[]", "{}", '{"turns": [{"role": "user"}]}'):
        path.write_text(content)
        with pytest.raises(StorageError, match="not a conversation"):
            open_conversation(path)
    path.write_text(json.dumps({"format": 2, "turns": []}))
    with pytest.raises(StorageError, match="newer tuner"):
        open_conversation(path)
    with pytest.raises(StorageError):
        open_conversation(tmp_path / "none.json")
