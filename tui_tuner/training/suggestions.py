"""Settings that are suggested, each with its reason in a line."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tui_tuner.choices import TrainingChoice
from tui_tuner.language import _
from tui_tuner.progress import Event
from tui_tuner.project import Choices

MODEL = "model."


@dataclass(frozen=True)
class Suggestion(Event):
    """One setting.

    Attributes:
        name: of the setting, after `model.` where it is one of the base model's.
        before: its value now.
        value: the one that suits.
        why: in a line.
    """

    name: str
    before: Any
    value: Any
    why: str

    @property
    def of_the_model(self) -> bool:
        """Whether it is for the base model, and not for training."""
        return self.name.startswith(MODEL)

    @property
    def changes(self) -> bool:
        """Whether it is another value than now."""
        return bool(self.value != self.before)


def applied(choice: TrainingChoice, suggestions: Sequence[Suggestion]) -> TrainingChoice:
    """`choice` with those of the suggestions that are for training."""
    return dataclasses.replace(choice, **{one.name: one.value for one in suggestions if not one.of_the_model})


def applied_to_all(choices: Choices, suggestions: Sequence[Suggestion]) -> Choices:
    """What a person chose, with the suggestions."""
    model = {one.name.removeprefix(MODEL): one.value for one in suggestions if one.of_the_model}
    training = applied(choices.training, suggestions)
    return dataclasses.replace(choices, training=training, model=dataclasses.replace(choices.model, **model))


def is_taken(choices: Choices, one: Suggestion) -> bool:
    """Whether the setting is as it was suggested."""
    section = choices.model if one.of_the_model else choices.training
    return bool(getattr(section, one.name.removeprefix(MODEL)) == one.value)


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
