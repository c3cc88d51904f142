"""Everything an exact resume needs, in one folder per checkpoint: `checkpoints/<iteration>/`.

What is trained, optimizer and random state, gradients that wait for their update, and how far the run was. The order of
the data follows from the seed and the number of steps done, the learning rate from the number of updates. A checkpoint
is there wholly or not at all; a kill while one is written leaves those before it.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui_tuner.files import new_folder, read_json, storage_errors
from tui_tuner.training.adapter import ADAPTER, ADAPTER_CONFIG, adapter_weights
from tui_tuner.training.loop import Stepper
from tui_tuner.training.random_key import random_key, set_random_key
from tui_tuner.training.run_config import CONFIG, RunConfig, read_config

log = logging.getLogger(__name__)

CHECKPOINTS = "checkpoints"
STATE = "state.json"
OPTIMIZER = "optimizer.safetensors"
GRADIENT = "gradient.safetensors"
FORMAT = 1


@dataclass
class Window:
    """The steps since the last report.

    Attributes:
        steps: how many were taken.
        loss: sum of their losses.
        learning_rate: of the last one.
        gradient_norm: of the last one.
        tokens: real tokens.
        supervised: learned tokens.
        examples: rows.
        computed: positions computed.
        padded: of these, padding.
        seconds: spent on the steps.
    """

    steps: int = 0
    loss: float = 0.0
    learning_rate: float = 0.0
    gradient_norm: float = 0.0
    tokens: int = 0
    supervised: int = 0
    examples: int = 0
    computed: int = 0
    padded: int = 0
    seconds: float = 0.0


@dataclass
class Progress:
    """How far a run is.

    Attributes:
        iteration: steps done, skipped ones included.
        validated: after which step the held-out rows were measured last; -1 for never.
        sampled: after which step the sample prompts were answered last; -1 for never.
        best_loss: lowest held-out loss after a step.
        best_iteration: after which one.
        not_better: evaluations since then.
        gave_up: of how many iterations, and with which patience, the run ended early; None where it did not.
        first_loss: held-out loss before training.
        trained_tokens: real tokens seen.
        elapsed: seconds of all sessions, pauses not counted.
        order_from: after which step the present data began to be trained on; their order counts from there.
        skipped: lines of the rows of the latest steps, if they were all left out.
        micro_batch: rows computed at once, where memory did not allow a whole batch; None: a whole batch.
        window: the steps since the last report.
    """

    iteration: int = 0
    validated: int = -1
    sampled: int = -1
    best_loss: float | None = None
    best_iteration: int | None = None
    not_better: int = 0
    gave_up: list[int] | None = None
    first_loss: float | None = None
    trained_tokens: int = 0
    elapsed: float = 0.0
    order_from: int = 0
    skipped: list[list[int]] = field(default_factory=list)
    micro_batch: int | None = None
    window: Window = field(default_factory=Window)


@dataclass(frozen=True)
class Checkpoint:
    """One that was read and fits the model.

    Attributes:
        progress: how far the run was.
        metrics_bytes: how long `metrics.jsonl` was.
        config: what was trained with; None where an earlier version did not keep it.
    """

    progress: Progress
    metrics_bytes: int
    config: RunConfig | None = None


def checkpoint_folder(run: Path, iteration: int) -> Path:
    """Where the checkpoint after `iteration` steps is kept."""
    return run / CHECKPOINTS / str(iteration)


def save_checkpoint(
    run: Path, stepper: Stepper, progress: Progress, adapter_config: dict[str, Any], metrics_bytes: int, *, keep: int
) -> None:
    """Write a checkpoint, then drop those no longer needed: the last `keep` and the best stay.

    Raises:
        StorageError: the disk is full or the folder not writable; earlier checkpoints are as they were.
    """
    from mlx.utils import tree_flatten

    state = {
        "format": FORMAT,
        "metrics_bytes": metrics_bytes,
        "random_key": random_key(),
        "batches": stepper.batches,
        "progress": dataclasses.asdict(progress),
    }
    with new_folder(checkpoint_folder(run, progress.iteration)) as folder:
        _write_arrays(folder / ADAPTER, adapter_weights(stepper.model))
        _write_arrays(folder / OPTIMIZER, dict(tree_flatten(stepper.optimizer.state)))
        if stepper.gathered is not None:
            _write_arrays(folder / GRADIENT, dict(tree_flatten(stepper.gathered)))
        (folder / ADAPTER_CONFIG).write_text(json.dumps(adapter_config, indent=2) + "\n", encoding="utf-8")
        shutil.copyfile(run / CONFIG, folder / CONFIG)
        (folder / STATE).write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
    _drop_old(run, progress.best_iteration, keep)


def _write_arrays(path: Path, arrays: dict[str, Any]) -> None:
    import mlx.core as mx

    # Through Python's own file: a full disk is then an OSError, which says so.
    with path.open("wb") as file:
        mx.save_safetensors(file, arrays)


def restore_latest(run: Path, stepper: Stepper) -> Checkpoint | None:
    """Put `stepper` and the random state where the latest checkpoint was; None where there is none.

    A checkpoint that cannot be read, because somebody touched it or the disk is failing, is passed over for the one
    before.
    """
    for iteration in sorted(_iterations(run), reverse=True):
        path = checkpoint_folder(run, iteration)
        try:
            return _restore(path, stepper)
        except Exception as error:  # whatever is wrong with it, the one before may be good
            log.warning("checkpoint %s cannot be read: %r", path, error)
    return None


def _restore(path: Path, stepper: Stepper) -> Checkpoint:
    import mlx.core as mx
    from mlx.utils import tree_flatten, tree_unflatten

    model, optimizer = stepper.model, stepper.optimizer
    state = read_json(path / STATE)
    batches = int(state.get("batches", 0))
    weights: Any = mx.load(str(path / ADAPTER))
    moments: Any = mx.load(str(path / OPTIMIZER))
    gathered: Any = mx.load(str(path / GRADIENT)) if batches else {}
    mx.eval(weights, moments, gathered)  # loading is lazy: a torn file shows here, before anything is changed
    trained = adapter_weights(model)
    _require_same_shapes(weights, trained)
    _require_same_shapes(moments, dict(tree_flatten(optimizer.state)))
    _require_same_shapes(gathered, trained if batches else {})
    found = dict(state["progress"])
    progress = Progress(**{**found, "window": Window(**found["window"])})
    model.load_weights(list(weights.items()), strict=False)
    optimizer.state = tree_unflatten(list(moments.items()))
    stepper.wait_with(gathered, batches)
    set_random_key(state["random_key"])
    config = read_config(path) if (path / CONFIG).exists() else None
    return Checkpoint(progress, int(state["metrics_bytes"]), config)


def _require_same_shapes(found: dict[str, Any], expected: dict[str, Any]) -> None:
    if {name: array.shape for name, array in found.items()} != {name: array.shape for name, array in expected.items()}:
        raise ValueError("not a checkpoint of this model and adapter")


def _iterations(run: Path) -> list[int]:
    return [int(path.name) for path in (run / CHECKPOINTS).glob("*") if path.name.isdigit()]


def _drop_old(run: Path, best: int | None, keep: int) -> None:
    for iteration in sorted(_iterations(run))[:-keep]:
        if iteration != best:
            _drop(checkpoint_folder(run, iteration))


def _drop(folder: Path) -> None:
    # Renamed first: a kill in the middle of deleting must not leave half a checkpoint under a checkpoint's name.
    gone = folder.with_name(f".{folder.name}.dropped")
    with storage_errors(folder):
        folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def set_aside_after(run: Path, iteration: int) -> list[int]:
    """Rename checkpoints after `iteration`, those that could not be read, so that they are not met again.

    Returns:
        After how many steps they were made.
    """
    later = sorted(found for found in _iterations(run) if found > iteration)
    for found in later:
        folder = checkpoint_folder(run, found)
        aside = folder.with_name(f"{found}.unreadable")
        shutil.rmtree(aside, ignore_errors=True)
        with storage_errors(folder):
            folder.rename(aside)
    return later


def clear_remains(run: Path) -> None:
    """Remove what a killed process was just writing or deleting; everything else in the folder is left alone."""
    remains = [path for path in (run / CHECKPOINTS).glob(".*") if re.match(r"\.\d+\.", path.name)]
    for name in (ADAPTER, ADAPTER_CONFIG, CONFIG):
        remains += run.glob(f".{name}.*")
    for path in remains:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
