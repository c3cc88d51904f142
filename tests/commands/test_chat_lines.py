"""A chat in the plain terminal, line by line."""

import builtins
import readline

import pytest
import tuned_model

from tui_tuner.chat.conversation import new_conversation
from tui_tuner.chat.library import list_conversations
from tui_tuner.chat.models import chat_models
from tui_tuner.commands.chat_lines import COMMANDS, ChatLines
from tui_tuner.dataset.plan import IMPORTED
from tui_tuner.models.replies import Reply
from tui_tuner.settings import config_folder


@pytest.fixture
def project(tmp_path):
    return tuned_model.talker(tmp_path)


@pytest.fixture
def talk(project, monkeypatch, capsys):
    def typed(*lines, go_on=False):
        """What is shown when these lines are typed, and then Ctrl-D."""
        coming = iter(lines)

        def read(_prompt):
            line = next(coming, EOFError)
            if isinstance(line, str):
                return line
            raise line

        monkeypatch.setattr(builtins, "input", read)
        model = chat_models(project, project.runs.parent.parent / "base")[0]
        assert ChatLines(project, model, go_on=go_on).run() == 0
        shown = capsys.readouterr()
        return shown.out + shown.err

    return typed


def latest(project):
    return list_conversations(project)[0]


def test_several_turns_another_answer_and_other_words(project, talk):
    shown = talk("how do I start", "and then", "/set temperature=1.5", "/again", "/other", "/edit and why", "/other")
    edited, first = list_conversations(project)
    assert [turn.content for turn in first.turns if turn.role == "user"] == ["how do I start", "and then"]
    assert len(first.turns[-1].others) == 1 and first.turns[-1].content in shown
    assert [turn.content for turn in edited.turns if turn.role == "user"] == ["how do I start", "and why"]
    assert "of 120 tokens" in shown and "there is only one answer" in shown


def test_conversations_are_listed_opened_named_exported_kept_and_deleted(project, talk, tmp_path):
    for question in ("about cats", "about dogs"):
        conversation = new_conversation(project)
        conversation.ask(question)
        conversation.answer(Reply("so", 3, 20.5, 0.1, "stop", 12), "tuned run-1")
    out = tmp_path / "cats.md"
    shown = talk(
        "/chats CATS", "/open 1", "/title On cats", f"/export {out}", "/keep", "/keep", "/open 7", "/chats x y"
    )
    assert "about dogs" not in shown and "— On cats" in shown and "already" in shown
    assert "no conversation has that number" in shown and "No conversation has these words" in shown
    assert out.read_text().startswith("# On cats") and (project.data / IMPORTED).read_text().count("cats") == 1
    talk("/chats dogs", "/delete 1", "n", "/delete 1", "y")
    assert [one.title for one in list_conversations(project)] == ["On cats"]
    shown = talk("/branch", "and then", go_on=True)
    assert "about cats" in shown
    assert [len(one.turns) for one in list_conversations(project)] == [4, 2]


def test_a_conversation_that_went_on_since_it_was_listed_is_opened_as_it_is_now(project, talk):
    talk("how do I start", "/chats", "/open 1", "and then", "/open 1", "why")
    assert [turn.content for turn in latest(project).turns][::2] == ["how do I start", "and then", "why"]


def test_a_full_context_asks(project, talk):
    conversation = new_conversation(project)
    for _time in range(6):
        conversation.ask("and then and then")
        conversation.answer(Reply("so", 3, 20.5, 0.1, "stop", 12), "tuned run-1")
    shown = talk("why", "n", "/again", "y", "how", go_on=True)
    conversation = latest(project)
    assert "context holds 120" in shown and "no longer sees" in shown
    assert conversation.left_out > 0 and conversation.turns[-1].role == "assistant"


def test_models_and_what_they_are_told(project, talk):
    shown = talk("/model", "/model base", "/system be kind", "how", "/model nothing", "/nonsense", "/help", "/set x")
    assert "tuned, base" in shown and latest(project).model == "base base"
    assert "there is no nothing model" in shown and "/set takes name=value" in shown
    assert "there is no command /nonsense" in shown
    assert all(f"/{command.name}" in shown for command in COMMANDS)


def test_what_was_typed_is_kept_before_it_is_answered(project, monkeypatch):
    """A power cut says no good-bye."""
    lines, kept = iter(["how do I start", "and then"]), []

    def read(_prompt):
        path = config_folder() / "chat_history"
        kept.append(path.read_text().split("\n") if path.exists() else [])
        line = next(lines, None)
        if line is None:
            raise EOFError
        readline.add_history(line)
        return line

    monkeypatch.setattr(builtins, "input", read)
    ChatLines(project, chat_models(project, project.runs.parent.parent / "base")[0]).run()
    assert ["how do I start" in seen for seen in kept] == [False, True, True]
    assert ["and then" in seen for seen in kept] == [False, False, True]


def test_an_answer_that_was_cut_short_says_why(talk):
    shown = talk("/set max_tokens=2", "how do I start")
    assert "cut at the longest answer" in shown


def test_ctrl_c_at_the_prompt_ends_nothing(project, talk):
    """It may have come for an answer that was over just before."""
    shown = talk("how do I start", KeyboardInterrupt, "and then")
    assert shown.count("tok/s") == 2 and len(latest(project).turns) == 4
