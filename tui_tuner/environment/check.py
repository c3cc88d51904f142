"""What a check says, and what all of them together mean."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from tui_tuner.language import _
from tui_tuner.progress import Event

State = Literal["ok", "warning", "missing", "not_applicable"]

# Key and name, in the order in which they are shown.
CHECKS: tuple[tuple[str, str], ...] = (
    ("apple_silicon", _("Apple Silicon")),
    ("macos", _("macOS")),
    ("memory", _("Memory")),
    ("disk", _("Disk")),
    ("python", "Python"),
    ("homebrew", "Homebrew"),
    ("mlx", "MLX"),
    ("ollama", "Ollama"),
    ("lm_studio", "LM Studio"),
    ("base_model", _("Base model")),
)

# Without these there is no training; whatever else is missing only closes one of several ways.
NEEDED = frozenset({"apple_silicon", "macos", "python", "mlx", "base_model"})


@dataclass(frozen=True)
class Fix:
    """How to mend what a check found.

    Attributes:
        command: a shell command to copy.
        run: the key of the same thing in `fixes.FIXES`, where it is safe to run it from here; None elsewhere.
        label: what it does, in two or three words.
    """

    command: str
    run: str | None
    label: str


@dataclass(frozen=True)
class CheckResult:
    """What one check found.

    Attributes:
        key: the check's key in `CHECKS`.
        name: as a person reads it.
        state: `missing` also where something is there but cannot be used; `not_applicable` on another kind of machine.
        finding: one line, numbers with their units.
        why: one sentence: why it matters, and what to do where no command does it.
        fix: how to mend it, where a command can.
    """

    key: str
    name: str
    state: State
    finding: str
    why: str
    fix: Fix | None = None


@dataclass(frozen=True)
class CheckDone(Event):
    """A check has finished."""

    result: CheckResult


def ready(results: Iterable[CheckResult], *, needed: Collection[str] = NEEDED) -> bool:
    """Whether nothing is missing that the journey needs."""
    return not any(result.key in needed and result.state == "missing" for result in results)


def next_advice(results: Iterable[CheckResult], *, needed: Collection[str] = NEEDED) -> str:
    """What to do next, in one line: the first thing that blocks, then the first that could be better."""
    listed = list(results)
    for result in listed:
        if result.key in needed and result.state == "missing":
            return _advice(result)
    for result in listed:
        if result.state == "warning" and result.fix is not None:
            return _("Ready for the next step. It could be better: {advice}", advice=_advice(result))
    return _("Ready for the next step.")


def _advice(result: CheckResult) -> str:
    if result.fix is None:
        return _("{name}: {finding}. {why}", name=result.name, finding=result.finding, why=result.why)
    return _("{name}: {label} with: {command}", name=result.name, label=result.fix.label, command=result.fix.command)
