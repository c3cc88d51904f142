"""The dataset's card: what the examples are, where they came from, and what became of the others.

It is drawn from `data/report.json`; `data/README.md` is the same card for whoever the data are shared with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner.dataset.card_sections import Section, sections_of
from tui_tuner.dataset.plan import REPORT
from tui_tuner.dataset.state import dataset_state
from tui_tuner.errors import DatasetError
from tui_tuner.files import read_json, write_text
from tui_tuner.language import _
from tui_tuner.plain_text import one_line, printable
from tui_tuner.progress import Event
from tui_tuner.project import Project

CARD = "README.md"
MADE_HERE = "<!-- made by tuner from report.json: what you change here is replaced -->"


@dataclass(frozen=True)
class DatasetCard(Event):
    """The report the card is drawn from, for a program."""

    report: dict[str, Any]


@dataclass(frozen=True)
class Card:
    """A dataset in a page."""

    title: str
    sections: tuple[Section, ...]


def read_card(data: Path, name: str) -> Card:
    """The card of the dataset in `data`; `name` is the project's.

    Raises:
        DatasetError: there is none yet, or its report is damaged.
        StorageError: it cannot be read.
    """
    return make_card(read_report(data), name)


def read_report(data: Path) -> dict[str, Any]:
    """What `data/report.json` says.

    Raises:
        DatasetError: there is none yet, or it is damaged.
        StorageError: it cannot be read.
    """
    path = data / REPORT
    if not path.exists():
        raise DatasetError(
            _("there is no card yet"),
            where=str(path),
            advice=_("It is made with the training files: g in the Dataset step, or tuner data."),
        )
    report = read_json(path)
    if not isinstance(report, dict):
        raise DatasetError(_("this is no report"), where=str(path), advice=_("Make the dataset again: tuner data"))
    return report


def make_card(report: Mapping[str, Any], name: str) -> Card:
    """Draw the card; what an older report does not know is left out."""
    return Card(one_line(name, 80), tuple(section for section in sections_of(report) if section.rows or section.texts))


def out_of_date(report: Mapping[str, Any], project: Project) -> list[str]:
    """What is no longer so, in sentences: the files have changed, or another model or sequence length is chosen."""
    found = []
    if dataset_state(project).stage != "ready":
        found.append(_("Something has changed since: g in the Dataset step, or tuner data, brings it up to date."))
    counted = (report.get("base_model"), report.get("sequence_length"))
    chosen = (project.choices.model.name, project.choices.training.max_seq_length)
    if report.get("tokens") and counted != chosen:
        text = _(
            "Its tokens were counted for {model} and {length} tokens; chosen now: {now} and {tokens:,}.",
            model=counted[0],
            length=counted[1],
            now=chosen[0],
            tokens=chosen[1],
        )
        found.append(text)
    return found


def as_markdown(card: Card) -> str:
    """The card as a page for a folder, or for a dataset on a hub."""
    lines = [MADE_HERE, "", f"# {_plain(card.title)}"]
    for section in card.sections:
        lines += ["", f"## {section.heading}", ""]
        if section.rows:
            lines += ["| | |", "|---|---|"]
            lines += [f"| {_plain(name)} | {_plain(text)} |" for name, text in section.rows]
        for name, text in section.texts:
            lines += ["", f"{_plain(name)}:", "", *(f"    {line}" for line in printable(text).split("\n"))]
    return "\n".join(lines) + "\n"


def write_card(data: Path, card: Card) -> bool:
    """Put the card beside the data, unless a person's own README is there; say whether it was put there.

    Raises:
        StorageError: the disk is full or not writable.
    """
    path = data / CARD
    if path.exists() and not is_card(data):
        return False
    write_text(path, as_markdown(card))
    return True


def is_card(data: Path) -> bool:
    """Whether the README beside the data is the card, and not a person's own."""
    try:
        with (data / CARD).open("rb") as file:
            return file.read(len(MADE_HERE.encode())) == MADE_HERE.encode()
    except OSError:
        return False


def _plain(text: str) -> str:
    """`text` on one line, without anything Markdown would act on."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|#" else letter for letter in one_line(text))
