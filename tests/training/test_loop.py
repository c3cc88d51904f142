from __future__ import annotations

import math

import mlx.core as mx
import pytest
from mlx import nn, optimizers
from mlx.utils import tree_flatten

from tui_tuner.errors import TrainingError
from tui_tuner.training.batches import Batch
from tui_tuner.training.loop import Stepper, clipped, gradient_norm
from tui_tuner.training.loss import PlainLoss


def batch(*numbers):
    return Batch((), mx.array(numbers), None, None, 0, 0, 0)


class Line(nn.Module):
    """A model of three numbers; a batch is what it is multiplied with, so that the batch is its gradient."""

    def __init__(self):
        super().__init__()
        self.weight = mx.array([1.0, 2.0, 3.0])

    def __call__(self, numbers):
        return (self.weight * numbers).sum()


class LineLoss(PlainLoss):
    def __call__(self, model, batch):
        return model(batch.inputs)


def stepper(model, rate=1.0, **named):
    return Stepper(model, optimizers.SGD(learning_rate=rate), LineLoss(), **named)


@pytest.fixture
def model():
    return Line()


def test_an_update_is_made_of_the_mean_of_its_batches(model):
    steps = stepper(model)
    assert steps.step(batch(3.0, 0.0, 4.0), update=False).gradient_norm == pytest.approx(5)
    assert model.weight.tolist() == [1, 2, 3], "not yet"
    result = steps.step(batch(1.0, 0.0, 0.0))
    assert result.gradient_norm == pytest.approx(math.hypot(2, 2)), "of the mean so far"
    assert result.loss == pytest.approx(1.0)
    assert model.weight.tolist() == pytest.approx([1 - 2, 2, 3 - 2])
    assert (steps.gathered, steps.batches) == (None, 0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e30])
def test_a_batch_that_is_not_finite_counts_for_nothing(model, bad):
    steps = stepper(model)
    steps.step(batch(3.0, 0.0, 4.0), update=False)
    skipped = steps.step(batch(bad, 0.0, 0.0), update=False)
    assert not skipped.taken
    assert steps.batches == 1
    steps.step(batch(1.0, 0.0, 0.0))
    assert model.weight.tolist() == pytest.approx([1 - 2, 2, 3 - 2]), "the mean of the two that count"

    steps.step(batch(3.0, 0.0, 4.0), update=False)
    assert not steps.step(batch(bad, 0.0, 0.0), update=True).taken
    assert model.weight.tolist() == pytest.approx([-4, 2, -3]), "the update is made of the one that counts"
    assert not steps.step(batch(bad, 0.0, 0.0), update=True).taken
    assert model.weight.tolist() == pytest.approx([-4, 2, -3]), "and of none there is no update"
    assert steps.optimizer.step.item() == 2


def test_a_gradient_larger_than_the_limit_is_scaled_down_to_it(model):
    steps = stepper(model, grad_clip=1.0)
    assert steps.step(batch(3.0, 0.0, 4.0)).gradient_norm == pytest.approx(5), "told as it was"
    assert model.weight.tolist() == pytest.approx([1 - 0.6, 2, 3 - 0.8], abs=1e-5)
    steps.step(batch(0.0, 0.5, 0.0))
    assert model.weight.tolist() == pytest.approx([0.4, 1.5, 2.2], abs=1e-5), "a smaller one is left alone"


def test_clipping_is_mlxs(model):
    gradient = {"a": mx.array([3.0, 4.0]), "b": [mx.array([[12.0]])]}
    expected, norm = optimizers.clip_grad_norm(gradient, 2.0)
    assert norm.item() == pytest.approx(gradient_norm(gradient).item()) == pytest.approx(13)
    for (_name, found), (_same, theirs) in zip(
        tree_flatten(clipped(gradient, 2.0)), tree_flatten(expected), strict=True
    ):
        assert mx.allclose(found, theirs)


def test_finite_gradients_that_spoil_the_weights_are_noticed(model):
    steps = stepper(model, rate=1e38)
    with pytest.raises(TrainingError, match="weights that are not"):
        steps.step(batch(1e3, 0.0, 0.0))
    assert not steps.whole
