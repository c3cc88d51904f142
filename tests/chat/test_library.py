import json
import os
from datetime import datetime

import pytest
import tuned_model

from tui_tuner.chat.conversation import new_conversation, open_conversation
from tui_tuner.chat.fences import with_fences_closed
from tui_tuner.chat.library import (
    as_json_line,
    as_markdown,
    delete_conversation,
    export_conversations,
    having,
    latest_conversation,
    list_conversations,
)
from tui_tuner.errors import StorageError, UsageError
from tui_tuner.models.replies import Reply


@pytest.fixture
def project(tmp_path):
    return tuned_model.project(tmp_path / "project")


def talked(project, question, answer):
    conversation = new_conversation(project)
    conversation.ask(question)
    conversation.answer(Reply(answer, 3, 20.5, 0.1, "stop", 12), "tuned run-1")
    return conversation


def test_the_list_begins_with_the_latest_and_leaves_damage_out(project):
    moment = datetime(2026, 1, 2)
    first, second = new_conversation(project, moment), new_conversation(project, moment)
    assert first.path != second.path
    first.ask("first")
    second.ask("second")
    os.utime(first.path, (1000, 1000))
    (project.chats / "damaged.json").write_text("{")
    (project.chats / "strange.json").write_text('{"turns": [5]}')
    assert [conversation.title for conversation in list_conversations(project)] == ["second", "first"]
    assert latest_conversation(project) == second
    assert latest_conversation(tuned_model.project(project.folder / "another")) is None


def test_every_word_has_to_be_somewhere(project):
    cats, dogs = talked(project, "Why do cats purr?", "They like it."), talked(project, "And dogs?", "Dogs bark.")
    assert having([cats, dogs], "LIKE cats") == [cats]
    assert having([cats, dogs], "bark run-1") == [dogs]
    assert having([cats, dogs], "cats bark") == []
    assert having([cats, dogs], " ") == [cats, dogs]


def test_a_deleted_one_is_gone_and_deleting_twice_harms_nobody(project):
    conversation = talked(project, "one", "two")
    delete_conversation(conversation)
    delete_conversation(conversation)
    assert list_conversations(project) == []


def test_markdown_has_who_said_what_and_thoughts_apart(project):
    conversation = talked(project, "How?", "<think>\nlet me\n\nsee\n</think>\n\nSo: **this** way.")
    conversation.ask("Why?")
    assert as_markdown(conversation) == (
        "# How?\n\n## You\n\nHow?\n\n## tuned run-1\n\n> let me\n>\n> see\n\nSo: **this** way.\n\n## You\n\nWhy?\n"
    )


def test_an_unclosed_block_of_code_ends_with_its_turn(project):
    conversation = talked(project, "How?", "So:\n~~~python\n```\nx = 1\n")
    conversation.ask("Why?")
    assert "x = 1\n~~~\n\n## You\n\nWhy?\n" in as_markdown(conversation)
    closed = "```py\nx\n````\nand `more`"
    assert with_fences_closed(closed) == closed and with_fences_closed("") == ""


def test_a_json_line_is_a_training_example(project):
    conversation = talked(project, "How?", "<think>hm</think>So.")
    conversation.ask("Why?")
    answered = [{"role": "user", "content": "How?"}, {"role": "assistant", "content": "So."}]
    assert json.loads(as_json_line(conversation)) == {"messages": answered}
    system = {"role": "system", "content": "be kind"}
    assert json.loads(as_json_line(conversation, "be kind")) == {"messages": [system, *answered]}
    empty = new_conversation(project)
    empty.ask("How?")
    assert as_json_line(empty) == ""
    assert as_json_line(talked(project, "How?", "<think>only that")) == ""


def test_a_file_is_written_as_its_name_says(project, tmp_path):
    both = [talked(project, "one", "1"), talked(project, "two", "2")]
    empty = new_conversation(project)
    empty.ask("three")
    assert export_conversations([*both, empty], tmp_path / "all.jsonl") == 2
    rows = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert [row["messages"][0]["content"] for row in rows] == ["one", "two"]
    assert export_conversations(both, tmp_path / "new" / "all.MD") == 2
    assert (tmp_path / "new" / "all.MD").read_text().count("# ") == 6 + 0
    with pytest.raises(UsageError, match="Markdown"):
        export_conversations(both, tmp_path / "all.txt")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        export_conversations(both, tmp_path / "file" / "x.md")
    assert open_conversation(both[0].path) == both[0]
