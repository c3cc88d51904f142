import shutil

import tuned_model
from teachers.small_ollama import MISTRAL, SmallOllama

from tui_tuner.evaluation.candidates import Candidate, candidates, candidates_in_ollama, with_chosen
from tui_tuner.evaluation.columns import find_columns
from tui_tuner.export.fuse import fuse, plan_fuse
from tui_tuner.progress import StopToken, ignore_event
from tui_tuner.training.run_config import RunConfig, RunFacts, write_config


def missing(found):
    return {one.name: one.missing for one in found if one.missing}


def test_everybody_who_can_be_had_is_a_column(project, base):
    fuse(plan_fuse(project, base, project.runs / "run-1"), emit=ignore_event, stop=StopToken())
    found = candidates(project, base)
    assert not missing(found) and all(one.about for one in found)
    assert [one.name for one in found[:3]] == ["base", "tuned", "fused"]
    assert {one.name for one in found[3:]} == {"run-1", "run-1@40", "run:base"}
    assert "after step 40" in {one.name: one.about for one in found}["run-1@40"]
    names = [one.name for one in found]
    assert [column.name for column in find_columns(project, base, names)] == names


def test_why_somebody_cannot_be_had_is_said(project, base):
    write_config(project.runs / "run-3", RunConfig(RunFacts(run="run-3", model_name="tiny"), project.choices.training))
    tuned_model.adapter(project.runs / "run-4", base, model_name="another")
    why = missing(candidates(project, base))
    assert why.keys() >= {"fused", "run-3", "run-4"} and why.keys().isdisjoint({"base", "run-1", "run-1@40"})
    assert "Export" in why["fused"] and "no adapter" in why["run-3"] and "trained on another" in why["run-4"]
    why = missing(candidates(project, None))
    assert all("not on this machine" in why[name] for name in ("base", "run-1", "run-1@40"))
    shutil.rmtree(project.runs)
    assert "Train" in missing(candidates(project, base))["tuned"]


def test_ollamas_models_and_why_there_are_none():
    remote = {"name": "big:cloud", "size": 1, "remote_host": "https://ollama.com:443"}
    embedding = {"name": "nomic", "size": 1, "details": {"family": "nomic-bert"}}
    with SmallOllama(MISTRAL, remote, embedding) as server:
        found = candidates_in_ollama(server.place)
        assert [one.name for one in found] == ["ollama:mistral:7b", "ollama:big:cloud"]
        assert "7.2B" in found[0].about and "another machine" in missing(found)["ollama:big:cloud"]
        server.models.clear()
        (none,) = candidates_in_ollama(server.place)
        assert "ollama pull" in none.missing
    (none,) = candidates_in_ollama(server.place)
    assert (none.name, "ollama serve" in none.missing) == ("", True)


def test_those_who_were_chosen_and_have_gone_can_be_taken_off():
    here = [Candidate("base", "it")]
    assert [one.name for one in with_chosen(here, ["run-9", "base"])] == ["base", "run-9"]
    assert missing(with_chosen(here, ["run-9", "base"])).keys() == {"run-9"}
