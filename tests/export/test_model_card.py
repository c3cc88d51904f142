import json
import re

import pytest

from tui_tuner.choices import TrainingChoice
from tui_tuner.export.model_card import CardFacts, count_rows, model_card
from tui_tuner.export.proof_rows import Proof, ProofRow
from tui_tuner.training.run_config import RunConfig, RunFacts

PROOF = Proof.of("fused model", [ProofRow("logits", "passed", "the | same")])
CONFIG = RunConfig(RunFacts(run="run-1", created="2026-01-02T03:04:05Z", versions="mlx 0.32"), TrainingChoice(iters=7))


def card_of(base="starter", name="mine", licence="apache-2.0", data=None, config=CONFIG):
    return model_card(CardFacts(name, base, licence, "bfloat16", data), config, PROOF)


def head(card):
    return re.match(r"---\n(.*?)\n---\n", card, re.DOTALL)[1].splitlines()


@pytest.mark.parametrize(
    ("base", "repository"),
    [
        ("starter", "HuggingFaceTB/SmolLM2-135M-Instruct"),
        ("mlx-community/Mistral-7B-Instruct-v0.3-4bit", "mlx-community/Mistral-7B-Instruct-v0.3-4bit"),
        ("/home/me/models/mine", None),
    ],
)
def test_the_base_is_named_where_hugging_face_looks_for_it(base, repository):
    card = card_of(base)
    assert (f"base_model: {repository}" in head(card)) == (repository is not None)
    assert "/home/me" not in card  # nobody's folders are published


def test_a_folder_that_looks_like_a_repository_is_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models" / "mine").mkdir(parents=True)
    assert "base_model: models/mine" not in head(card_of("models/mine"))


def test_text_stays_in_its_cell():
    card = card_of(name="two\nlines")
    assert "# two lines\n" in card
    assert "| Training examples | – |\n| Held-out examples | – |" in card
    assert r"| logits | ✓ the \| same |" in card
    assert "| iters | 7 |" in card


def test_rows_are_counted(tmp_path):
    (tmp_path / "train.jsonl").write_text("{}\n\n{}\n{}")
    assert count_rows(tmp_path) == (3, -1)
    assert count_rows(None) == (-1, -1)


def test_the_licence_of_the_base_goes_with_the_model():
    assert "license: apache-2.0" in head(card_of())
    assert "| Licence of the base | apache-2.0 |" in card_of()
    unknown = card_of(licence="")
    assert not any(line.startswith("license") for line in head(unknown))
    assert "not known here: look at the base model's page" in unknown
    # What is no name on the hub would make its reader refuse the whole head.
    assert not any(line.startswith("license") for line in head(card_of(licence="my own: words")))


def test_the_card_says_how_it_was_trained_and_on_what(tmp_path):
    report = {"train": 10, "valid": 2, "sources": {"mistral:7b": 12}, "settings": {"topic": "eggs"}}
    report["from_documents"] = {"/home/me/secret.pdf": 3}
    (tmp_path / "report.json").write_text(json.dumps(report))
    (tmp_path / "train.jsonl").write_text("{}\n" * 10)
    card = card_of(data=tmp_path)
    assert "| Training examples | 10 |" in card
    assert "| topic | eggs |" in card
    assert "| mistral:7b | 12 |" in card
    assert "secret" not in card
    assert "a LoRA adapter" in card
    full = RunConfig(CONFIG.facts, TrainingChoice(fine_tune_type="full"))
    assert "all weights of its last layers" in card_of(config=full)
