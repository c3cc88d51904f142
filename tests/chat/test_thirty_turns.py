"""A long conversation with everything that gets in its way: nothing is lost or doubled, and the models read right."""

import contextlib
import random

import pytest
import tuned_model

from tui_tuner.chat import talk as talking
from tui_tuner.chat.conversation import new_conversation, new_path, open_conversation
from tui_tuner.chat.models import chat_models, open_session
from tui_tuner.chat.talk import ReplyText, Talk
from tui_tuner.choices import ChatChoice
from tui_tuner.errors import Stopped
from tui_tuner.progress import StopToken

CHOICE = ChatChoice(max_tokens=16)
QUESTIONS = ("how do I start", "and then", "why", "is it so", "and why that")


class Killed(BaseException):
    """The process is gone, as far as what was asked can tell."""


@pytest.fixture
def project(tmp_path):
    return tuned_model.project(tmp_path / "project")


@pytest.fixture
def models(project, tmp_path):
    base = tuned_model.speaker(tmp_path / "base", max_position_embeddings=4096)
    tuned_model.adapter(project.runs / "run-1", base)
    return chat_models(project, base)


def answer(talk, model, conversation, *, pieces=None, killed=False):
    """Have it answered, stopped or killed after so many pieces; return what was heard."""
    stop, heard = StopToken(), []

    def emit(event):
        if isinstance(event, ReplyText):
            heard.append(event.text)
            if len(heard) == pieces:
                if killed:
                    raise Killed
                stop.request()

    if pieces == 0:
        stop.request()
    with contextlib.suppress(Stopped):
        talk.reply_work([(model, conversation)], CHOICE)(emit, stop)
    return "".join(heard)


def said(conversation):
    return [(turn.role, turn.content) for turn in conversation.turns]


@pytest.mark.parametrize("seed", range(1))
def test_nothing_is_lost_and_the_model_has_read_it_right(project, models, seed, monkeypatch):
    monkeypatch.setattr(talking, "SECONDS_AT_RISK", 0.0)
    chance, talk, model, conversation = random.Random(seed), Talk(), models[0], new_conversation(project)
    wanted = []  # what a person has seen
    for _turn in range(30):
        model = chance.choice(models) if chance.random() < 0.3 else model
        happens = chance.choice(("nothing", "nothing", "stop", "again", "edit", "branch", "other chat", "kill"))
        if happens in ("edit", "branch") and wanted:
            place = len(wanted) - 2 if happens == "edit" else len(wanted)
            conversation, wanted = conversation.branch(place, new_path(project)), wanted[:place]
        if happens == "other chat":
            other = new_conversation(project)
            other.ask(chance.choice(QUESTIONS))
            answer(talk, model, other)
        question = chance.choice(QUESTIONS)
        conversation.ask(question)
        if happens == "kill":
            with monkeypatch.context() as gone, contextlib.suppress(Killed):
                gone.setattr(talking._Draft, "discard", lambda draft: None)
                heard = answer(talk, model, conversation, pieces=chance.randint(1, 8), killed=True)
            talk, conversation = Talk(), open_conversation(conversation.path)
            heard = conversation.turns[-1].content
        elif happens == "stop":
            heard = answer(talk, model, conversation, pieces=chance.randint(0, 8))
        else:
            heard = answer(talk, model, conversation)
        if happens == "again":
            again = answer(talk, model, conversation, pieces=chance.choice((None, 0, 3)))
            heard = again or heard
        wanted.append(("user", question))
        if heard:
            wanted.append(("assistant", heard))
        assert said(conversation) == wanted == said(open_conversation(conversation.path))
        if not heard:
            wanted.pop()
    for model in models:
        conversation.ask("and at last")
        fresh = conversation.branch(len(conversation.asked), new_path(project))
        open_session(model).reply(fresh, CHOICE, lambda _text: None, StopToken())
        assert answer(talk, model, conversation) == fresh.turns[-1].content
