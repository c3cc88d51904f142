"""Our training against `mlx_lm.lora`: same model, data, seed and hyper-parameters, side by side, in turns.

    python tests/benchmarks/training_speed.py [--model FOLDER] [--layers 4 8 -1] [--epochs 4] [--rounds 2] [--rows 32]
        [--seed 0] [--without-memory]

Conversations of mixed length, 32 to 512 tokens, about a third of them answers; batch 4, masked prompts, float32. Real
tokens are counted for both, padding for neither. In each round both run in a process of their own, one after the other,
so that a busy machine slows both; each round has another seed, for the adapter and the order of the batches; the memory
is measured before the first, so that what MLX compiles once on a machine is compiled. Each training says on standard
error how it went. Printed are medians over the rounds, and the ratios of the rounds' medians:

- tokens/s: of a step, once the states of the frozen layers are there;
- overall: tokens/s with everything from loading the model to the last validation;
- loss: of the held-out rows at the end, measured for both by the same code;
- same loss: when our held-out loss is no higher than theirs at the end, as part of their time; for that ours trains on
  for half as long again, which counts for nothing else;
- peak: of MLX's memory, with four rows of 1,024 tokens in a batch.

The load of the machine, of which the two trainings themselves are one or two, stands at the end. mlx-lm's own report of
its held-out loss counts a padding position in each row; so its model is measured again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from training_sides import SIDES

STARTER = Path.home() / ".cache" / "tuner" / "models" / "starter"
WORDS = ("the", "sea", "is", "wide", "and", "a", "small", "boat", "goes", "where", "wind", "lets", "it", "go", "home")
BATCH, HELD_OUT, LONGEST = 4, 4, 1024


def conversations(count: int, seed: int) -> list[dict[str, object]]:
    """Rows of 32 to 512 tokens; the same for the same seed."""
    dice = random.Random(seed)
    return [conversation(dice, int(dice.triangular(10, 480, 60))) for _row in range(count)]


def conversation(dice: random.Random, length: int) -> dict[str, object]:
    """About `length` tokens and what a chat template adds, a third of them the answer."""
    text = [dice.choice(WORDS) for _word in range(length)]
    answer = max(4, length // 3)
    turns = [{"role": "user", "content": " ".join(text[answer:])}]
    turns.append({"role": "assistant", "content": " ".join(text[:answer])})
    return {"messages": turns}


def write(folder: Path, rows_wanted: int) -> None:
    """The training files: so many rows of mixed length; or, for 0, a batch as wide as the longest sequence."""
    dice = random.Random(3)
    for file, count, seed in (("train.jsonl", rows_wanted, 1), ("valid.jsonl", HELD_OUT, 2)):
        rows = conversations(count, seed)
        if not rows_wanted:
            rows = [conversation(dice, LONGEST + 16 if seed == 1 else 32) for _row in range(BATCH)]
        (folder / file).write_text("".join(json.dumps(row) + "\n" for row in rows))


def one(side: str, arguments: argparse.Namespace, layers: int, iters: int, rows: int, seed: int = 0) -> dict[str, Any]:
    """One training in a process of its own."""
    order = [side, str(arguments.model), str(layers), str(iters), str(rows), str(seed)]
    done = subprocess.run([sys.executable, __file__, "--one", *order], check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(*order[2:], side, result, file=sys.stderr, flush=True)
    return result


def child(side: str, model: str, layers: str, iters: str, rows: str, seed: str) -> None:
    from tui_tuner.models.blas import load_fast_blas

    load_fast_blas()  # for both: without it MLX multiplies on one core, ten times slower and more
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), int(rows))
        began = time.perf_counter()
        result = SIDES[side](Path(model), Path(name), int(layers), int(iters), LONGEST, int(seed), began)
    print(json.dumps(result))


def compare(arguments: argparse.Namespace, layers: int) -> None:
    iters = arguments.epochs * arguments.rows // BATCH
    found: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    loads = []
    nothing = [float("nan")] * 2
    peaks = nothing if arguments.without_memory else [one(side, arguments, layers, 1, 0)["peak"] for side in SIDES]
    for seed in range(arguments.seed, arguments.seed + arguments.rounds):
        for side in SIDES:
            loads.append(os.getloadavg()[0])
            found[side].append(one(side, arguments, layers, iters, arguments.rows, seed))
    theirs, mine = (median(found[side]) for side in SIDES)
    reached = [
        next((second for second, loss in ours["curve"] if loss <= goal["loss"]), float("inf")) / goal["seconds"]
        for goal, ours in zip(*found.values(), strict=True)
    ]
    share = statistics.median(reached)
    when = f"{share:.0%}" if share < float("inf") else "never"
    name = "all" if layers < 0 else str(layers)
    for side, row, peak in zip(SIDES, (theirs, mine), peaks, strict=True):
        numbers = f"{row['rate']:>9.1f} {row['overall']:>9.1f} {row['loss']:>8.4f}"
        print(f"{name:>6} {side:<7} {numbers} {'':>11} {peak / 1e9:>6.2f} GB")
    print(
        f"{name:>6} {'ratio':<7} {mine['rate'] / theirs['rate']:>8.2f}x {mine['overall'] / theirs['overall']:>8.2f}x"
        f" {mine['loss'] / theirs['loss'] - 1:>+8.1%} {when:>11}"
        f" {peaks[1] / peaks[0]:>9.0%}   load {min(loads):.1f}-{max(loads):.1f}",
        flush=True,
    )


def median(results: list[dict[str, Any]]) -> dict[str, float]:
    return {key: statistics.median(result[key] for result in results) for key in ("rate", "overall", "loss")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=STARTER)
    parser.add_argument("--layers", type=int, nargs="+", default=[4, 8, -1], help="trained layers; -1 means all")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help="of the first round")
    parser.add_argument("--rows", type=int, default=32, help="conversations to train on, a multiple of four")
    parser.add_argument("--without-memory", action="store_true", help="measure no peak, and warm nothing up")
    parser.add_argument("--one", nargs=6, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        child(*arguments.one)
        return
    print(f"{'layers':>6} {'':<7} {'tokens/s':>9} {'overall':>9} {'loss':>8} {'same loss':>11} {'peak':>9}")
    for layers in arguments.layers:
        compare(arguments, layers)


if __name__ == "__main__":
    main()
