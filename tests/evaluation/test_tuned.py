import pytest
import tiny_model
import tuned_model

from tui_tuner.errors import ProjectError
from tui_tuner.evaluation.tuned import required_run


def test_the_latest_run_with_an_adapter(tmp_path):
    base = tiny_model.make(tmp_path / "base")
    project = tuned_model.project(tmp_path / "project", base)
    for name in ("run-2", "run-10"):
        tuned_model.adapter(project.runs / name, base)
    (project.runs / "run-11").mkdir()
    (project.runs / "run-11" / "config.toml").touch()
    assert required_run(project).name == "run-10"
    assert required_run(project, project.runs / "run-2").name == "run-2"
    with pytest.raises(ProjectError, match="no tuned model in run-11") as caught:
        required_run(project, project.runs / "run-11")
    assert "run-1, run-2, run-10" in caught.value.advice


def test_a_run_of_another_base_model_is_refused(tmp_path):
    project = tuned_model.project(tmp_path / "project", tiny_model.make(tmp_path / "base"))
    project = project.with_settings("model", {"name": "org/other"})
    with pytest.raises(ProjectError, match=r"run-1 was trained on tiny.* is now org/other"):
        required_run(project)
