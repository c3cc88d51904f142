"""What a headless command shows: sentences and one moving progress line for a person, or JSON Lines for a program."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TextIO

from tui_tuner import figures
from tui_tuner.errors import TunerError
from tui_tuner.jobs import JobEnded
from tui_tuner.plain_text import one_line, printable
from tui_tuner.progress import Event, StageProgress

SECONDS_BETWEEN_LINES = 5.0
SECONDS_BETWEEN_REDRAWS = 0.1


class Output:
    """Where events go. Used from the job's thread and from the main one, one after the other.

    Args:
        as_json: JSON Lines on stdout and nothing else there; whatever else would print goes to stderr.
        answers_alone: a model's words on stdout and nothing else there, for the program that reads them.
    """

    def __init__(self, *, as_json: bool = False, answers_alone: bool = False) -> None:
        self.as_json, self._answers_alone = as_json, answers_alone
        self.broken = False
        self._out: TextIO = sys.stdout
        if as_json:
            # A library's own print must not end up between the lines.
            sys.stdout = sys.stderr
        self._moving = sys.stderr.isatty() and not as_json
        self._line_shown = False
        self._last_line = 0.0

    def event(self, event: Event) -> None:
        """Show one event."""
        if self.as_json:
            self._write(json.dumps(event.as_json(), ensure_ascii=False) + "\n")
        elif isinstance(event, StageProgress):
            self._progress(event)
        elif isinstance(event, JobEnded):
            self._ended(event)
        else:
            self._tell(event)

    def _tell(self, event: Event) -> None:
        from tui_tuner.chat.talk import ReplyText
        from tui_tuner.commands.sentences import sentence  # knows the events of every step

        if isinstance(event, ReplyText):
            self._write(printable(event.text))
        elif text := sentence(event):
            self.say(text)

    def say(self, text: str) -> None:
        """Show a sentence to a person; nothing in JSON mode."""
        if self.as_json:
            return
        self._wipe()
        self._write_line(printable(text))

    def end_answer(self) -> None:
        """End the line a model's last words are in."""
        if not self.as_json:
            self._write("\n")

    def complain(self, error: TunerError) -> None:
        """Show an error on stderr: what, where, what to do."""
        self._wipe()
        sys.stderr.write(printable(f"tuner: {error}") + "\n")

    def _ended(self, event: JobEnded) -> None:
        self._wipe()
        if event.message:
            advice = f"\n{event.advice}" if event.advice else ""
            sys.stderr.write(printable(f"tuner: {event.message}{advice}") + "\n")

    def _progress(self, event: StageProgress) -> None:
        now = time.monotonic()
        gap = SECONDS_BETWEEN_REDRAWS if self._moving else SECONDS_BETWEEN_LINES
        if not event.ended and now - self._last_line < gap:
            return
        self._last_line = now
        text = stage_line(event)
        if not self._moving:
            self._write_line(text)
            return
        width = os.get_terminal_size(sys.stderr.fileno()).columns
        sys.stderr.write("\r\x1b[K" + one_line(text, max(width - 1, 20)) + ("\n" if event.ended else ""))
        sys.stderr.flush()
        self._line_shown = not event.ended

    def _wipe(self) -> None:
        if self._line_shown:
            sys.stderr.write("\r\x1b[K")
            self._line_shown = False

    def _write_line(self, text: str) -> None:
        if self._answers_alone:
            sys.stderr.write(text + "\n")
        else:
            self._write(text + "\n")

    def _write(self, text: str) -> None:
        if self.broken:
            return
        try:
            self._out.write(text)
            self._out.flush()
        except BrokenPipeError:
            # The reader has gone (`tuner … | head`): nobody is told anything any more, and the job is asked to stop.
            self.broken = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._out.fileno())


def stage_line(event: StageProgress) -> str:
    """A stage's progress in one line: name, counts, rate, time left."""
    done = figures.count(event.done)
    counts = f"{done}/{figures.count(event.total)}" if event.total is not None else done
    parts = [f"{event.stage:<14} {counts} {event.unit}".rstrip()]
    if event.rate:
        parts.append(figures.rate(event.rate, event.unit))
    if event.ended:
        parts.append("done")
    elif event.eta_seconds is not None:
        parts.append(f"{figures.duration(event.eta_seconds)} left")
    if event.detail:
        parts.append(event.detail)
    return printable(" · ".join(parts)).replace("\n", " ")
