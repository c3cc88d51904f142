"""The two sides of `training_speed`: each trains on the files in a folder and says how it went."""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path
from typing import Any

BATCH, RATE = 4, 1e-4


def mlx_lm(model: Path, folder: Path, layers: int, iters: int, longest: int, seed: int, began: float) -> dict[str, Any]:
    """As `mlx_lm.lora` trains: its own loss, batches, compiled step and validation."""
    import mlx.core as mx
    import mlx.optimizers as optim
    import numpy
    from mlx_lm.tuner import trainer
    from mlx_lm.tuner.callbacks import TrainingCallback
    from mlx_lm.tuner.datasets import CacheDataset, ChatDataset
    from mlx_lm.tuner.utils import linear_to_lora_layers

    from tui_tuner.models.loading import load_model

    loaded = load_model(model)  # in float32 on a CPU, as ours
    train, valid = (
        CacheDataset(
            ChatDataset([json.loads(line) for line in (folder / name).open()], loaded.tokenizer, mask_prompt=True)
        )
        for name in ("train.jsonl", "valid.jsonl")
    )
    tokens: list[int] = []

    def batches(dataset: Any, **named: Any) -> Any:
        for batch, lengths in trainer.iterate_batches(dataset, **named):
            if dataset is train:
                tokens.append(int(lengths[:, 1].sum().item()))
            yield batch, lengths

    class Watch(TrainingCallback):
        rates: list[float] = []  # noqa: RUF012

        def on_train_loss_report(self, info: Any) -> None:
            self.rates.append(tokens[info["iteration"] - 1] * info["iterations_per_second"])

    numpy.random.seed(seed)  # as mlx_lm.lora does: the order of its batches is drawn from it
    mx.random.seed(seed)
    loaded.model.freeze()
    linear_to_lora_layers(loaded.model, layers, {"rank": 8, "dropout": 0.0, "scale": 20.0})
    mx.reset_peak_memory()
    watch = Watch()
    arguments = trainer.TrainingArgs(
        batch_size=BATCH,
        iters=iters,
        val_batches=-1,
        steps_per_report=1,
        steps_per_eval=_between_validations(iters),
        max_seq_length=longest,
        adapter_file=str(folder / "theirs.safetensors"),
    )
    optimizer = optim.Adam(learning_rate=RATE)
    trainer.train(loaded.model, optimizer, train, valid, arguments, iterate_batches=batches, training_callback=watch)
    seconds, peak = time.perf_counter() - began, mx.get_peak_memory()
    return {
        "rate": statistics.median(watch.rates),
        "overall": sum(tokens[:iters]) / seconds,
        "seconds": seconds,
        "peak": peak,
        "loss": _held_out(loaded, folder, longest),
    }


def tuner(model: Path, folder: Path, layers: int, iters: int, longest: int, seed: int, began: float) -> dict[str, Any]:
    """As `tuner train` trains; half as long again, so that one sees when it has reached what the other reached."""
    from tui_tuner.choices import TrainingChoice
    from tui_tuner.progress import Event, StopToken
    from tui_tuner.training.events import TrainStep, Validation
    from tui_tuner.training.plan import TrainingPlan
    from tui_tuner.training.train import train

    choice = TrainingChoice(
        iters=iters + iters // 2,
        batch_size=BATCH,
        num_layers=layers,
        learning_rate=RATE,
        max_seq_length=longest,
        steps_per_eval=_between_validations(iters),
        save_every=10**6,
        samples=0,  # mlx-lm shows no answers meanwhile
        seed=seed,
    )
    events: list[tuple[float, Event]] = []
    train(
        TrainingPlan(model, "benchmark", folder, folder / "run", choice),
        emit=lambda event: events.append((time.perf_counter() - began, event)),
        stop=StopToken(),
    )
    steps = [event for _second, event in events if isinstance(event, TrainStep) and event.iteration <= iters]
    curve = [(second, event) for second, event in events if isinstance(event, Validation) and event.iteration]
    seconds, last = next((second, event.loss) for second, event in curve if event.iteration == iters)
    return {
        "rate": statistics.median(step.tokens_per_second for step in steps),
        "overall": steps[-1].trained_tokens / seconds,
        "seconds": seconds,
        "peak": max(step.peak_memory for step in steps),
        "loss": last,
        "curve": [(second, event.loss) for second, event in curve],
    }


def _between_validations(iters: int) -> int:
    """Four validations in a run or a few more, beside the one before it; the last of them at its end."""
    return max(steps for steps in range(1, max(1, iters // 4) + 1) if iters % steps == 0)


def _held_out(loaded: Any, folder: Path, longest: int) -> float:
    """The mean loss over the learned tokens of the held-out rows, as ours is measured."""
    from tui_tuner.progress import StopToken, ignore_event
    from tui_tuner.training.batches import assemble
    from tui_tuner.training.examples import read_examples
    from tui_tuner.training.loss import PlainLoss

    rows = read_examples(
        folder / "valid.jsonl",
        loaded.tokenizer,
        max_seq_length=longest,
        mask_prompt=True,
        emit=ignore_event,
        stop=StopToken(),
    ).usable
    loaded.model.eval()
    total = sum(PlainLoss().value(loaded.model, assemble([row])) * row.supervised for row in rows)
    return total / sum(row.supervised for row in rows)


SIDES = {"mlx-lm": mlx_lm, "tuner": tuner}
