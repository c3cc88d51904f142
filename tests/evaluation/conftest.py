"""A project with runs and a checkpoint; tests that want another one make it themselves."""

import shutil

import pytest
import tiny_model
import tuned_model


@pytest.fixture
def base(tmp_path):
    return tiny_model.make(tmp_path / "base")


@pytest.fixture
def project(tmp_path, base):
    made = tuned_model.project(tmp_path / "project", base)
    tuned_model.adapter(made.runs / "base", base)  # nobody forbids this name
    shutil.copytree(made.runs / "run-1", made.runs / "run-1" / "checkpoints" / "40")
    return made
