"""Our training against `mlx_lm.tuner.trainer.train`: same model, data, seed and hyper-parameters, in turns.

    python tests/benchmarks/training_speed.py [--model FOLDER] [--layers 4 8 16] [--iters 24] [--rounds 3]

Conversations of mixed length, about a third of them answers, batch 4, masked prompts, float32. Real tokens are counted
for both, padding for neither. Each round runs both in processes of their own, one after the other, so that a busy
machine slows both. Printed are medians over the rounds: tokens/s of the steps, tokens/s with preparation and
validation, the peak memory of MLX, and the validation loss at the end.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STARTER = Path.home() / ".cache" / "tuner" / "models" / "starter"
WORDS = ("the", "sea", "is", "wide", "and", "a", "small", "boat", "goes", "where", "wind", "lets", "it", "go", "home")
BATCH, ROWS, HELD_OUT, LONGEST, SEED, RATE = 4, 32, 8, 512, 0, 1e-4


def conversations(count: int, seed: int) -> list[dict[str, object]]:
    """Rows of 32 to 512 tokens; the same for the same seed."""
    dice = random.Random(seed)
    rows = []
    for _row in range(count):
        length = int(dice.triangular(20, 440, 60))
        text = [dice.choice(WORDS) for _word in range(length)]
        answer = max(4, length // 3)
        turns = [{"role": "user", "content": " ".join(text[answer:])}]
        turns.append({"role": "assistant", "content": " ".join(text[:answer])})
        rows.append({"messages": turns})
    return rows


def ours(model: Path, folder: Path, layers: int, iters: int) -> dict[str, float]:
    from tui_tuner.choices import TrainingChoice
    from tui_tuner.progress import Event, StopToken
    from tui_tuner.training.events import TrainStep, Validation
    from tui_tuner.training.plan import TrainingPlan
    from tui_tuner.training.train import train

    choice = TrainingChoice(
        iters=iters,
        batch_size=BATCH,
        num_layers=layers,
        learning_rate=RATE,
        max_seq_length=LONGEST,
        steps_per_eval=10**6,
        save_every=10**6,
        seed=SEED,
        samples=0,
    )
    events: list[Event] = []
    train(TrainingPlan(model, "benchmark", folder, folder / "run", choice), emit=events.append, stop=StopToken())
    steps = [event for event in events if isinstance(event, TrainStep)]
    return {
        "rate": statistics.median(step.tokens_per_second for step in steps),
        "tokens": steps[-1].trained_tokens,
        "peak": steps[-1].peak_memory,
        "loss": next(event.loss for event in reversed(events) if isinstance(event, Validation)),
    }


def mlx_lm(model: Path, folder: Path, layers: int, iters: int) -> dict[str, float]:
    import mlx.core as mx
    import mlx.optimizers as optim
    from mlx_lm.tuner import trainer
    from mlx_lm.tuner.callbacks import TrainingCallback
    from mlx_lm.tuner.datasets import CacheDataset, ChatDataset
    from mlx_lm.tuner.utils import linear_to_lora_layers

    from tui_tuner.models.loading import load_model

    loaded = load_model(model)  # in float32 on a CPU, as ours
    data = [
        CacheDataset(
            ChatDataset([json.loads(line) for line in (folder / name).open()], loaded.tokenizer, mask_prompt=True)
        )
        for name in ("train.jsonl", "valid.jsonl")
    ]
    real: list[int] = []

    def batches(dataset, **named):
        for batch, lengths in trainer.iterate_batches(dataset, **named):
            if dataset is data[0]:
                real.append(int(lengths[:, 1].sum().item()))
            yield batch, lengths

    class Watch(TrainingCallback):
        rates: list[float] = []  # noqa: RUF012
        loss = 0.0

        def on_train_loss_report(self, info):
            self.rates.append(real[info["iteration"] - 1] * info["iterations_per_second"])

        def on_val_loss_report(self, info):
            self.loss = info["val_loss"]

    mx.random.seed(SEED)
    loaded.model.freeze()
    linear_to_lora_layers(loaded.model, layers, {"rank": 8, "dropout": 0.0, "scale": 20.0})
    mx.reset_peak_memory()
    watch = Watch()
    arguments = trainer.TrainingArgs(
        batch_size=BATCH,
        iters=iters,
        val_batches=-1,
        steps_per_report=1,
        steps_per_eval=10**6,
        max_seq_length=LONGEST,
        adapter_file=str(folder / "theirs.safetensors"),
    )
    optimizer = optim.Adam(learning_rate=RATE)
    trainer.train(loaded.model, optimizer, *data, arguments, iterate_batches=batches, training_callback=watch)
    return {
        "rate": statistics.median(watch.rates),
        "tokens": sum(real[:iters]),
        "peak": mx.get_peak_memory(),
        "loss": watch.loss,
    }


SIDES = {"mlx-lm": mlx_lm, "tuner": ours}


def one(side: str, model: Path, layers: int, iters: int) -> dict[str, float]:
    """One training in a process of its own."""
    command = [
        sys.executable,
        __file__,
        "--side",
        side,
        "--model",
        str(model),
        "--layers",
        str(layers),
        "--iters",
        str(iters),
    ]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def child(arguments: argparse.Namespace) -> None:
    from tui_tuner.models.blas import load_fast_blas

    load_fast_blas()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, count, seed in (("train.jsonl", ROWS, 1), ("valid.jsonl", HELD_OUT, 2)):
            (folder / file).write_text("".join(json.dumps(row) + "\n" for row in conversations(count, seed)))
        began = time.perf_counter()
        result = SIDES[arguments.side](arguments.model, folder, arguments.layers[0], arguments.iters)
        seconds = time.perf_counter() - began
    print(json.dumps({**result, "seconds": seconds, "overall": result["tokens"] / seconds}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=STARTER)
    parser.add_argument("--layers", type=int, nargs="+", default=[4, 8, 16], help="trained layers; -1 means all")
    parser.add_argument("--iters", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        child(arguments)
        return
    print(f"{'layers':>6} {'':<8} {'tokens/s':>9} {'overall':>9} {'peak GB':>8} {'valid loss':>11}")
    for layers in arguments.layers:
        found: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
        for _round in range(arguments.rounds):
            for side in SIDES:
                found[side].append(one(side, arguments.model, layers, arguments.iters))
        middle = {
            side: {key: statistics.median(result[key] for result in results) for key in results[0]}
            for side, results in found.items()
        }
        for side, row in middle.items():
            print(
                f"{layers:>6} {side:<8} {row['rate']:>9.1f} {row['overall']:>9.1f} {row['peak'] / 1e9:>8.2f}"
                f" {row['loss']:>11.4f}"
            )
        theirs, mine = middle["mlx-lm"], middle["tuner"]
        ratios = f"{mine['rate'] / theirs['rate']:>8.2f}x {mine['overall'] / theirs['overall']:>8.2f}x"
        print(f"{layers:>6} {'':<8} {ratios} {mine['peak'] / theirs['peak']:>7.0%}", flush=True)


if __name__ == "__main__":
    main()
