import tiny_model
import tuned_model

from tui_tuner.chat.models import chat_models, open_chat_model
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
    opened = [open_chat_model(model) for model in models]
    assert [loaded.path for loaded in opened] == [project.fused_model, base, base]
    assert [loaded.adapter for loaded in opened] == [None, project.runs / "run-2", None]
    assert run.exists()


def test_a_run_of_another_base_is_not_offered(tmp_path):
    base = tiny_model.make(tmp_path / "base")
    project = tuned_model.project(tmp_path / "project", base).with_settings("model", {"name": "org/other"})
    assert [(m.key, m.label) for m in chat_models(project, base)] == [("base", "base other")]


def test_trust_is_the_projects(tmp_path):
    project = tuned_model.project(tmp_path / "project").with_settings("model", {"trust_remote_code": "true"})
    (model,) = chat_models(project, tmp_path)
    assert model.trust_remote_code
