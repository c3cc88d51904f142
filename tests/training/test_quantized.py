"""Training on a base in four and eight bits (QLoRA)."""

from __future__ import annotations

import dataclasses

import pytest
import tiny_model
from training.school import QUICK, School

from tui_tuner.choices import ModelChoice
from tui_tuner.models.base_model import fetch_base
from tui_tuner.progress import StopToken, ignore_event
from tui_tuner.training.events import TrainStep, Validation


@pytest.mark.parametrize("bits", ["4", "8"])
def test_a_quantized_base_learns_and_goes_on_exactly(tmp_path, bits):
    full = tiny_model.make(tmp_path / "full", hidden=128)
    base = fetch_base(ModelChoice(str(full), quantize=bits), emit=ignore_event, stop=StopToken())
    before = (base / "model.safetensors").read_bytes()
    choice = dataclasses.replace(QUICK, iters=24, learning_rate=5e-3)

    def train(run, **options):
        school = School(tmp_path, base)
        school.train(school.plan(run=run, choice=choice), **options)
        return school

    whole = train("whole")
    losses = [event.loss for event in whole.seen(Validation)]
    assert losses[-1] < losses[0] * 0.8
    with pytest.raises(Exception, match="stopped"):
        train("stopped", stop_when=lambda event: isinstance(event, TrainStep) and event.iteration == 7)
    again = train("stopped")
    later = {event.iteration: event.loss for event in whole.seen(TrainStep)}
    assert all(later[event.iteration] == event.loss for event in again.seen(TrainStep))
    assert (base / "model.safetensors").read_bytes() == before
