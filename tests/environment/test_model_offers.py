from __future__ import annotations

import tiny_model

from tui_tuner.choices import ModelChoice
from tui_tuner.environment import model_offers as offers_module
from tui_tuner.environment.memory import MemoryFacts, usable
from tui_tuner.environment.model_offers import model_offers, offer_in_words, suggestion
from tui_tuner.models.cached import cached_models
from tui_tuner.models.recommended import GUIDE_MODEL, RECOMMENDED

GIB = 2**30


def test_the_largest_that_leaves_room_is_suggested(monkeypatch):
    assert suggestion(int(10.7 * GIB), has_gpu=True) == "mlx-community/Qwen2.5-7B-Instruct-4bit"  # a Mac of 16 GB
    assert suggestion(int(5.3 * GIB), has_gpu=True) == "mlx-community/Llama-3.2-3B-Instruct-4bit"  # of 8 GB
    assert suggestion(48 * GIB, has_gpu=True) == RECOMMENDED[-1].name
    assert suggestion(GIB // 2, has_gpu=True) == "starter"
    assert suggestion(48 * GIB, has_gpu=False) == "starter"
    monkeypatch.setattr(offers_module, "has_gpu", lambda: True)
    offers = model_offers(ModelChoice(), 6 * GIB)
    assert [offer.suggested for offer in offers].count(True) == 1
    suggested = next(offer for offer in offers if offer.suggested)
    assert suggested.fits and "suggested" in offer_in_words(suggested)
    assert "too large" in offer_in_words(offers[-1]) and not offers[-1].fits


def test_what_metal_allows():
    assert usable(MemoryFacts(16 * GIB, 9 * GIB, None)) == 16 * GIB * 2 // 3
    assert usable(MemoryFacts(64 * GIB, 9 * GIB, None)) == 48 * GIB
    assert usable(MemoryFacts(64 * GIB, 9 * GIB, 9 * GIB)) == 9 * GIB


def test_sizes_are_near_what_the_hub_lists():
    """The files of these repositories, as their pages list them."""
    listed = {GUIDE_MODEL: 4.08e9, "mlx-community/Qwen2.5-7B-Instruct-4bit": 4.28e9}
    for one in RECOMMENDED:
        if one.name in listed:
            assert abs(one.weights / listed[one.name] - 1) < 0.02


def cached(tmp_path, monkeypatch, name, architecture="LlamaForCausalLM"):
    from huggingface_hub import constants
    from huggingface_hub.utils import _cache_manager

    for module in (constants, _cache_manager):
        if hasattr(module, "HF_HUB_CACHE"):
            monkeypatch.setattr(module, "HF_HUB_CACHE", str(tmp_path / "hub"))
    repository = tmp_path / "hub" / f"models--{name.replace('/', '--')}"
    folder = tiny_model.make(repository / "snapshots" / ("0" * 40))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(config.replace("LlamaForCausalLM", architecture))
    return folder


def test_models_in_the_hubs_cache_are_offered_and_those_that_do_not_speak_are_not(tmp_path, monkeypatch):
    folder = cached(tmp_path, monkeypatch, "somebody/speaks")
    cached(tmp_path, monkeypatch, "somebody/compares-texts", "BertModel")
    assert [model.name for model in cached_models()] == ["somebody/speaks"]
    offer = model_offers(ModelChoice("an/other"), 6 * GIB)[len(RECOMMENDED) :]
    assert [(one.name, one.here, one.fits) for one in offer] == [
        ("somebody/speaks", True, True),
        ("an/other", False, True),
    ]
    assert offer[0].weights == (folder / "model.safetensors").stat().st_size


def test_no_cache_is_no_mistake():
    assert cached_models() == []
