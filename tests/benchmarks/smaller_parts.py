"""What it gives and costs to compute a batch in parts: memory, time, and how equal the losses are.

    python tests/benchmarks/smaller_parts.py [--model FOLDER] [--layers 8] [--iters 8] [--without-shortcuts]

The same batches of four conversations of mixed length, whole, two rows at a time and row by row, each in a process of
its own. Printed are the median seconds of a step, the peak memory of MLX beyond the model and its kept states, and the
largest difference of a loss from that of the whole batch.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from training_speed import LONGEST, STARTER, conversations

BATCH, ROWS = 4, 24


def measure(
    model: Path, folder: Path, layers: int, iters: int, micro_batch: int, *, shortcuts: bool
) -> dict[str, object]:
    from tui_tuner.models.blas import load_fast_blas

    load_fast_blas()
    import mlx.core as mx
    from mlx.optimizers import Adam
    from mlx_lm.tuner.utils import linear_to_lora_layers

    from tui_tuner.models.loading import load_model
    from tui_tuner.progress import StopToken, ignore_event
    from tui_tuner.training.batches import Feed
    from tui_tuner.training.examples import read_examples
    from tui_tuner.training.loop import Stepper
    from tui_tuner.training.loss import PlainLoss
    from tui_tuner.training.shortcuts import quick_loss

    loaded = load_model(model)
    rows = read_examples(
        folder / "train.jsonl",
        loaded.tokenizer,
        max_seq_length=LONGEST,
        mask_prompt=True,
        emit=ignore_event,
        stop=StopToken(),
    ).usable
    mx.random.seed(0)
    loaded.model.freeze()
    linear_to_lora_layers(loaded.model, layers, {"rank": 8, "dropout": 0.0, "scale": 20.0})
    loss = quick_loss(loaded.model, rows)[0] if shortcuts else PlainLoss()
    stepper = Stepper(loaded.model, Adam(learning_rate=1e-4), loss)
    loaded.model.train()
    losses, seconds, peaks = [], [], []
    for batch, _count in zip(Feed(rows, BATCH, 0).batches(0), range(iters), strict=False):
        loss.prepare(batch)
        resting = mx.get_active_memory()
        mx.reset_peak_memory()
        began = time.perf_counter()
        losses.append(stepper.step(batch, micro_batch).loss)
        seconds.append(time.perf_counter() - began)
        peaks.append(mx.get_peak_memory() - resting)
    return {"losses": losses, "seconds": statistics.median(seconds), "peak": max(peaks)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=STARTER)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--iters", type=int, default=8)
    parser.add_argument("--without-shortcuts", action="store_true")
    parser.add_argument("--part", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.part is not None:
        shortcuts = not chosen.without_shortcuts
        found = measure(chosen.model, chosen.folder, chosen.layers, chosen.iters, chosen.part, shortcuts=shortcuts)
        print(json.dumps(found))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = [json.dumps(row) + "\n" for row in conversations(ROWS, 1)]
        (folder / "train.jsonl").write_text("".join(lines))
        found = {}
        print("rows at once   s/step   peak beyond the model   largest difference of a loss")
        for part in (4, 2, 1):
            command = [sys.executable, *sys.argv, "--part", str(part), "--folder", name]
            found[part] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
            apart = max(abs(one - other) for one, other in zip(found[part]["losses"], found[4]["losses"], strict=True))
            row = found[part]
            print(f"{part:>12} {row['seconds']:>8.2f} {row['peak'] / 2**20:>17.0f} MiB {apart:>28.1e}", flush=True)


if __name__ == "__main__":
    main()
