import dataclasses
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from tui_tuner.choices import TrainingChoice
from tui_tuner.errors import ConfigurationError, ProjectError, ProjectLocked, StorageError
from tui_tuner.project import Choices, create_project, open_project, save_project
from tui_tuner.project_lock import project_lock


def test_a_project_is_read_as_it_was_written(tmp_path):
    made = create_project(tmp_path / "p", choices=Choices(training=TrainingChoice(iters=7)))
    assert open_project(tmp_path / "p") == made
    changed = made.with_settings("training", {"iters": "9"})
    save_project(changed)
    assert open_project(tmp_path / "p").choices.training.iters == 9


def test_a_second_project_in_the_same_folder_is_refused(tmp_path):
    create_project(tmp_path)
    with pytest.raises(ProjectError):
        create_project(tmp_path)


def test_a_folder_without_a_project_says_how_to_make_one(tmp_path):
    with pytest.raises(ProjectError, match="no project here") as caught:
        open_project(tmp_path)
    assert "tuner new" in caught.value.advice


def test_a_newer_project_is_refused_and_untouched(tmp_path):
    create_project(tmp_path)
    path = tmp_path / "tuner.toml"
    text = path.read_text().replace("format = 1", "format = 2")
    path.write_text(text)
    with pytest.raises(ProjectError, match="newer tuner") as caught:
        open_project(tmp_path)
    assert "upgrade" in caught.value.advice
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ('[training]\niters = "many"', 2),
        ("[trainng]\niters = 3", 1),
        ("training = 3", 1),
        ("name = 3", 1),
        ("format = 'x'", 1),
    ],
)
def test_a_mistake_has_file_and_line(tmp_path, wrong, line):
    path = tmp_path / "tuner.toml"
    path.write_text(wrong)
    with pytest.raises(ConfigurationError) as caught:
        open_project(tmp_path)
    assert caught.value.where == f"{path}:{line}"


def test_runs_are_in_the_order_they_were_made(tmp_path):
    project = create_project(tmp_path)
    for name in ("run-10", "run-2", "run-1", "named"):
        (project.runs / name).mkdir(parents=True)
        (project.runs / name / "config.toml").write_text("")
    (project.runs / "run-2" / "adapters.safetensors").write_text("")
    assert [run.name for run in project.run_folders()] == ["named", "run-1", "run-2", "run-10"]
    assert project.tuned_run() == project.runs / "run-2"


def test_the_lock_keeps_a_second_one_out_and_names_the_holder(tmp_path):
    project = create_project(tmp_path)
    with project_lock(project), pytest.raises(ProjectLocked, match=str(os.getpid())), project_lock(project):
        pass
    with project_lock(project):
        pass


def test_a_dead_process_holds_no_lock(tmp_path):
    project = create_project(tmp_path)
    code = f"""
        import os, signal
        from pathlib import Path
        from tui_tuner.project import open_project
        from tui_tuner.project_lock import project_lock
        with project_lock(open_project(Path({str(tmp_path)!r}))):
            os.kill(os.getpid(), signal.SIGKILL)
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(code)])
    assert ended.returncode == -signal.SIGKILL
    with project_lock(project):
        pass


def test_a_folder_that_may_not_be_used_says_so(tmp_path):
    tmp_path.chmod(0o500)
    code = """
        import os
        from pathlib import Path
        from tui_tuner.errors import StorageError
        from tui_tuner.language import _
        from tui_tuner.project import create_project, open_project
        _("loads what nobody else might be allowed to read")
        if os.geteuid() == 0:
            os.setuid(65534)  # root may write anywhere
        for use in (create_project, open_project):
            try:
                use(Path("p"))
            except StorageError as error:
                print(error.what)
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ended.stdout.count("not writable") == 2


def test_a_folder_that_is_a_file_says_so(tmp_path):
    (tmp_path / "p").write_text("")
    with pytest.raises(StorageError):
        create_project(tmp_path / "p")


def test_trust_is_in_one_model(tmp_path):
    trusting = create_project(tmp_path / "p").with_settings("model", {"trust_remote_code": "true"})
    assert trusting.with_settings("model", {"quantize": "4"}).choices.model.trust_remote_code
    assert not trusting.with_settings("model", {"name": "another/model"}).choices.model.trust_remote_code
    both = {"name": "another/model", "trust_remote_code": "true"}
    assert trusting.with_settings("model", both).choices.model.trust_remote_code
    other = dataclasses.replace(trusting.choices.model, name="another/model")
    assert not trusting.with_choice("model", other).choices.model.trust_remote_code
    untrusting = create_project(tmp_path / "q")
    assert untrusting.with_choice("model", other).choices.model.trust_remote_code  # switched on with the name
