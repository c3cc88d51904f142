"""A tiny model, rows to learn from, and plans over both."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui_tuner.choices import TrainingChoice
from tui_tuner.progress import Event, StopToken
from tui_tuner.training.plan import TrainingPlan
from tui_tuner.training.runs import RunSummary

QUICK = TrainingChoice(
    iters=12,
    batch_size=4,
    num_layers=2,
    learning_rate=1e-3,
    rank=4,
    steps_per_eval=4,
    save_every=4,
    max_seq_length=256,
    samples=2,
    sample_tokens=6,
)

WITHOUT_SHORTCUTS = dict.fromkeys(
    ("kept_states", "learned_logits", "chunked_loss", "rows_side_by_side", "quick_exponentials", "quick_adapters"),
    False,
)


def chat(*turns: str) -> dict[str, Any]:
    """A conversation: user and assistant in turn."""
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[place % 2], "content": text} for place, text in enumerate(turns)]}


def rows(count: int, *, begin: int = 0) -> list[dict[str, Any]]:
    """Conversations of many lengths."""
    return [
        chat(f"question {number}{'?' * (7 * number % 23 + 1)}", "aye " * (number % 9 + 1))
        for number in range(begin, begin + count)
    ]


def write_rows(path: Path, content: Sequence[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in content))


@dataclass
class School:
    """Makes plans over one tiny model and trains them, remembering every event."""

    folder: Path
    model: Path
    events: list[Event] = field(default_factory=list)
    stop: StopToken = field(default_factory=StopToken)

    def plan(
        self,
        train: Sequence[Any] | None = None,
        valid: Sequence[Any] | None = None,
        *,
        run: str = "run-1",
        choice: TrainingChoice = QUICK,
        model: Path | None = None,
    ) -> TrainingPlan:
        data = self.folder / "data"
        write_rows(data / "train.jsonl", rows(11) if train is None else train)
        write_rows(data / "valid.jsonl", rows(3, begin=20) if valid is None else valid)
        return TrainingPlan(model or self.model, "tiny", data, self.folder / "runs" / run, choice)

    def train(
        self,
        plan: TrainingPlan,
        *,
        stop_when: Callable[[Event], bool] = lambda event: False,
        shortcuts: bool = True,
    ) -> RunSummary:
        from tui_tuner.training.train import train

        stop = self.stop = StopToken()

        def emit(event: Event) -> None:
            self.events.append(event)
            if stop_when(event):
                stop.request()

        if not shortcuts:
            plan = dataclasses.replace(plan, choice=dataclasses.replace(plan.choice, **WITHOUT_SHORTCUTS))
        return train(plan, emit=emit, stop=stop)

    def seen(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]
