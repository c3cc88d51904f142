import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

import tui_tuner.export.lm_studio as module
from tui_tuner.errors import ExportError, Stopped, StorageError
from tui_tuner.export.lm_studio import export_to_lm_studio, models_folder, plan_lm_studio
from tui_tuner.export.ollama_export import NameTaken
from tui_tuner.export.proof_rows import Proof, ProofRow, keep_proof, kept_proofs
from tui_tuner.progress import Notice, StageProgress, StopToken, ignore_event


@pytest.fixture
def project(fused_project):
    return fused_project


@pytest.fixture
def home(tmp_path):
    (tmp_path / ".lmstudio").mkdir()
    return tmp_path


def export(project, home, *, emit=ignore_event, stop=None, replace=False):
    return export_to_lm_studio(plan_lm_studio(project, home=home, replace=replace), emit=emit, stop=stop or StopToken())


@pytest.fixture
def another_disk(monkeypatch):
    def refuse(*_paths):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(module, "_same_disk", lambda *_paths: False)


def test_where_lm_studio_keeps_its_models(tmp_path):
    assert models_folder(tmp_path) is None
    (tmp_path / ".cache" / "lm-studio").mkdir(parents=True)
    assert models_folder(tmp_path) == tmp_path / ".cache" / "lm-studio" / "models"
    (tmp_path / ".lmstudio").mkdir()
    assert models_folder(tmp_path) == tmp_path / ".lmstudio" / "models"
    (tmp_path / "large").mkdir()
    (tmp_path / ".lmstudio-home-pointer").write_text(f"{tmp_path / 'large'}\n")
    assert models_folder(tmp_path) == tmp_path / "large" / "models"
    (tmp_path / "large" / "settings.json").write_text(json.dumps({"downloadsFolder": str(tmp_path / "elsewhere")}))
    assert models_folder(tmp_path) == tmp_path / "elsewhere"
    (tmp_path / "large" / "settings.json").write_text("[")
    assert models_folder(tmp_path) == tmp_path / "large" / "models"


def test_on_the_same_disk_it_takes_no_room(project, home):
    notices = []
    folder = export(project, home, emit=notices.append)
    assert folder == home / ".lmstudio" / "models" / "tuner" / "mine"
    weights = "model.safetensors"
    assert (folder / weights).samefile(project.fused_model / weights)
    assert not (folder / "tuner.json").exists()
    assert "takes no room" in [event.text for event in notices if isinstance(event, Notice)][-1]
    rows = {row.name: row.verdict for row in kept_proofs(project.fused_model)[-1].rows}
    assert rows == {"files": "passed", "LM Studio": "unproved"}


def test_its_gguf_file_goes_there_once_it_is_proved(project, home):
    as_gguf = project.with_settings("export", {"lm_studio": "gguf", "gguf_type": "f16"})
    folder = project.folder / "exports" / "mine-f16"
    with pytest.raises(ExportError, match="no GGUF file of this model yet"):
        export(as_gguf, home)
    folder.mkdir(parents=True)
    (folder / "mine-f16.gguf").write_bytes(b"GGUF" * 100)
    with pytest.raises(ExportError, match="no GGUF file of this model yet"):  # of an earlier fused model, it may be
        export(as_gguf, home)
    keep_proof(project.fused_model, Proof.of("GGUF mine-f16", [ProofRow("weights", "passed", "")]))
    there = export(as_gguf, home)
    assert there == home / ".lmstudio" / "models" / "tuner" / "mine-f16"
    assert [path.name for path in there.iterdir()] == ["mine-f16.gguf"]
    assert (there / "mine-f16.gguf").samefile(folder / "mine-f16.gguf")
    assert export(project, home) != there  # the folder is another model, beside it
    shutil.rmtree(folder)


def test_on_another_disk_it_is_copied(project, home, another_disk):
    events = []
    folder = export(project, home, emit=events.append)
    assert not (folder / "model.safetensors").samefile(project.fused_model / "model.safetensors")
    assert (folder / "model.safetensors").read_bytes() == (project.fused_model / "model.safetensors").read_bytes()
    last = [event for event in events if isinstance(event, StageProgress)][-1]
    assert last.ended and last.done == pytest.approx(last.total)


def test_a_copy_that_is_not_the_same_is_not_kept(project, home, another_disk, monkeypatch):
    monkeypatch.setattr(module, "_digest", lambda *_arguments: "something else")
    with pytest.raises(ExportError, match="not what was sent"):
        export(project, home)
    assert list((home / ".lmstudio" / "models" / "tuner").iterdir()) == []
    assert not kept_proofs(project.fused_model)[-1].passed


def test_a_model_of_that_name_is_asked_about(project, home):
    export(project, home)
    with pytest.raises(NameTaken):
        export(project, home)
    export(project, home, replace=True)


def test_a_full_disk_is_known_beforehand(project, home, another_disk, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=1_000_000))
    with pytest.raises(StorageError, match="not enough disk space"):
        export(project, home)
    assert not (home / ".lmstudio" / "models").exists()


def test_a_disk_that_fills_up_half_way_leaves_nothing(project, home, another_disk, monkeypatch):
    def full(_file):
        raise OSError(errno.ENOSPC, "No space left on device")

    proofs = kept_proofs(project.fused_model)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="the disk is full") as caught:
            export(project, home)
    assert "Free some space" in caught.value.advice
    assert list((home / ".lmstudio" / "models" / "tuner").iterdir()) == []
    assert kept_proofs(project.fused_model) == proofs
    export(project, home)


def test_killed_while_it_copies_nothing_looks_whole_and_the_next_one_clears_up(project, home):
    code = f"""
import os, signal
from pathlib import Path
import tui_tuner.export.lm_studio as module
from tui_tuner.progress import StopToken, ignore_event
from tui_tuner.project import open_project

class Killing(StopToken):
    left = 4  # it is asked before each file and each piece
    def check(self):
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)

def another_disk(*_paths):
    raise OSError(18, "")

os.link = another_disk
plan = module.plan_lm_studio(open_project(Path({str(project.folder)!r})), home=Path({str(home)!r}))
module.export_to_lm_studio(plan, emit=ignore_event, stop=Killing())
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == -signal.SIGKILL
    models = home / ".lmstudio" / "models" / "tuner"
    (left,) = models.iterdir()
    assert left.name.startswith(".mine.") and list(left.iterdir())
    export(project, home)  # not asked whether to replace one: there is none
    assert [path.name for path in models.iterdir()] == ["mine"]


def test_stopped_or_killed_it_leaves_nothing(project, home, another_disk):
    stop = StopToken()
    with pytest.raises(Stopped):
        export(project, home, stop=stop, emit=lambda _event: stop.request())
    models = home / ".lmstudio" / "models" / "tuner"
    assert list(models.iterdir()) == []
    (models / ".mine.abcd1234").mkdir()  # as a killed process leaves it
    export(project, home)
    assert [path.name for path in models.iterdir()] == ["mine"]


def test_without_lm_studio_it_says_so(project, tmp_path):
    with pytest.raises(ExportError, match="no LM Studio here"):
        plan_lm_studio(project, home=tmp_path / "nobody")
