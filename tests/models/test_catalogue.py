from __future__ import annotations

import json

import pytest

from tui_tuner.errors import ModelError
from tui_tuner.models.catalogue import STARTER, fetch_model, find_model, is_model_folder, model_cache
from tui_tuner.progress import StopToken, ignore_event

REPOSITORY = "somebody/a-model"
COMMIT = "0123456789012345678901234567890123456789"


def unexpected(event) -> None:
    pytest.fail(f"nothing was to be done: {event}")


def write_model(folder, *shards: str, present: tuple[str, ...] | None = None):
    """The files `is_model_folder` looks at; with `shards` also an index that names them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text("{}")
    for shard in shards if present is None else present:
        (folder / shard).touch()
    if len(shards) > 1:
        names = {f"layer.{number}": shard for number, shard in enumerate(shards)}
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    return folder


@pytest.fixture
def hub_cache(tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    repository = tmp_path / "hub" / "models--somebody--a-model"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)
    return repository / "snapshots" / COMMIT


def test_a_folder_is_a_model_only_when_it_is_whole(tmp_path):
    shards = ("model-1.safetensors", "model-2.safetensors")
    assert is_model_folder(write_model(tmp_path / "single", "model.safetensors"))
    assert is_model_folder(write_model(tmp_path / "sharded", *shards))
    assert not is_model_folder(write_model(tmp_path / "torn", *shards, present=shards[:1]))
    assert not is_model_folder(write_model(tmp_path / "bare"))
    assert not is_model_folder(tmp_path / "nothing")
    (tmp_path / "sharded" / "model.safetensors.index.json").write_text("{ torn")
    assert not is_model_folder(tmp_path / "sharded")


def test_a_folder_is_found_by_its_path(tmp_path, monkeypatch):
    folder = write_model(tmp_path / "mine", "model.safetensors")
    monkeypatch.chdir(tmp_path)
    assert find_model(str(folder)) == find_model("mine") == find_model("./mine") == folder
    assert find_model("./yours") is None


def test_a_complete_snapshot_in_the_hubs_cache_is_found(hub_cache):
    assert find_model(REPOSITORY) is None
    write_model(hub_cache, "model.safetensors")
    assert find_model(REPOSITORY) == hub_cache


def test_a_half_downloaded_snapshot_is_not(hub_cache):
    shards = ("model-1.safetensors", "model-2.safetensors")
    write_model(hub_cache, *shards, present=shards[:1])
    assert find_model(REPOSITORY) is None


def test_the_starter_is_found_only_once_it_is_made(tmp_path, monkeypatch):
    monkeypatch.setenv("TUNER_CACHE", str(tmp_path))
    assert model_cache() == tmp_path / "models"
    write_model(model_cache() / STARTER, "model.safetensors")
    assert find_model(STARTER) is None  # without the mark of a finished conversion


def test_what_is_there_is_not_fetched(tmp_path):
    folder = write_model(tmp_path / "mine", "model.safetensors")
    assert fetch_model(str(folder), emit=unexpected, stop=StopToken()) == folder


@pytest.mark.parametrize("name", ["/nowhere/at/all", "", "no such model", "../up/there"])
def test_a_name_that_can_be_nothing_is_refused(name):
    with pytest.raises(ModelError) as caught:
        fetch_model(name, emit=ignore_event, stop=StopToken())
    assert STARTER in caught.value.advice


@pytest.mark.starter
def test_the_real_starter_is_found(starter):
    assert find_model(STARTER) == starter == fetch_model(STARTER, emit=unexpected, stop=StopToken())
    assert is_model_folder(starter)
