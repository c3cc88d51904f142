"""Settings that are suggested, each with its reason in a line."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tui_tuner.choices import TrainingChoice
from tui_tuner.language import _
from tui_tuner.progress import Event


@dataclass(frozen=True)
class Suggestion(Event):
    """One setting.

    Attributes:
        name: of the setting.
        before: its value now.
        value: the one that suits.
        why: in a line.
    """

    name: str
    before: Any
    value: Any
    why: str

    @property
    def changes(self) -> bool:
        """Whether it is another value than now."""
        return bool(self.value != self.before)


def applied(choice: TrainingChoice, suggestions: Sequence[Suggestion]) -> TrainingChoice:
    """`choice` with the suggestions."""
    return dataclasses.replace(choice, **{one.name: one.value for one in suggestions})


def reasons_of(suggestions: Sequence[Suggestion]) -> tuple[str, ...]:
    """The suggestions in words, for the run's story."""
    return tuple(
        _("auto: {name} {value}: {why}", name=one.name, value=value_in_words(one.value), why=one.why)
        for one in suggestions
    )


def suggestion_in_words(one: Suggestion) -> str:
    """The setting, its new value, and why."""
    value = value_in_words(one.value)
    change = f"{value_in_words(one.before)} → {value}" if one.changes else value
    return f"{one.name:<24} {change:<26} {one.why}"


def value_in_words(value: Any) -> str:
    """A setting's value as a person writes it."""
    if isinstance(value, bool):
        return _("on") if value else _("off")
    return f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else str(value)
