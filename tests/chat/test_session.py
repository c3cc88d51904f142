import pytest
import tuned_model

from tui_tuner.chat.conversation import new_conversation, open_conversation
from tui_tuner.chat.session import ChatSession
from tui_tuner.chat.talk import ReplyEnded
from tui_tuner.choices import ChatChoice
from tui_tuner.engine import running_engine
from tui_tuner.errors import ModelError, UsageError
from tui_tuner.models.generation import stream_reply
from tui_tuner.models.loading import load_model
from tui_tuner.models.replies import Sampling
from tui_tuner.progress import StopToken

CHOICE = ChatChoice(max_tokens=20)
STRICT = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}ok"


def ignore(_piece):
    pass


@pytest.fixture
def loaded(tmp_path):
    return load_model(tuned_model.speaker(tmp_path / "base"))


@pytest.fixture
def project(tmp_path):
    return tuned_model.project(tmp_path / "project")


def without_memory(loaded, conversation, system=""):
    messages = conversation.messages(system)
    return stream_reply(loaded, messages, Sampling(CHOICE.max_tokens), ignore, StopToken()).text


def test_several_turns_are_answered_as_without_a_memory(loaded, project):
    session, conversation, pieces = ChatSession(loaded), new_conversation(project), []
    for question in ("how do I start", "and then", "why", "is it so"):
        conversation.ask(question)
        wanted = without_memory(loaded, conversation, "be kind")
        pieces.clear()
        reply = session.reply(conversation, ChatChoice("be kind", max_tokens=20), pieces.append, StopToken())
        assert reply.text == wanted == "".join(pieces) == conversation.turns[-1].content
        assert open_conversation(conversation.path) == conversation
    assert len(conversation.turns) == 8
    assert conversation.turns[-1].model == "base"


def test_a_stopped_reply_stays_and_is_marked(loaded, project):
    session, conversation, stop = ChatSession(loaded, "tuned run-1"), new_conversation(project), StopToken()
    conversation.ask("how do I start")
    reply = session.reply(conversation, CHOICE, lambda _piece: stop.request(), stop)
    assert reply.finish == "stopped"
    kept = open_conversation(conversation.path).turns[-1]
    assert (kept.role, kept.content, kept.figures.finish) == ("assistant", reply.text, "stopped")
    assert kept.model == "tuned run-1"
    conversation.ask("go on")
    wanted = without_memory(loaded, conversation)
    assert session.reply(conversation, CHOICE, ignore, StopToken()).text == wanted


def test_an_edited_history_and_another_conversation(loaded, project):
    session, conversation = ChatSession(loaded), new_conversation(project)
    for question in ("how do I start", "and then", "why"):
        conversation.ask(question)
        session.reply(conversation, CHOICE, ignore, StopToken())
    conversation = conversation.branch(2, conversation.path)
    conversation.ask("and what is that")
    wanted = without_memory(loaded, conversation)
    assert session.reply(conversation, CHOICE, ignore, StopToken()).text == wanted
    other = new_conversation(project)
    other.ask("something else")
    wanted = without_memory(loaded, other)
    assert session.reply(other, CHOICE, ignore, StopToken()).text == wanted
    session.close()
    conversation.ask("still there")
    wanted = without_memory(loaded, conversation)
    assert session.reply(conversation, CHOICE, ignore, StopToken()).text == wanted


def test_the_chosen_settings_are_used(loaded, project):
    session, conversation = ChatSession(loaded), new_conversation(project)
    conversation.ask("how do I start")
    reply = session.reply(conversation, ChatChoice(max_tokens=2), ignore, StopToken())
    assert reply.tokens == 2
    assert ReplyEnded.of(reply).as_json()["figures"]["finish"] == "length"
    answers = set()
    for _try in range(4):
        answers.add(session.reply(conversation, ChatChoice(max_tokens=12, temperature=1.5), ignore, StopToken()).text)
    assert len(answers) > 1
    wanted = without_memory(loaded, conversation)
    narrow = ChatChoice(max_tokens=20, temperature=1.5, top_p=0.01)  # only the likeliest token is left to draw from
    assert session.reply(conversation, narrow, ignore, StopToken()).text == wanted


def test_nothing_to_answer(loaded, project):
    conversation = new_conversation(project)
    with pytest.raises(UsageError):
        ChatSession(loaded).reply(conversation, CHOICE, ignore, StopToken())


def test_a_refused_conversation_stays_as_it_was(tmp_path, project):
    import tiny_model

    session = ChatSession(load_model(tiny_model.make(tmp_path / "strict", template=STRICT)))
    conversation = new_conversation(project)
    conversation.ask("how do I start")
    with pytest.raises(ModelError, match="no system role"):
        session.reply(conversation, ChatChoice("be kind", max_tokens=4), ignore, StopToken())
    assert len(conversation.turns) == 1
    session.reply(conversation, ChatChoice(max_tokens=4), ignore, StopToken())
    assert len(conversation.turns) == 2


def test_it_works_on_the_engines_thread(tmp_path, project):
    path = tuned_model.speaker(tmp_path / "base")
    conversation = new_conversation(project)
    with running_engine() as engine:
        session = engine.submit(lambda: ChatSession(load_model(path))).result()
        for question in ("how do I start", "and then"):
            conversation.ask(question)
            engine.submit(session.reply, conversation, CHOICE, ignore, StopToken()).result()
        engine.submit(session.close).result()
    conversation = conversation.branch(2, conversation.path)
    conversation.ask("and then")
    assert ChatSession(load_model(path)).reply(conversation, CHOICE, ignore, StopToken()).text
