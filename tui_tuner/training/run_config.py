"""What a run was started with: `config.toml` in its folder, complete and readable by a person.

So that one can tell whether a run goes on with what it began with, the file also holds fingerprints of the model and
the data; see `changes`.
"""

from __future__ import annotations

import importlib.metadata
import time
from dataclasses import dataclass
from pathlib import Path

from tui_tuner import configuration
from tui_tuner.choices import TrainingChoice
from tui_tuner.configuration import setting
from tui_tuner.errors import TrainingError
from tui_tuner.file_versions import fingerprint
from tui_tuner.files import read_toml, storage_errors, write_text
from tui_tuner.language import _
from tui_tuner.models.catalogue import model_fingerprint

CONFIG = "config.toml"
FORMAT = 1
TRAIN_FILE, VALID_FILE, TEST_FILE = "train.jsonl", "valid.jsonl", "test.jsonl"


@dataclass(frozen=True)
class RunFacts:
    """Where a run comes from."""

    format: int = setting(FORMAT, "Layout of this folder.", minimum=1)
    run: str = setting("", "The run's name.")
    created: str = setting("", "When it began, in UTC.")
    model_name: str = setting("", "The base model as it was chosen.")
    model: str = setting("", "The base model's folder when the run began.")
    model_fingerprint: str = setting("", "SHA-256 of the model's config and the sizes of its weights.")
    trust_remote_code: bool = setting(False, "Whether code that came with the model was run.")
    data: str = setting("", "The dataset's folder when the run began.")
    train_fingerprint: str = setting("", "SHA-256 of train.jsonl.")
    train_rows: int = setting(0, "Rows of train.jsonl, the unusable ones too.", minimum=0)
    valid_fingerprint: str = setting("", "SHA-256 of valid.jsonl; empty where there was none.")
    valid_rows: int = setting(0, "Rows of valid.jsonl.", minimum=0)
    given: tuple[str, ...] = setting((), "Training settings that were given with --set, and hold when it is resumed.")
    versions: str = setting("", "What trained.")


@dataclass(frozen=True)
class RunConfig:
    """A run's `config.toml`: the facts and every training setting."""

    facts: RunFacts
    choice: TrainingChoice


def current_facts(*, run: str, model_name: str, model: Path, data: Path, trust_remote_code: bool) -> RunFacts:
    """The facts of a run that would begin now; reads the dataset once for its fingerprints.

    Raises:
        StorageError: a file cannot be read.
    """
    return RunFacts(
        run=run,
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        model_name=model_name,
        model=str(model),
        model_fingerprint=model_fingerprint(model),
        trust_remote_code=trust_remote_code,
        data=str(data),
        train_fingerprint=fingerprint(data / TRAIN_FILE),
        train_rows=_rows(data / TRAIN_FILE),
        valid_fingerprint=fingerprint(data / VALID_FILE),
        valid_rows=_rows(data / VALID_FILE),
        versions=current_versions(),
    )


def current_versions() -> str:
    """What would train now."""
    return ", ".join(f"{name} {_version(name)}" for name in ("tui-tuner", "mlx", "mlx-lm"))


def _rows(path: Path) -> int:
    if not path.exists():
        return 0
    with storage_errors(path), path.open("rb") as file:
        return sum(1 for line in file if line.strip())


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "?"


def write_config(run: Path, config: RunConfig) -> None:
    """Write `config.toml` into the run's folder.

    Raises:
        StorageError: the folder cannot be written; an earlier file is as it was.
    """
    head = "# One training run. `tuner` goes on with it only with these settings; more iters are welcome.\n"
    facts = configuration.write_table(config.facts, "")
    write_text(run / CONFIG, "\n".join([head + facts, configuration.write_table(config.choice, "training")]))


def read_config(run: Path) -> RunConfig:
    """Read a run's `config.toml`.

    Raises:
        StorageError: it cannot be read.
        ConfigurationError: a mistake in it: file, line, what was expected.
        TrainingError: a newer version wrote it.
    """
    path = run / CONFIG
    table, text = read_toml(path)
    if isinstance(table.get("format"), int) and table["format"] > FORMAT:
        raise TrainingError(
            _(
                "this run was made by a newer tuner (format {found}; this one knows {known})",
                found=table["format"],
                known=FORMAT,
            ),
            where=str(path),
            advice=_("Update with: pip install --upgrade tui-tuner"),
        )
    settings = table.pop("training", {})
    facts = configuration.read_table(RunFacts, table, path=path, text=text, section="")
    choice = configuration.read_table(TrainingChoice, settings, path=path, text=text, section="training")
    return RunConfig(facts, choice)
