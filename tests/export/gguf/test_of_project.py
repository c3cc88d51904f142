import pytest
import tuned_model

from tui_tuner.cli import main
from tui_tuner.errors import ConfigurationError, ExportError
from tui_tuner.export.fuse import fuse, plan_fuse
from tui_tuner.export.gguf.of_project import gguf_folder, plan_gguf
from tui_tuner.export.proof_rows import kept_proofs
from tui_tuner.progress import StopToken, ignore_event


@pytest.fixture
def project(tmp_path, no_llama_cpp):
    base = tuned_model.speaker(tmp_path / "base")
    made = tuned_model.project(tmp_path / "my project", base)
    fuse(plan_fuse(made, base), emit=ignore_event, stop=StopToken())
    return made


def test_the_command_writes_the_fused_model_and_keeps_its_proof(project, capsys):
    assert main(["export", "gguf", "--project", str(project.folder), "--set", "gguf_type=f16"]) == 0
    folder = project.folder / "exports" / "my project-f16"
    file = folder / "my project-f16.gguf"
    assert file.read_bytes()[:4] == b"GGUF"
    shown = capsys.readouterr().out
    assert f"llama-cli -m '{file}'" in shown
    assert "llama.cpp is not installed" in shown
    assert [proof.what for proof in kept_proofs(project.fused_model)] == ["fused model", "GGUF my project-f16"]
    assert [proof.what for proof in kept_proofs(folder)] == ["GGUF my project-f16"]


def test_there_has_to_be_a_fused_model(tmp_path):
    with pytest.raises(ExportError, match="no fused model"):
        plan_gguf(tuned_model.project(tmp_path / "p"))


def test_nothing_is_replaced_but_an_earlier_export(project):
    gguf_folder(project).mkdir(parents=True)
    (gguf_folder(project) / "mine.txt").touch()
    with pytest.raises(ConfigurationError, match="something that is not a model"):
        plan_gguf(project)
