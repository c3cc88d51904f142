from __future__ import annotations

import mlx.core as mx
import pytest
from mlx import nn

from tui_tuner.training import dividing
from tui_tuner.training.loss import mean_cross_entropy
from tui_tuner.training.shortcuts.chunked_loss import chunked_cross_entropy, chunked_cross_entropy_alone

VOCABULARY, WIDTH, ROWS = 1000, 32, 50


@pytest.fixture
def problem():
    head = nn.Linear(WIDTH, VOCABULARY)
    hidden = 5 * mx.random.normal((ROWS, WIDTH), key=mx.random.key(1))
    targets = mx.random.randint(0, VOCABULARY, (ROWS,), key=mx.random.key(2))
    mx.eval(head.parameters(), hidden, targets)
    return head, hidden, targets


@pytest.mark.parametrize("logits", [1, 7 * VOCABULARY, ROWS * VOCABULARY, 1 << 23])
def test_loss_and_gradient_are_those_of_all_tokens_at_once(problem, monkeypatch, logits):
    head, hidden, targets = problem
    monkeypatch.setattr(dividing, "LOGITS", logits)
    loss, gradient = mx.value_and_grad(lambda rows: mean_cross_entropy(head(rows), targets))(hidden)

    def chunked(rows):
        return 3 * chunked_cross_entropy(head, rows, targets, VOCABULARY, mx.exp)

    found, by_hidden = mx.value_and_grad(chunked)(hidden)
    assert found.item() == pytest.approx(3 * loss.item(), rel=1e-6)
    assert mx.allclose(by_hidden, 3 * gradient, rtol=1e-4, atol=1e-7)
    alone = chunked_cross_entropy_alone(head, hidden, targets, VOCABULARY, mx.exp)
    assert alone.item() == pytest.approx(loss.item(), rel=1e-6)


def test_a_few_logits_at_a_time_are_in_memory(problem, monkeypatch):
    head, _hidden, _targets = problem
    hidden, targets = mx.random.normal((4000, WIDTH)), mx.zeros(4000, mx.int32)
    mx.eval(hidden, targets)
    monkeypatch.setattr(dividing, "LOGITS", 100 * VOCABULARY)

    def peak(loss):
        mx.clear_cache()
        mx.reset_peak_memory()
        before = mx.get_active_memory()
        mx.eval(mx.value_and_grad(loss)(hidden))
        return mx.get_peak_memory() - before

    whole = peak(lambda rows: mean_cross_entropy(head(rows), targets))
    chunked = peak(lambda rows: chunked_cross_entropy(head, rows, targets, VOCABULARY, mx.exp))
    # MLX allocates for some fifty operations ahead; of all logits at once several arrays are there.
    assert chunked < whole / 5
