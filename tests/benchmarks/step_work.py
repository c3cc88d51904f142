"""How much work one training step is, ours and mlx-lm's: processor seconds on one core, for a machine that is busy.

    python tests/benchmarks/step_work.py [--model FOLDER] [--layers 4 8 -1] [--width 226] [--steps 2]

`training_speed` measures by the clock and needs a machine of its own; this does not. In one process both train, one
after the other, on the same four rows of the same conversations, the longest of about `width` tokens, a third of them
answers; float32, products on one core for both, so that no core waits for another. Frozen layers are counted once,
apart: over four epochs our work is that and four steps, mlx-lm's four steps. What two cores make of it is not seen
here: mlx-lm uses the second one for products only, ours for everything.
"""

from __future__ import annotations

import argparse
import functools
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from training_speed import BATCH, LONGEST, STARTER, conversations

ROWS, RATE, EPOCHS = 32, 1e-4, 4


def seconds_of(work: Callable[[], object]) -> float:
    """Of all cores, spent on `work`."""
    began = time.process_time()
    work()
    return time.process_time() - began


def with_adapter(model: Path, layers: int) -> Any:
    """The loaded model with a new adapter on its last layers."""
    import mlx.core as mx
    from mlx_lm.tuner.utils import linear_to_lora_layers

    from tui_tuner.models.loading import load_model

    loaded = load_model(model)
    mx.random.seed(0)
    loaded.model.freeze()
    linear_to_lora_layers(loaded.model, layers, {"rank": 8, "dropout": 0.0, "scale": 20.0})
    loaded.model.train()
    return loaded


def ours(model: Path, layers: int, width: int, steps: int, folder: Path) -> tuple[float, float, Any]:
    """Seconds of the frozen layers and of a step, and the batch."""
    from mlx import optimizers

    from tui_tuner.choices import TrainingChoice
    from tui_tuner.training.batches import Feed
    from tui_tuner.training.examples import Encoder
    from tui_tuner.training.kept_memory import memory_kept
    from tui_tuner.training.loop import Stepper
    from tui_tuner.training.shortcuts.proof import quick_loss

    loaded = with_adapter(model, layers)
    encoder = Encoder(loaded.tokenizer, max_seq_length=LONGEST, mask_prompt=True)
    texts = [json.dumps(row).encode() for row in conversations(ROWS, 1)]
    examples = [encoder.encode(line, text) for line, text in enumerate(texts, start=1)]
    batches = [batch for batch, _place in zip(Feed(examples, BATCH, 0).batches(0), range(ROWS // BATCH), strict=False)]
    batch = min(batches, key=lambda batch: abs(batch.inputs.shape[1] - width))
    choice = TrainingChoice(batch_size=BATCH, num_layers=layers)
    with memory_kept():
        loss, _notices = quick_loss(loaded.model, examples, choice, folder=folder, tell=print)
        stepper = Stepper(loaded.model, optimizers.Adam(learning_rate=RATE), loss)
        frozen = seconds_of(lambda: loss.states and loss.states.prepare(batch.examples, loss.cores))
        stepper.step(batch)  # what is computed once
        step = statistics.median(seconds_of(lambda: stepper.step(batch)) for _step in range(steps))
        loss.close()
    return frozen, step, batch


def theirs(model: Path, layers: int, batch: Any, steps: int) -> float:
    """Seconds of a step, compiled and padded as mlx-lm does it."""
    import mlx.core as mx
    import numpy
    from mlx import nn, optimizers
    from mlx_lm.tuner.trainer import default_loss

    trained = with_adapter(model, layers).model
    longest = max(example.length for example in batch.examples)
    rows = numpy.zeros((len(batch.examples), 1 + 32 * -(-longest // 32)), numpy.int32)
    lengths = []
    for place, example in enumerate(batch.examples):
        rows[place, : example.length] = example.tokens
        lengths.append((int(example.learned.argmax()), example.length))
    optimizer = optimizers.Adam(learning_rate=RATE)
    state = [trained.state, optimizer.state, mx.random.state]
    gradient_of = nn.value_and_grad(trained, default_loss)

    @functools.partial(mx.compile, inputs=state, outputs=state)
    def step(rows: mx.array, lengths: mx.array) -> Any:
        (loss, _tokens), gradient = gradient_of(trained, rows, lengths)
        optimizer.update(trained, gradient)
        return loss

    inputs = mx.array(rows), mx.array(lengths)
    once = lambda: mx.eval(state, step(*inputs))  # noqa: E731
    once()
    return statistics.median(seconds_of(once) for _step in range(steps))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=STARTER)
    parser.add_argument("--layers", type=int, nargs="+", default=[4, 8, -1], help="trained layers; -1 means all")
    parser.add_argument("--width", type=int, default=226, help="tokens of the longest row, about")
    parser.add_argument("--steps", type=int, default=2)
    arguments = parser.parse_args()
    from tui_tuner.models.blas import load_fast_blas, products_on_one_core

    load_fast_blas()
    print(f"{'layers':>6} {'mlx-lm':>9} {'tuner':>9} {'':>7} {'frozen':>9} {f'{EPOCHS} epochs':>9}   seconds")
    with tempfile.TemporaryDirectory() as folder, products_on_one_core():
        for layers in arguments.layers:
            frozen, mine, batch = ours(arguments.model, layers, arguments.width, arguments.steps, Path(folder))
            other = theirs(arguments.model, layers, batch, arguments.steps)
            whole = EPOCHS * other / (frozen + EPOCHS * mine)
            name = "all" if layers < 0 else str(layers)
            print(
                f"{name:>6} {other:>9.2f} {mine:>9.2f} {other / mine:>6.2f}x {frozen:>9.2f} {whole:>8.2f}x"
                f"   {batch.tokens} tokens, {batch.supervised} learned",
                flush=True,
            )


if __name__ == "__main__":
    main()
