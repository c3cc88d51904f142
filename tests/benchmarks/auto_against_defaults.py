"""Whether the settings that `tuner train --auto` suggests teach more than mlx-lm's defaults, in as many tokens.

    python tests/benchmarks/auto_against_defaults.py [--seeds 3] [--held-out 4] [--model FOLDER]

The starter learns the demo's sixteen hand-written examples, but for some held out, which ones the seed says. Both sides
train in the same way, on the answers alone, for as many steps of as many rows as Auto suggests; they differ in layers,
rank, learning rate and its schedule. Auto's run is not ended early, so both see the same tokens; its other settings
are those for this machine. Printed are the held-out losses (answers alone): before training, at the end, and of the
adapter that would be kept, mlx-lm's being its last. Exits with 1 where Auto's median is the higher one.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import random
import statistics
import sys
import tempfile
from pathlib import Path

from tui_tuner.models.blas import load_fast_blas

load_fast_blas()

from tui_tuner.choices import ModelChoice, TrainingChoice  # noqa: E402
from tui_tuner.demo.examples import EXAMPLES  # noqa: E402
from tui_tuner.files import write_json_lines  # noqa: E402
from tui_tuner.models.base_model import fetch_base  # noqa: E402
from tui_tuner.models.loading import load_tokenizer  # noqa: E402
from tui_tuner.progress import Event, StopToken, ignore_event  # noqa: E402
from tui_tuner.training.auto import suggest  # noqa: E402
from tui_tuner.training.events import TrainStep, Validation  # noqa: E402
from tui_tuner.training.forecast import open_forecaster  # noqa: E402
from tui_tuner.training.plan import TrainingPlan  # noqa: E402
from tui_tuner.training.row_lengths import MeasuredRow, measure_rows  # noqa: E402
from tui_tuner.training.suggestions import applied  # noqa: E402
from tui_tuner.training.train import train  # noqa: E402

# mlx_lm.lora's own, but for what both sides share.
DEFAULTS = TrainingChoice(batch_size=4, num_layers=16, learning_rate=1e-5, rank=8, scale=20.0, samples=0)
LOOKS = 6


def write(data: Path, seed: int, held_out: int) -> None:
    """The examples, some of them held out."""
    rows = [
        {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]}
        for asked, answered in EXAMPLES
    ]
    random.Random(seed).shuffle(rows)
    write_json_lines(data / "train.jsonl", rows[held_out:])
    write_json_lines(data / "valid.jsonl", rows[:held_out])


def suggested(model: Path, data: Path) -> TrainingChoice:
    """Auto's settings for the rows in `data`."""
    tokenizer = load_tokenizer(model)

    def measured(name: str) -> list[MeasuredRow]:
        return measure_rows(data / name, tokenizer, mask_prompt=True, emit=ignore_event, stop=StopToken())

    forecaster = open_forecaster(model, measured("train.jsonl"), measured("valid.jsonl"))
    return applied(DEFAULTS, suggest(forecaster, ModelChoice(), DEFAULTS))


def learn(model: Path, folder: Path, choice: TrainingChoice) -> tuple[list[float], int]:
    """The held-out losses, the first before training, and how many tokens were seen."""
    events: list[Event] = []
    train(TrainingPlan(model, "starter", folder / "data", folder / "run", choice), emit=events.append, stop=StopToken())
    losses = [event.loss for event in events if isinstance(event, Validation)]
    return losses, [event for event in events if isinstance(event, TrainStep)][-1].trained_tokens


def both(model: Path, seed: int, held_out: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Of the defaults and of Auto: the loss at the end, and the lowest after a step."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write(folder / "data", seed, held_out)
        auto = suggested(model, folder / "data")
        looks = max(auto.iters // LOOKS, 1)
        shared = {"seed": seed, "iters": auto.iters, "steps_per_eval": looks, "save_every": 10**6, "patience": 0}
        batch = {"batch_size": auto.batch_size, "grad_accumulation_steps": auto.grad_accumulation_steps}
        found = []
        for name, choice in (("mlx-lm", dataclasses.replace(DEFAULTS, **batch)), ("auto", auto)):
            (folder / name).mkdir()
            (folder / name / "data").symlink_to(folder / "data")
            losses, tokens = learn(model, folder / name, dataclasses.replace(choice, **shared))
            found.append((losses[-1], min(losses[1:])))
            print(
                f"seed {seed}  {name:<7} layers {choice.num_layers:>2}, rank {choice.rank:>2}, rate"
                f" {choice.learning_rate:<8g} {auto.iters} steps, {tokens:,} tokens: {losses[0]:.3f} → {losses[-1]:.3f}"
                f" (lowest {min(losses[1:]):.3f}), load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
    return found[0], found[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--held-out", type=int, default=4)
    parser.add_argument("--model", type=Path)
    arguments = parser.parse_args()
    model = arguments.model or fetch_base(ModelChoice(), emit=ignore_event, stop=StopToken())
    found = [both(model, seed, arguments.held_out) for seed in range(arguments.seeds)]
    theirs = statistics.median(defaults[0] for defaults, _auto in found)
    at_the_end, kept = (statistics.median(auto[place] for _defaults, auto in found) for place in (0, 1))
    print(f"\nmedian held-out loss: mlx-lm's defaults {theirs:.3f}, auto {kept:.3f} (at the end {at_the_end:.3f})")
    return 0 if kept <= theirs else 1


if __name__ == "__main__":
    sys.exit(main())
