import re

import pytest

from tui_tuner.choices import TrainingChoice
from tui_tuner.export.model_card import count_rows, model_card
from tui_tuner.export.proof import Proof
from tui_tuner.training.run_config import RunConfig, RunFacts

PROOF = Proof(True, 0.1, "the | same", 1e-6, 2.0, 24, 24)
CONFIG = RunConfig(RunFacts(run="run-1", created="2026-01-02T03:04:05Z", versions="mlx 0.32"), TrainingChoice(iters=7))


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
    card = model_card("mine", base, CONFIG, (10, 2), "bfloat16", PROOF)
    assert (f"base_model: {repository}" in head(card)) == (repository is not None)
    assert "/home/me" not in card  # nobody's folders are published


def test_a_folder_that_looks_like_a_repository_is_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models" / "mine").mkdir(parents=True)
    assert "base_model: models/mine" not in head(model_card("m", "models/mine", CONFIG, (1, 1), "float32", PROOF))


def test_text_stays_in_its_cell():
    card = model_card("two\nlines", "starter", CONFIG, (1234, -1), "float32", PROOF)
    assert "# two lines\n" in card
    assert "| Training examples | 1,234 |\n| Held-out examples | – |" in card
    assert r"| Proof | the \| same |" in card
    assert "| iters | 7 |" in card


def test_rows_are_counted(tmp_path):
    (tmp_path / "train.jsonl").write_text("{}\n\n{}\n{}")
    assert count_rows(tmp_path) == (3, -1)
    assert count_rows(None) == (-1, -1)
