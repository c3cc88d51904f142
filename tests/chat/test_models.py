import tiny_model
import tuned_model
from teachers.small_ollama import MISTRAL, SmallOllama

from tui_tuner.chat.context import context_length
from tui_tuner.chat.conversation import new_conversation
from tui_tuner.chat.models import chat_models, ollama_models, ollama_url, open_session
from tui_tuner.choices import ChatChoice
from tui_tuner.export.fuse import fuse, plan_fuse
from tui_tuner.progress import StopToken, ignore_event


def test_the_best_there_is_comes_first(tmp_path):
    base = tiny_model.make(tmp_path / "base")
    project = tuned_model.project(tmp_path / "project")
    assert chat_models(project, None) == []
    assert [(m.key, m.label) for m in chat_models(project, base)] == [("base", "base tiny")]
    run = tuned_model.adapter(project.runs / "run-1", base)
    assert [(m.key, m.label) for m in chat_models(project, base)] == [("tuned", "tuned run-1"), ("base", "base tiny")]
    fuse(plan_fuse(project, base), emit=ignore_event, stop=StopToken())
    tuned_model.adapter(project.runs / "run-2", base)
    models = chat_models(project, base)
    # The label tells that the fused model is of an earlier run than the tuned one.
    assert [m.label for m in models] == ["fused run-1", "tuned run-2", "base tiny"]
    assert [m.key for m in chat_models(project, None)] == ["fused"]
    assert [(model.path, model.adapter) for model in models] == [
        (project.fused_model, None),
        (base, project.runs / "run-2"),
        (base, None),
    ]
    assert {model.context for model in models} == {context_length(base)} != {None}
    for model in models:
        conversation = new_conversation(project)
        conversation.ask("how do I start")
        open_session(model).reply(conversation, ChatChoice(max_tokens=2), ignore_event, StopToken())
        assert conversation.model == model.label
    assert run.exists()


def test_a_run_of_another_base_is_not_offered(tmp_path):
    base = tiny_model.make(tmp_path / "base")
    project = tuned_model.project(tmp_path / "project", base).with_settings("model", {"name": "org/other"})
    assert [(m.key, m.label) for m in chat_models(project, base)] == [("base", "base other")]


def test_trust_is_the_projects(tmp_path):
    project = tuned_model.project(tmp_path / "project").with_settings("model", {"trust_remote_code": "true"})
    (model,) = chat_models(project, tmp_path)
    assert model.trust_remote_code


def test_ollamas_models_that_stay_on_this_machine_are_offered(tmp_path):
    remote = {"name": "big:cloud", "size": 1, "remote_host": "https://ollama.com:443"}
    embedder = {"name": "embedder", "size": 1, "details": {"family": "bert"}}
    with SmallOllama(MISTRAL, remote, embedder) as server:
        (model,) = ollama_models(server.place)
        assert (model.known_as, model.label) == ("ollama:mistral:7b", "mistral:7b (ollama)")
    assert ollama_models(server.place) == []
    project = tuned_model.project(tmp_path / "project").with_settings("dataset", {"url": "there:1"})
    assert ollama_url(project) == ""
    assert ollama_url(project.with_settings("dataset", {"teacher": "ollama"})) == "there:1"
