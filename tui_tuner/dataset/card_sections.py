"""What the card of a dataset says, a section each; what an older report does not know is left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tui_tuner import figures
from tui_tuner.dataset.examples import SEED
from tui_tuner.dataset.plan import TEST, TRAIN, VALID
from tui_tuner.language import _, ngettext


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


def sections_of(report: Mapping[str, Any]) -> tuple[Section, ...]:
    """The sections in their order; one that has nothing to say is empty.

    Args:
        report: what `data/report.json` says.
    """
    return (
        _split(report),
        _origin(report),
        _left_out(report),
        _tokens(report),
        _prompts(report),
        _making(report),
    )


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
    rows += _counts(report, "teachers", lambda number: ngettext("{number:,} answer", "{number:,} answers", number))
    rows += _counts(
        report,
        "from_documents",
        lambda number: ngettext(
            "{number:,} answer about its passages", "{number:,} answers about its passages", number
        ),
    )
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
    rows = _counts(report, "set_aside", lambda number: _("{number:,} set aside", number=number))
    rows += _counts(
        report, "rejects", lambda number: ngettext("{number:,} answer refused", "{number:,} answers refused", number)
    )
    rows += _counts(
        report,
        "follow_up_rejects",
        lambda number: ngettext("{number:,} follow-up refused", "{number:,} follow-ups refused", number),
    )
    if decisions := _number(report, "decisions"):
        rows.append(
            (
                _("review"),
                ngettext("{number:,} decision by hand", "{number:,} decisions by hand", decisions),
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


def _counts(report: Mapping[str, Any], name: str, said: Callable[[int], str]) -> list[tuple[str, str]]:
    """A row for each number that the report has under `name`."""
    return [(what, said(number)) for what, number in _mapping(report, name).items()]


def _mapping(report: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = report.get(name)
    return found if isinstance(found, Mapping) else {}


def _number(report: Mapping[str, Any], name: str) -> int:
    found = report.get(name)
    return found if isinstance(found, int) else 0
