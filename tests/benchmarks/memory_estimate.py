"""How near the memory that is foretold comes to what a run really takes, over a grid of settings and models.

    python tests/benchmarks/memory_estimate.py [--only starter|tiny|bits] [--skip 3] [--steps 4]

Each row of the table is a run of its own, begun as any other: the estimate is the one it makes before it loads
anything, the peak the most that MLX held at once in it. Exits with 1 where one is further off than 15 %.
Four steps see all its rows; `--skip` leaves out the first configurations.
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tui_tuner.models.blas import load_fast_blas

load_fast_blas()

import mlx.core as mx  # noqa: E402
import tiny_model  # noqa: E402

from tui_tuner.choices import ModelChoice, TrainingChoice  # noqa: E402
from tui_tuner.files import write_json_lines  # noqa: E402
from tui_tuner.models.base_model import fetch_base  # noqa: E402
from tui_tuner.progress import Event, StopToken, ignore_event  # noqa: E402
from tui_tuner.training.events import TrainStep  # noqa: E402
from tui_tuner.training.forecast import Forecast  # noqa: E402
from tui_tuner.training.plan import TrainingPlan  # noqa: E402
from tui_tuner.training.train import train  # noqa: E402

ALLOWED = 0.15
WORDS = [
    "the",
    "a",
    "model",
    "learns",
    "from",
    "many",
    "examples",
    "of",
    "how",
    "people",
    "write",
    "answers",
    "to",
    "questions",
    "about",
    "gardens",
]

GRID: list[tuple[str, int, dict[str, object]]] = [
    ("starter", 128, {"batch_size": 1, "num_layers": 4}),
    ("starter", 128, {"batch_size": 8, "num_layers": 4}),
    ("starter", 512, {"batch_size": 2, "num_layers": 4}),
    ("starter", 1024, {"batch_size": 1, "num_layers": 4}),
    ("starter", 1024, {"batch_size": 4, "num_layers": 4}),
    ("starter", 256, {"batch_size": 4, "num_layers": 8}),
    ("starter", 256, {"batch_size": 4, "num_layers": 8, "rank": 64}),
    ("starter", 512, {"batch_size": 8, "num_layers": 8}),
    ("starter", 128, {"batch_size": 8, "num_layers": -1}),
    ("starter", 512, {"batch_size": 2, "num_layers": -1}),
    ("starter", 512, {"batch_size": 4, "num_layers": -1, "grad_checkpoint": True}),
    ("starter, 4 bits", 256, {"batch_size": 4, "num_layers": 8}),
    ("starter, 4 bits", 512, {"batch_size": 2, "num_layers": -1}),
    ("starter, 8 bits", 256, {"batch_size": 4, "num_layers": 4}),
    ("tiny", 256, {"batch_size": 4, "num_layers": -1}),
    ("tiny", 1024, {"batch_size": 2, "num_layers": -1}),
    ("tiny", 512, {"batch_size": 8, "num_layers": 4, "rank": 32}),
    ("tiny", 256, {"batch_size": 4, "num_layers": 4, "fine_tune_type": "dora"}),
    ("tiny", 256, {"batch_size": 2, "num_layers": -1, "fine_tune_type": "full"}),
    ("tiny", 512, {"batch_size": 4, "num_layers": -1, "grad_checkpoint": True}),
    ("tiny", 256, {"batch_size": 4, "num_layers": 4, "grad_accumulation_steps": 2}),
    ("tiny", 256, {"batch_size": 4, "num_layers": 8, "rows_side_by_side": False}),
]


def rows(tokens: int, count: int, words_per_token: float) -> list[dict[str, object]]:
    """Conversations of up to about so many tokens, half of them as long as that, and about half of each learned."""
    dice = random.Random(tokens)
    made = []
    for place in range(count):
        length = tokens * (1.0 if place < count // 2 else dice.uniform(0.1, 1.0)) * words_per_token
        asked, answered = (" ".join(dice.choices(WORDS, k=max(int(length / 2), 1))) for _half in range(2))
        made.append({"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]})
    return made


def models(folder: Path) -> dict[str, tuple[Path, float]]:
    """Each model's folder, and how many of our words a token of it is."""
    tiny = tiny_model.make(folder / "tiny", layers=8, hidden=512)

    def starter(bits: str) -> Path:
        return fetch_base(ModelChoice(quantize=bits), emit=ignore_event, stop=StopToken())

    return {
        "starter": (starter("none"), 0.95),
        "starter, 4 bits": (starter("4"), 0.95),
        "starter, 8 bits": (starter("8"), 0.95),
        "tiny": (tiny, 0.17),
    }


def measure(
    folder: Path, model: Path, tokens: int, words: float, settings: dict[str, object], steps: int
) -> tuple[int, int]:
    """What was foretold, and the peak; bytes."""
    gc.collect()  # a model that is still held by a ring would count again
    mx.clear_cache()
    data = folder / "data"
    write_json_lines(data / "train.jsonl", rows(tokens, 4 * int(str(settings["batch_size"])), words))
    choice = TrainingChoice(
        **{"iters": steps, "max_seq_length": tokens, "steps_per_eval": 1000, "save_every": 1000} | settings  # type: ignore[arg-type]
    )
    events: list[Event] = []
    plan = TrainingPlan(model, "model", data, folder / f"run-{time.time()}", choice, check_memory=True)
    train(plan, emit=events.append, stop=StopToken())
    foretold = next(event for event in events if isinstance(event, Forecast)).memory.total
    return foretold, max(event.peak_memory for event in events if isinstance(event, TrainStep))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--steps", type=int, default=4)
    arguments = parser.parse_args()
    found: list[float] = []
    print(f"{'model':<16} {'tokens':>6}  {'settings':<52} {'foretold':>9} {'peak':>9} {'off':>7}")
    with tempfile.TemporaryDirectory() as place:
        known = models(Path(place))
        for name, tokens, settings in GRID[arguments.skip :]:
            if arguments.only not in name:
                continue
            model, words = known[name]
            foretold, peak = measure(Path(place), model, tokens, words, settings, arguments.steps)
            off = foretold / peak - 1
            found.append(abs(off))
            said = ", ".join(f"{key} {value}" for key, value in settings.items())
            print(
                f"{name:<16} {tokens:>6}  {said:<52} {foretold / 1e6:>6.0f} MB {peak / 1e6:>6.0f} MB {off:>+7.1%}",
                flush=True,
            )
    print(f"\n{len(found)} configurations, off by {statistics.median(found):.1%} (median) to {max(found):.1%} (worst)")
    return 0 if max(found) <= ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main())
