"""What the tests of training share: see `training.school`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny_model
from training.school import School


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model.make(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def school(tmp_path: Path, tiny: Path) -> School:
    return School(tmp_path, tiny)


@pytest.fixture(scope="session")
def tokenizer(tiny: Path) -> Any:
    from tui_tuner.models.loading import load_model

    return load_model(tiny).tokenizer


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are computed side by side, whatever machine the tests run on."""
    from tui_tuner.training.shortcuts import proof

    monkeypatch.setattr(proof, "cores_here", lambda: 2)
