"""w in the Export step writes the fused model as GGUF."""

import pytest
import tiny_families
import tuned_model
from test_app import running_app
from textual.widgets import OptionList, Static

from tui_tuner.export.fuse import fuse, plan_fuse
from tui_tuner.progress import StopToken, ignore_event


async def ended(app, pilot):
    for _attempt in range(600):
        if (found := app.board.ended("export")) is not None:
            await pilot.pause()
            return found
        await pilot.pause(0.05)
    raise AssertionError("it does not end")


@pytest.fixture
def project(tmp_path, no_llama_cpp):
    return tuned_model.project(tmp_path / "kitchen", tiny_families.make(tmp_path / "base", "qwen3"))


async def test_it_needs_a_fused_model(project):
    async with running_app(project, "export") as (app, pilot):
        await pilot.press("w")
        assert app.board.ended("export") is None
        assert not (project.folder / "exports").exists()


async def test_it_is_written_and_its_proof_and_commands_are_shown(project, tmp_path):
    fuse(plan_fuse(project, tmp_path / "base"), emit=ignore_event, stop=StopToken())
    async with running_app(project, "export", (120, 40)) as (app, pilot):
        await pilot.press("w")
        assert (await ended(app, pilot)).outcome == "done"
        proof = str(app.screen.query_one("#proof", Static).content)
        assert "GGUF kitchen-q8_0" in proof
        assert "✓ weights in q8_0" in proof
        assert "? llama.cpp" in proof
        shown = [str(option.id) for option in app.screen.query_one("#usage", OptionList).options]
        file = project.folder / "exports" / "kitchen-q8_0" / "kitchen-q8_0.gguf"
        assert file.is_file()
        assert f"llama-cli -m {file}" in shown
