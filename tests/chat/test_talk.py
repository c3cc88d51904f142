import pytest
import tuned_model
from teachers.small_ollama import MISTRAL, SmallOllama

from tui_tuner.chat import talk as talk_module
from tui_tuner.chat.context import ContextFull, TurnsLeftOut
from tui_tuner.chat.conversation import new_conversation, open_conversation
from tui_tuner.chat.models import ChatModel, chat_models, ollama_models
from tui_tuner.chat.talk import ReplyEnded, ReplyText, Talk
from tui_tuner.choices import ChatChoice
from tui_tuner.errors import ModelError, TeacherError
from tui_tuner.progress import StopToken, ignore_event

CHOICE = ChatChoice(max_tokens=8)


@pytest.fixture
def project(tmp_path):
    return tuned_model.project(tmp_path / "project")


@pytest.fixture
def models(project, tmp_path):
    base = tuned_model.speaker(tmp_path / "base", max_position_embeddings=90)
    tuned_model.adapter(project.runs / "run-1", base)
    return chat_models(project, base)


def asked(project, *questions):
    made = []
    for question in questions:
        made.append(new_conversation(project))
        made[-1].ask(question)
    return made


def test_two_models_answer_one_after_the_other_and_stay_in_memory(project, models):
    talk, events = Talk(), []
    first, second = asked(project, "how do I start", "how do I start")
    pairs = [(models[0], first), (models[1], second)]
    replies = talk.reply_work(pairs, CHOICE)(events.append, StopToken())
    for place, conversation in enumerate((first, second)):
        text = "".join(event.text for event in events if isinstance(event, ReplyText) and event.place == place)
        assert text == conversation.turns[-1].content == replies[place].text
    assert [event.place for event in events if isinstance(event, ReplyEnded)] == [0, 1]
    assert first.turns[-1].content != second.turns[-1].content
    kept = dict(talk._sessions)
    first.ask("and then")
    talk.reply_work([(models[0], first)], CHOICE)(ignore_event, StopToken())
    assert talk._sessions == {models[0]: kept[models[0]]}
    talk.let_go()
    assert not talk._sessions


def test_stopped_at_the_first_the_second_is_not_asked(project, models):
    stop = StopToken()
    first, second = asked(project, "how do I start", "how do I start")
    pairs = [(models[0], first), (models[1], second)]
    replies = Talk().reply_work(pairs, CHOICE)(lambda event: stop.request(), stop)
    assert [reply.finish for reply in replies] == ["stopped"] and len(second.turns) == 1


def test_a_full_context_is_said_and_left_out_only_when_chosen(project, models):
    (conversation,) = asked(project, "how do I start")
    talk, events, model = Talk(), [], models[0]
    assert model.context == 90
    while True:
        try:
            talk.reply_work([(model, conversation)], CHOICE)(events.append, StopToken())
        except ContextFull as error:
            assert "90" in error.what and conversation.turns[-1].role == "user"
            break
        conversation.ask("and then")
    assert not [event for event in events if isinstance(event, TurnsLeftOut)]
    asked_so_far = len(conversation.turns)
    (reply,) = talk.reply_work([(model, conversation)], ChatChoice(max_tokens=8, when_full="leave_out"))(
        events.append, StopToken()
    )
    (left_out,) = [event for event in events if isinstance(event, TurnsLeftOut)]
    assert left_out.number == conversation.left_out > 0 and reply.prompt_tokens + 16 <= 90
    assert len(open_conversation(conversation.path).turns) == asked_so_far + 1


def test_an_answer_ends_where_the_context_does(project, models):
    (conversation,) = asked(project, "how do I start")
    endless = ChatModel("base", "endless", tuned_model.speaker(project.folder / "x", ends=False))
    (reply,) = Talk().reply_work([(endless, conversation)], ChatChoice(max_tokens=30))(ignore_event, StopToken())
    assert (reply.tokens, reply.finish) == (30, "length")
    short = tuned_model.speaker(project.folder / "y", ends=False, max_position_embeddings=reply.prompt_tokens + 20)
    (again,) = Talk().reply_work([(ChatModel("base", "short", short), conversation)], ChatChoice(max_tokens=30))(
        ignore_event, StopToken()
    )
    assert (again.tokens, again.finish) == (20, "context")
    assert conversation.turns[-1].figures.finish == "context" and len(conversation.turns[-1].others) == 1


def test_a_model_in_ollama_answers_several_turns(project):
    (conversation,) = asked(project, "how do I start")
    choice = ChatChoice("be kind", max_tokens=50, temperature=0.5, top_p=0.9, top_k=20, seed=3, repetition_penalty=1.1)
    with SmallOllama(MISTRAL) as server:
        talk, events = Talk(), []
        (model,) = ollama_models(server.place)
        for question in ("and then", ""):
            (reply,) = talk.reply_work([(model, conversation)], choice)(events.append, StopToken())
            assert conversation.turns[-1].content == reply.text != "" and reply.finish == "stop"
            assert conversation.model == "mistral:7b (ollama)"
            if question:
                conversation.ask(question)
        talk.let_go()
    assert "".join(event.text for event in events if isinstance(event, ReplyText)).endswith(reply.text)
    body = server.bodies[-1]
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "user"]
    options = body["options"]
    assert (options["temperature"], options["top_p"], options["top_k"], options["seed"]) == (0.5, 0.9, 20, 3)
    assert options["repeat_penalty"] == 1.1 and options["num_predict"] == 50


def test_ollamas_context_is_full_too(project):
    (conversation,) = asked(project, "how do I start")
    with SmallOllama(MISTRAL, context=64) as server:
        (model,) = ollama_models(server.place)
        talk = Talk()
        talk.reply_work([(model, conversation)], CHOICE)(ignore_event, StopToken())
        conversation.ask("word " * 40)
        talk.reply_work([(model, conversation)], CHOICE)(ignore_event, StopToken())
        conversation.ask("other " * 40)
        with pytest.raises(ContextFull):
            talk.reply_work([(model, conversation)], CHOICE)(ignore_event, StopToken())
        chosen = ChatChoice(max_tokens=8, when_full="leave_out")
        talk.reply_work([(model, conversation)], chosen)(ignore_event, StopToken())
        assert conversation.left_out > 0 and conversation.turns[-1].role == "assistant"


def test_an_answer_that_fails_half_way_leaves_no_beginning_in_the_file(project, models, monkeypatch):
    monkeypatch.setattr(talk_module, "SECONDS_AT_RISK", 0.0)
    (conversation,) = asked(project, "how do I start")
    on_the_disk = []

    def emit(event):
        on_the_disk.append(open_conversation(conversation.path).turns[1:])
        if len(on_the_disk) == 2:
            raise ModelError("broken")

    with pytest.raises(ModelError, match="broken"):
        Talk().reply_work([(models[0], conversation)], CHOICE)(emit, StopToken())
    assert [[turn.role for turn in turns] for turns in on_the_disk] == [["assistant"], ["assistant"]]
    assert open_conversation(conversation.path) == conversation and len(conversation.turns) == 1


def test_an_ollama_that_has_gone_leaves_the_question(project):
    (conversation,) = asked(project, "how do I start")
    with SmallOllama(MISTRAL) as server:
        (model,) = ollama_models(server.place)
    with pytest.raises(TeacherError):
        Talk().reply_work([(model, conversation)], CHOICE)(ignore_event, StopToken())
    assert [turn.role for turn in open_conversation(conversation.path).turns] == ["user"]
