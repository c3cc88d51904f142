from __future__ import annotations

import json

import tiny_model
import tiny_project

from tui_tuner.cli import main
from tui_tuner.models.recommended import GUIDE_MODEL
from tui_tuner.project import open_project


def test_the_list_has_the_guides_model_and_what_it_takes(capsys):
    assert main(["models"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if GUIDE_MODEL in line)
    assert "~4.1 GB" in line and "5.6 GB" in line


def test_a_program_gets_one_offer_a_line(capsys):
    assert main(["models", "--json"]) == 0
    offers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"starter", GUIDE_MODEL} <= {offer["name"] for offer in offers}
    assert all(offer["event"] == "model_offer" for offer in offers)


def test_a_model_is_made_the_projects_and_what_is_none_is_refused(tmp_path, capsys):
    project = tiny_project.make(tmp_path).folder
    arguments = ["models", "--project", str(project)]
    assert main([*arguments, "--use", GUIDE_MODEL, "--quantize", "8"]) == 0
    assert open_project(project).choices.model.name == GUIDE_MODEL
    assert open_project(project).choices.model.bits == 8
    assert main([*arguments, "--use", "no such model"]) == 1
    assert "no model here" in capsys.readouterr().err
    assert open_project(project).choices.model.name == GUIDE_MODEL


def test_a_folder_is_quantized(tmp_path, capsys):
    folder = tiny_model.make(tmp_path / "full", hidden=128)
    assert main(["models", "--get", str(folder), "--quantize", "4"]) == 0
    assert "Quantize to 4 bits" in capsys.readouterr().out
