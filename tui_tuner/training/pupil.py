"""What is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tui_tuner.training.loop import Stepper
from tui_tuner.training.loss import BatchLoss


@dataclass(frozen=True)
class Pupil:
    """What is trained: the model with its optimizer, how the loss is computed, and what the adapter says of itself."""

    stepper: Stepper
    loss: BatchLoss
    adapter_config: dict[str, Any]

    @property
    def model(self) -> Any:
        """The model with its adapter."""
        return self.stepper.model
