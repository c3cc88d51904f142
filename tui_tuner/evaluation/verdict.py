"""Is the tuned model better? What each kind of evidence says, and all of it in one line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tui_tuner.evaluation.intervals import wilson
from tui_tuner.evaluation.opinions import Tally
from tui_tuner.language import _

Word = Literal["better", "worse", "cannot tell"]


@dataclass(frozen=True)
class Finding:
    """What one kind of evidence says.

    Attributes:
        says: 1 better, -1 worse, 0 it cannot tell.
        text: what was found, in a few words.
        asked_for: somebody was asked for it, so that it is said in any case.
    """

    says: int
    text: str
    asked_for: bool = False


@dataclass(frozen=True)
class Verdict:
    """All evidence in one line.

    Attributes:
        word: better, worse, or that one cannot tell.
        why: what was found.
    """

    word: Word
    why: str

    @property
    def line(self) -> str:
        """As a person reads it."""
        words = {"better": _("better"), "worse": _("worse"), "cannot tell": _("cannot tell")}
        return f"{words[self.word]}: {self.why}"


def loss_finding(before: float, after: float, fall: tuple[float, float], rows: int, file: str) -> Finding:
    """What the loss says, where it fell from `before` to `after` and `fall` is the interval of that."""
    if not math.isfinite(before) or not math.isfinite(after):
        return Finding(0, _("no loss on {file}", file=file))
    says = 1 if fall[0] > 0 else -1 if fall[1] < 0 else 0
    words = {"file": file, "before": f"{before:.3f}", "after": f"{after:.3f}", "rows": rows}
    text = _("loss on {file} {before} → {after} ({rows} examples)", **words)
    return Finding(says, text if says else text + _(", within chance"))


def count_finding(name: str, tally: Tally, *, asked_for: bool = False) -> Finding:
    """What won and lost pairs say; only those that were decided tell anything (Wilson, 95 %)."""
    low, high = wilson(tally.won, tally.decided)
    says = 1 if low > 0.5 else -1 if high < 0.5 else 0
    words = {"name": name, "wins": tally.won, "losses": tally.lost}
    text = _("{name}: {wins} won, {losses} lost", **words)
    if tally.decided:
        text += _(" ({share:.0%}, {low:.0%} to {high:.0%})", share=tally.won / tally.decided, low=low, high=high)
    text += _(", {ties} even", ties=tally.even)
    if tally.unclear:
        text += _(", {unclear} unclear ({parts})", unclear=tally.unclear, parts=why_unclear(tally))
    if tally.decided and not says:
        text += _(", within chance")
    return Finding(says, text, asked_for)


def why_unclear(tally: Tally) -> str:
    """Why the judge said nothing clear of some pairs, in a few words."""
    turned = _("{number} changed with the order", number=tally.turned) if tally.turned else ""
    unread = _("{number} could not be read", number=tally.unread) if tally.unread else ""
    return ", ".join(part for part in (turned, unread) if part)


def verdict_of(findings: Sequence[Finding]) -> Verdict:
    """Better or worse where every kind of evidence that tells anything says so; otherwise one cannot tell."""
    telling = [finding for finding in findings if finding.says]
    others = [finding for finding in findings if not finding.says and (finding.asked_for or not telling)]
    said = "; ".join(finding.text for finding in (*telling, *others))
    if not findings:
        return Verdict("cannot tell", _("there is nothing to go by"))
    if not telling:
        return Verdict("cannot tell", said)
    if len({finding.says for finding in telling}) > 1:
        return Verdict("cannot tell", _("the evidence disagrees: {said}", said=said))
    return Verdict("better" if telling[0].says > 0 else "worse", said)
