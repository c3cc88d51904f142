from __future__ import annotations

import pytest
import tiny_model
import tuned_model

from tui_tuner.export.fuse import fuse, plan_fuse
from tui_tuner.progress import StopToken, ignore_event
from tui_tuner.project import Project


@pytest.fixture(scope="module")
def fused_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a fused model."""
    place = tmp_path_factory.mktemp("made")
    base = tiny_model.make(place / "base", tied=False)
    project = tuned_model.project(place / "mine", base)
    fuse(plan_fuse(project, base), emit=ignore_event, stop=StopToken())
    return project
