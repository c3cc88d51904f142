"""The dataset's card: what the examples are, where they came from, and what became of the others.

It is drawn from `data/report.json`; `data/README.md` is the same card for whoever the data are shared with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner import figures
from tui_tuner.dataset.examples import SEED
from tui_tuner.dataset.plan import REPORT, TEST, TRAIN, VALID
from tui_tuner.dataset.state import dataset_state
from tui_tuner.errors import DatasetError
from tui_tuner.files import read_json, write_text
from tui_tuner.language import _, ngettext
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
class Section:
    """A heading with lines below it.

    Attributes:
        heading: in a few words.
        rows: a name and what is to be said of it.
        texts: longer texts, each with a name.
    """

    heading: str
    rows: tuple[tuple[str, str], ...] = ()
    texts: tuple[tuple[str, str], ...] = ()


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
    drawn = (
        _split(report),
        _origin(report),
        _left_out(report),
        _tokens(report),
        _prompts(report),
        _making(report),
    )
    return Card(one_line(name, 80), tuple(section for section in drawn if section.rows or section.texts))


def out_of_date(report: Mapping[str, Any], project: Project) -> list[str]:
    """What is no longer so, in sentences: the files have changed, or another model or sequence length is chosen."""
    found = []
    if dataset_state(project).stage != "ready":
        found.append(_("Something has changed since: g in the Dataset step, or tuner data, brings it up to date."))
    counted = (report.get("base_model"), report.get("sequence_length"))
    chosen = (project.choices.model.name, project.choices.training.max_seq_length)
    if _mapping(report, "tokens") and counted != chosen:
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


def _split(report: Mapping[str, Any]) -> Section:
    settings = _mapping(report, "settings")
    train, valid, test = (_number(report, part) for part in ("train", "valid", "test"))
    total = train + valid + test
    batch = _number(report, "batch_size")

    def row(number: int, meant: str) -> str:
        small = _(" · fewer than one batch of {size}", size=batch) if number < batch else ""
        return f"{number:,} ({_share(number, total)}) · {meant}{small}"

    rows = [(TRAIN, row(train, _("learned from")))]
    held_out = _("held out, never learned from: measures progress")
    if share := settings.get("valid_fraction"):
        held_out += _(" (asked for: {share})", share=share)
    rows.append((VALID, row(valid, held_out)))
    if test:
        rows.append((TEST, f"{test:,} ({_share(test, total)}) · {_('kept for a last test')}"))
    return Section(_("Examples"), tuple(rows))


def _share(part: int, total: int) -> str:
    return f"{100 * part / total:.0f} %" if total else figures.UNKNOWN


def _origin(report: Mapping[str, Any]) -> Section:
    rows = [
        (_("seed examples, chosen by a person") if source == SEED else source, f"{number:,}")
        for source, number in _mapping(report, "sources").items()
    ]
    rows += [
        (
            teacher,
            ngettext(
                "{number:,} answer",
                "{number:,} answers",
                number,
            ),
        )
        for teacher, number in _mapping(report, "teachers").items()
    ]
    rows += [
        (
            document,
            ngettext(
                "{number:,} answer about its passages",
                "{number:,} answers about its passages",
                number,
            ),
        )
        for document, number in _mapping(report, "from_documents").items()
    ]
    if documents := _number(report, "documents"):
        passages = ngettext("{number:,} passage", "{number:,} passages", _number(report, "passages"))
        rows.append((_("documents"), _("{documents:,}, cut into {passages}", documents=documents, passages=passages)))
    questions = _number(report, "instructions")
    if questions:
        texts = {"questions": questions, "answers": _number(report, "answers"), "refused": _number(report, "refused")}
        rows.append((_("questions"), _("{questions:,}, {answers:,} answered, {refused:,} given up", **texts)))
    if follow_ups := _number(report, "follow_ups"):
        told = _("{number:,}, each with its answer", number=follow_ups)
        if short := _number(report, "short"):
            told += _("; examples with fewer turns than wanted: {short:,}", short=short)
        rows.append((_("follow-ups"), told))
    return Section(_("Where they are from"), tuple(rows))


def _left_out(report: Mapping[str, Any]) -> Section:
    rows = [
        (reason, _("{number:,} set aside", number=number)) for reason, number in _mapping(report, "set_aside").items()
    ]
    rows += [
        (
            reason,
            ngettext(
                "{number:,} answer refused",
                "{number:,} answers refused",
                number,
            ),
        )
        for reason, number in _mapping(report, "rejects").items()
    ]
    rows += [
        (
            reason,
            ngettext(
                "{number:,} follow-up refused",
                "{number:,} follow-ups refused",
                number,
            ),
        )
        for reason, number in _mapping(report, "follow_up_rejects").items()
    ]
    if decisions := _number(report, "decisions"):
        rows.append(
            (
                _("review"),
                ngettext(
                    "{number:,} decision by hand",
                    "{number:,} decisions by hand",
                    decisions,
                ),
            )
        )
    return Section(_("Not learned, by reason"), tuple(rows))


def _tokens(report: Mapping[str, Any]) -> Section:
    found = _mapping(report, "tokens")
    longest = _number(report, "sequence_length")
    if not found:
        return Section("")
    measured, train = _number(found, "measured"), _number(report, "train")
    tokens, learned = _number(found, "tokens"), _number(found, "learned")
    texts = {"tokens": tokens, "learned": learned, "share": figures.percent(learned, tokens)}
    total = _("{tokens:,}, {learned:,} of them learned ({share})", **texts)
    if measured < train:
        total += ngettext(
            " · estimated from {measured:,} example",
            " · estimated from {measured:,} examples",
            measured,
            measured=measured,
        )
    lengths = _(
        "median {median:,}, longest {longest:,}", median=found.get("median", 0), longest=found.get("longest", 0)
    )
    cut = _("{cut:,} longer than {longest:,} tokens", cut=_number(report, "cut"), longest=longest)
    rows = ((_("base model"), str(report.get("base_model", ""))), (_("tokens"), total), (_("length"), lengths))
    return Section(_("In tokens"), (*rows, (_("cut"), cut)))


def _prompts(report: Mapping[str, Any]) -> Section:
    texts = []
    for stage, prompt in _mapping(report, "prompts").items():
        turns = prompt.get("messages") if isinstance(prompt, dict) else None
        if not isinstance(turns, list):
            continue
        said = [f"[{turn.get('role', '')}]\n{turn.get('content', '')}" for turn in turns if isinstance(turn, dict)]
        name = _("{stage}, the first request to {teacher}", stage=stage, teacher=prompt.get("teacher", ""))
        texts.append((name, "\n\n".join(said)))
    return Section(_("What the teachers were told"), texts=tuple(texts))


def _making(report: Mapping[str, Any]) -> Section:
    settings = _mapping(report, "settings")
    rows = [(_("made"), f"{report.get('ended', '')}"), (_("seed"), f"{report.get('seed', '')}")]
    for name in ("topic", "style", "temperature", "near_duplicate", "shortest_answer", "same_script"):
        if settings.get(name) not in (None, ""):
            rows.append((name, str(settings[name])))
    return Section(_("How they were made"), tuple(row for row in rows if row[1]))


def _mapping(report: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = report.get(name)
    return found if isinstance(found, Mapping) else {}


def _number(report: Mapping[str, Any], name: str) -> int:
    found = report.get(name)
    return found if isinstance(found, int) else 0
