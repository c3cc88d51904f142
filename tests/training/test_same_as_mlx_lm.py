"""The proof that training here is mlx-lm's mathematics: the installed mlx-lm on the same batches, step by step."""

from __future__ import annotations

import dataclasses
import itertools

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy
import pytest
from mlx.utils import tree_flatten
from mlx_lm.tuner import trainer
from mlx_lm.tuner.callbacks import TrainingCallback
from mlx_lm.tuner.datasets import CacheDataset, ChatDataset
from mlx_lm.tuner.utils import linear_to_lora_layers
from training.school import QUICK, rows

from tui_tuner.models.loading import load_model
from tui_tuner.progress import StopToken, ignore_event
from tui_tuner.training.batches import Batch, Feed, assemble, fixed_order
from tui_tuner.training.events import TrainStep, Validation
from tui_tuner.training.examples import read_examples
from tui_tuner.training.loop import Stepper
from tui_tuner.training.loss import PlainLoss

STEPS = 8


class Losses(TrainingCallback):
    def __init__(self) -> None:
        self.train, self.valid = [], []

    def on_train_loss_report(self, info):
        self.train.append(info["train_loss"])

    def on_val_loss_report(self, info):
        self.valid.append(info["val_loss"])


def lora_model(path, choice):
    """The model as mlx-lm's `train_model` sets it up."""
    model = load_model(path).model
    mx.random.seed(choice.seed)
    model.freeze()
    linear_to_lora_layers(
        model, choice.num_layers, {"rank": choice.rank, "dropout": choice.dropout, "scale": choice.scale}
    )
    return model


def as_mlx_lm_wants_it(batch):
    """Tokens padded as there, and (first, last) learned target of each row."""
    longest = max(example.length for example in batch.examples)
    tokens = numpy.zeros((len(batch.examples), 1 + 32 * -(-longest // 32)), numpy.int32)
    spans = []
    for place, example in enumerate(batch.examples):
        tokens[place, : example.length] = example.tokens
        spans.append((int(example.learned.argmax()), example.length - 1))
    return mx.array(tokens), mx.array(spans)


@pytest.fixture
def without_compiling():
    """Compiling on the CPU takes half a minute and changes nothing but the last digit."""
    mx.disable_compile()
    yield
    mx.enable_compile()


@pytest.mark.parametrize("shortcuts", [False, True])
def test_a_whole_run_gives_mlx_lms_losses(school, tiny, without_compiling, tmp_path, shortcuts):
    choice = dataclasses.replace(QUICK, iters=STEPS, learning_rate=1e-4)
    plan = school.plan(choice=choice)
    school.train(plan, shortcuts=shortcuts)

    tokenizer = load_model(tiny).tokenizer
    train, valid = (
        read_examples(
            plan.data / name, tokenizer, max_seq_length=256, mask_prompt=True, emit=ignore_event, stop=StopToken()
        )
        for name in ("train.jsonl", "valid.jsonl")
    )

    def batches(dataset, loop=False, **_named):
        if dataset == "train":
            ours = Feed(train.usable, choice.batch_size, choice.seed).batches(0)
        else:
            lengths = [example.length for example in valid.usable]
            ours = (assemble([valid.usable[row] for row in part]) for part in fixed_order(lengths, choice.batch_size))
        return map(as_mlx_lm_wants_it, ours)

    model, theirs = lora_model(tiny, choice), Losses()
    trainer.train(
        model,
        optim.Adam(learning_rate=choice.learning_rate),
        "train",
        "valid",
        trainer.TrainingArgs(
            batch_size=choice.batch_size,
            iters=STEPS,
            val_batches=-1,
            steps_per_report=1,
            steps_per_eval=10**6,
            adapter_file=str(tmp_path / "theirs.safetensors"),
        ),
        iterate_batches=batches,
        training_callback=theirs,
    )

    ours = [step.loss for step in school.seen(TrainStep)]
    assert ours == pytest.approx(theirs.train, abs=1e-5)
    assert school.seen(Validation)[0].loss == pytest.approx(theirs.valid[0], abs=1e-5)
    assert ours[0] - ours[-1] > 0.5, "nothing was learned, so nothing was compared"
    expected, found = mx.load(str(tmp_path / "theirs.safetensors")), mx.load(str(plan.run / "adapters.safetensors"))
    assert expected.keys() == found.keys()
    for name, weight in expected.items():
        assert mx.allclose(weight, found[name], rtol=1e-3, atol=1e-5), name


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_steps_on_mlx_lms_own_batches_give_its_losses(tiny, tokenizer, dropout):
    """Its batches, its padding, its mask, which also counts the first padding position after each row."""
    dataset = CacheDataset(ChatDataset(rows(12), tokenizer, mask_prompt=True))
    theirs = list(itertools.islice(trainer.iterate_batches(dataset, 4, 256, loop=True, seed=0), STEPS))

    choice = dataclasses.replace(QUICK, dropout=dropout)

    def expected():
        model, optimizer = lora_model(tiny, choice), optim.Adam(learning_rate=1e-4)
        model.train()
        for tokens, spans in theirs:
            (loss, count), gradient = nn.value_and_grad(model, trainer.default_loss)(model, tokens, spans)
            optimizer.update(model, gradient)
            mx.eval(model.parameters(), optimizer.state)
            yield loss.item(), int(count.item())

    def found():
        model = lora_model(tiny, choice)
        model.train()
        stepper = Stepper(model, optim.Adam(learning_rate=1e-4), PlainLoss())
        for tokens, spans in theirs:
            yield stepper.step(from_mlx_lm(tokens, spans)).loss

    losses, counts = zip(*expected(), strict=True)
    assert list(found()) == pytest.approx(losses, abs=1e-5)
    # What `loss` says about mlx-lm: each of the four rows has one position too many.
    answers = [sum(span[1] - span[0] for span in spans.tolist()) for _tokens, spans in theirs]
    assert list(counts) == [answer + 4 for answer in answers]


def from_mlx_lm(tokens, spans):
    width = tokens.shape[1] - 1
    steps = numpy.arange(1, width + 1)
    mask = numpy.stack([(steps >= first) & (steps <= last) for first, last in spans.tolist()])
    places = numpy.flatnonzero(mask)
    targets = numpy.array(tokens[:, 1:]).reshape(-1)[places]
    return Batch((), tokens[:, :-1], mx.array(places), mx.array(targets), int(mask.size), len(places), int(mask.size))


def test_the_adapter_is_mlx_lms(school, tiny):
    """`mlx_lm.load(adapter_path=)` on the run's folder is the model whose validation loss was the best."""
    from mlx_lm import load

    plan = school.plan(choice=dataclasses.replace(QUICK, dropout=0.3))
    summary = school.train(plan)
    tuned, tokenizer = load(str(tiny), adapter_path=str(plan.run))[:2]
    base = load(str(tiny))[0]
    valid = read_examples(
        plan.data / "valid.jsonl", tokenizer, max_seq_length=256, mask_prompt=True, emit=ignore_event, stop=StopToken()
    )
    batch = assemble(valid.usable)

    assert PlainLoss()(tuned, batch).item() == pytest.approx(summary.best_loss, abs=1e-5)
    assert PlainLoss()(base, batch).item() == pytest.approx(school.seen(Validation)[0].loss, abs=1e-5)
    assert summary.best_loss < school.seen(Validation)[0].loss
    names = {name for name, _weight in tree_flatten(mx.load(str(plan.run / "adapters.safetensors")))}
    assert {name.rsplit(".", 1)[1] for name in names} == {"lora_a", "lora_b"}
