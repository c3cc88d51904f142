"""Squeezing a full model on arrival, and finding the result again."""

from __future__ import annotations

import dataclasses
import json
import shutil
from types import SimpleNamespace

import pytest
import tiny_model
import tuned_model

from tui_tuner.choices import ModelChoice
from tui_tuner.errors import ModelError, Stopped, StorageError
from tui_tuner.models.base_model import fetch_base, find_base, find_tokenizer_folder
from tui_tuner.models.loading import load_model
from tui_tuner.models.quantizing import is_quantized, quantize, quantized_folder
from tui_tuner.progress import Notice, StageProgress, StopToken, ignore_event


@pytest.fixture
def full(tmp_path):
    return tiny_model.make(tmp_path / "full", hidden=128)


def fetched(choice, emit=ignore_event):
    return fetch_base(choice, emit=emit, stop=StopToken())


@pytest.mark.parametrize("bits", ["4", "8"])
def test_it_is_what_mlx_lm_writes(tmp_path, full, bits):
    import mlx.core as mx
    from mlx_lm.convert import convert

    folder = fetched(ModelChoice(str(full), quantize=bits))
    convert(str(full), str(tmp_path / "theirs"), quantize=True, q_bits=int(bits))
    ours, theirs = (mx.load(str(place / "model.safetensors")) for place in (folder, tmp_path / "theirs"))
    assert ours.keys() == theirs.keys()
    assert all(mx.array_equal(ours[name], theirs[name]) for name in ours)
    config = json.loads((folder / "config.json").read_text())
    assert config == json.loads((tmp_path / "theirs" / "config.json").read_text())
    assert is_quantized(folder) and not is_quantized(full)
    assert load_model(folder).tokenizer.has_chat_template
    assert (folder / "model.safetensors").stat().st_size < (full / "model.safetensors").stat().st_size / 2


def test_it_is_made_once_and_found_again(full):
    choice = ModelChoice(str(full), quantize="4")
    assert find_base(choice) is None
    assert find_tokenizer_folder(choice) == full
    events = []
    folder = fetched(choice, events.append)
    assert folder == quantized_folder(str(full), 4) == find_base(choice) == find_tokenizer_folder(choice)
    stages = [event for event in events if isinstance(event, StageProgress)]
    assert stages[-1].stage == "Quantize to 4 bits" and stages[-1].done == pytest.approx(stages[-1].total)
    assert fetched(choice, pytest.fail) == folder
    assert find_base(ModelChoice(str(full), quantize="8")) is None
    assert find_base(ModelChoice(str(full))) == full


def test_another_model_in_the_same_place_is_quantized_anew(full):
    choice = ModelChoice(str(full), quantize="4")
    fetched(choice)
    tiny_model.make(full, hidden=64)
    assert find_base(choice) is None
    assert json.loads((fetched(choice) / "config.json").read_text())["hidden_size"] == 64


def test_the_full_model_is_not_needed_any_more(full):
    choice = ModelChoice(str(full), quantize="4")
    folder = fetched(choice)
    (full / "model.safetensors").unlink()
    assert find_base(choice) == folder


def test_what_has_few_bits_already_stays_as_it_is(tmp_path, full):
    small = tuned_model.quantized(full, tmp_path / "small", 8)
    choice = ModelChoice(str(small), quantize="4")
    assert find_base(choice) == small == fetched(choice, pytest.fail)


def test_stopped_or_out_of_disk_it_leaves_nothing(monkeypatch, full):
    target, stop = quantized_folder(str(full), 4), StopToken()
    options = {"name": "full", "trust_remote_code": False, "stop": stop}

    def stop_soon(event) -> None:
        if isinstance(event, StageProgress) and event.done:
            stop.request()

    with pytest.raises(Stopped):
        quantize(full, target, 4, emit=stop_soon, **options)
    assert [path.name for path in target.parent.iterdir()] == [f"{target.name}.lock"]
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=1_000_000))
    with pytest.raises(StorageError, match="not enough disk space"):
        quantize(full, target, 4, emit=ignore_event, **options | {"stop": StopToken()})
    assert not target.exists()


def test_what_a_killed_process_left_is_cleared(full):
    target = quantized_folder(str(full), 4)
    left = target.parent / f".{target.name}.abcdefgh"
    left.mkdir(parents=True)
    fetched(ModelChoice(str(full), quantize="4"))
    assert not left.exists()


def test_a_model_with_nothing_to_quantize_is_refused(tmp_path):
    odd = tiny_model.make(tmp_path / "odd", hidden=48)
    with pytest.raises(ModelError, match="none of its layers") as caught:
        fetched(ModelChoice(str(odd), quantize="4"))
    assert "quantize=none" in caught.value.advice


def test_two_folders_of_one_name_are_two_models(tmp_path):
    one, other = tiny_model.make(tmp_path / "a" / "mine"), tiny_model.make(tmp_path / "b" / "mine")
    assert quantized_folder(str(one), 4) != quantized_folder(str(other), 4)


def test_what_a_download_leaves_behind_is_said(monkeypatch, full):
    from tui_tuner.models import base_model

    monkeypatch.setattr(base_model, "fetch_model", lambda _name, **_options: full)
    events = []
    fetched(ModelChoice("somebody/a-model", quantize="4"), events.append)
    assert any(isinstance(event, Notice) and "hf cache rm model/somebody/a-model" in event.text for event in events)


def test_trust_asks_for_the_programs_too(monkeypatch):
    from tui_tuner.models import base_model

    asked = []
    monkeypatch.setattr(base_model, "find_model", lambda name, *, code: asked.append(code))
    find_base(ModelChoice("somebody/a-model"))
    find_base(dataclasses.replace(ModelChoice("somebody/a-model"), trust_remote_code=True))
    assert asked == [False, True]
