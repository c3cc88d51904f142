"""The proof that training here is mlx-lm's mathematics: the installed mlx-lm on the same batches, step by step."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import types
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy
import pytest
import tuned_model
from mlx.utils import tree_flatten
from mlx_lm import lora
from mlx_lm.tuner import trainer
from mlx_lm.tuner.callbacks import TrainingCallback
from mlx_lm.tuner.datasets import CacheDataset, ChatDataset
from mlx_lm.tuner.utils import linear_to_lora_layers
from training.school import QUICK, rows

from tui_tuner.models.loading import load_model
from tui_tuner.progress import StopToken, ignore_event
from tui_tuner.training.batches import Batch, Feed, assemble, fixed_order
from tui_tuner.training.checkpoint import CHECKPOINTS
from tui_tuner.training.events import TrainStep, Validation
from tui_tuner.training.examples import read_examples
from tui_tuner.training.loop import Stepper
from tui_tuner.training.loss import PlainLoss
from tui_tuner.training.mlx_lm_words import in_mlx_lms_words

STEPS = 8
AS_MLX_LM = dataclasses.replace(QUICK, iters=STEPS, learning_rate=1e-4)


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
    parameters = {"rank": choice.rank, "dropout": choice.dropout, "scale": choice.scale}
    linear_to_lora_layers(model, choice.num_layers, parameters, use_dora=choice.fine_tune_type == "dora")
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


@dataclass
class Theirs:
    """What mlx-lm made of the same settings, model and batches."""

    train: list[float]
    valid: list[float]
    adapter: Path


def taught_by_mlx_lm(plan, folder) -> Theirs:
    """The plan's settings in mlx-lm's words, given to its own `train_model` with our batches."""
    choice, folder = plan.choice, folder / "theirs"
    loaded = load_model(plan.model)
    train, valid = (
        read_examples(
            plan.data / name,
            loaded.tokenizer,
            max_seq_length=choice.max_seq_length,
            mask_prompt=True,
            emit=ignore_event,
            stop=StopToken(),
        )
        for name in ("train.jsonl", "valid.jsonl")
    )

    def batches(dataset, **_named):
        if dataset == "train":
            ours = Feed(train.usable, choice.batch_size, choice.seed).batches(0)
        else:
            lengths = [example.length for example in valid.usable]
            ours = (assemble([valid.usable[row] for row in part]) for part in fixed_order(lengths, choice.batch_size))
        return map(as_mlx_lm_wants_it, ours)

    arguments = lora.CONFIG_DEFAULTS | in_mlx_lms_words(choice)
    arguments |= {"adapter_path": str(folder), "val_batches": -1, "model": str(plan.model), "data": str(plan.data)}
    losses = Losses()
    with (
        mock.patch.object(lora, "train", functools.partial(trainer.train, iterate_batches=batches)),
        mock.patch.object(lora, "CacheDataset", lambda dataset: dataset),
    ):
        lora.train_model(types.SimpleNamespace(**arguments), loaded.model, "train", "valid", losses)
    return Theirs(losses.train, losses.valid, folder)


def assert_the_same(school, plan, theirs) -> None:
    ours = [step.loss for step in school.seen(TrainStep)]
    assert ours == pytest.approx(theirs.train, abs=1e-5)
    assert school.seen(Validation)[0].loss == pytest.approx(theirs.valid[0], abs=1e-5)
    expected = mx.load(str(theirs.adapter / "adapters.safetensors"))
    last = max(int(folder.name) for folder in (plan.run / CHECKPOINTS).iterdir())
    found = mx.load(str(plan.run / CHECKPOINTS / str(last) / "adapters.safetensors"))
    assert expected.keys() == found.keys()
    for name, weight in expected.items():
        assert mx.allclose(weight, found[name], rtol=1e-3, atol=1e-5), name


@pytest.fixture
def base(tiny, tmp_path, request):
    """A base model in full precision, or quantized with so many bits."""
    bits = request.param
    return tuned_model.quantized(tiny, tmp_path / "base", bits) if bits else tiny


@pytest.mark.parametrize("shortcuts", [False, True])
@pytest.mark.parametrize(
    ("kind", "base"),
    [("lora", 0), ("lora", 4), ("lora", 8), ("dora", 0), ("dora", 4), ("dora", 8), ("full", 0)],
    indirect=["base"],
)
def test_a_whole_run_gives_mlx_lms_losses(school, base, without_compiling, tmp_path, kind, shortcuts):
    plan = school.plan(model=base, choice=dataclasses.replace(AS_MLX_LM, fine_tune_type=kind))
    school.train(plan, shortcuts=shortcuts)

    assert_the_same(school, plan, taught_by_mlx_lm(plan, tmp_path))
    ours = [step.loss for step in school.seen(TrainStep)]
    assert ours[0] - ours[-1] > 0.3, "nothing was learned, so nothing was compared"


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "adamw", "optimizer_config": ("weight_decay=0.1", "betas=0.8, 0.9", "bias_correction=true")},
        {"optimizer": "sgd", "optimizer_config": ("momentum=0.9", "nesterov=true"), "learning_rate": 0.01},
        {"optimizer": "adafactor"},
        {"optimizer": "adafactor", "optimizer_config": ("relative_step=false", "beta_1=0.5")},
        {"optimizer": "muon", "learning_rate": 0.001},
        {"lr_schedule": "cosine_decay", "warmup": 2, "warmup_init": 1e-5, "lr_end": 1e-5},
        {"lr_schedule": "linear_schedule", "decay_steps": 5},
        {"lr_schedule": "exponential_decay", "warmup": 3},
        {"lr_schedule": "step_decay", "decay_rate": 0.5, "step_size": 2},
        {"warmup": 4},
        {"grad_accumulation_steps": 3, "lr_schedule": "cosine_decay"},
        {"grad_accumulation_steps": 4, "optimizer": "muon", "fine_tune_type": "dora"},
        {"grad_checkpoint": True},
        {"keys": ("self_attn.q_proj", "mlp.down_proj"), "num_layers": -1, "scale": 5.0},
    ],
    ids=lambda settings: " ".join(map(str, settings.values())),
)
def test_every_setting_means_what_it_means_in_mlx_lm(school, tiny, without_compiling, tmp_path, settings):
    plan = school.plan(choice=dataclasses.replace(AS_MLX_LM, **settings))
    school.train(plan, shortcuts=False)
    assert_the_same(school, plan, taught_by_mlx_lm(plan, tmp_path))
    assert school.seen(TrainStep)[0].loss != school.seen(TrainStep)[-1].loss


@pytest.mark.parametrize("dropout", [0.0, 0.2])
@pytest.mark.parametrize("base", [0, 4, 8], indirect=True)
@pytest.mark.parametrize("kind", ["lora", "dora"])
def test_steps_on_mlx_lms_own_batches_give_its_losses(base, tokenizer, kind, dropout):
    """Its batches, its padding, its mask, which also counts the first padding position after each row."""
    dataset = CacheDataset(ChatDataset(rows(12), tokenizer, mask_prompt=True))
    theirs = list(itertools.islice(trainer.iterate_batches(dataset, 4, 256, loop=True, seed=0), STEPS))

    choice = dataclasses.replace(QUICK, dropout=dropout, fine_tune_type=kind)

    def expected():
        model, optimizer = lora_model(base, choice), optim.Adam(learning_rate=1e-4)
        model.train()
        for tokens, spans in theirs:
            (loss, count), gradient = nn.value_and_grad(model, trainer.default_loss)(model, tokens, spans)
            optimizer.update(model, gradient)
            mx.eval(model.parameters(), optimizer.state)
            yield loss.item(), int(count.item())

    def found():
        model = lora_model(base, choice)
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
