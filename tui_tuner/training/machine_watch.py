"""Looks at the machine while a run computes: a step may take a minute, and memory can run out within it.

What is seen waits until the run asks for it between two steps; nothing is decided here.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tui_tuner.environment.heat import Heat, heat_now
from tui_tuner.environment.memory_now import MemoryNow, memory_now
from tui_tuner.environment.power import Power, power_now
from tui_tuner.environment.system import on_mac
from tui_tuner.training.memory_danger import MemoryDanger
from tui_tuner.training.running_clock import RunningClock

log = logging.getLogger(__name__)

EVERY = 1.0  # seconds between two looks
EVERY_WITH_TOOLS = 3.0  # the same on a Mac, where each look starts two programs
SELDOM = 15.0  # seconds between two looks at heat and power, which start more of them
QUIET = 10.0  # seconds after something was done before memory is judged again: it takes a step to show


@dataclass(frozen=True)
class MachineLook:
    """How the machine stood at one look; None where the system does not say."""

    memory: MemoryNow
    heat: Heat | None = None
    power: Power | None = None


class MachineWatch:
    """The state of the machine, as it was seen last.

    Args:
        clock: the run's; beats while the machine is watched.
        read_memory: how memory stands.
        read_heat: how hot it is.
        read_power: where its power comes from.

    Attributes:
        seen: the latest look; None before the first, and where memory cannot be read.
    """

    def __init__(
        self,
        clock: RunningClock | None = None,
        read_memory: Callable[[], MemoryNow | None] = memory_now,
        read_heat: Callable[[], Heat | None] = heat_now,
        read_power: Callable[[], Power | None] = power_now,
    ) -> None:
        self.clock = clock or RunningClock()
        self.seen: MachineLook | None = None
        self._read_memory, self._read_heat, self._read_power = read_memory, read_heat, read_power
        self._judge = MemoryDanger()
        self._guard = threading.Lock()
        self._danger = ""
        self._quiet_until = self._seldom = self.clock()

    def look(self) -> None:
        """Look once."""
        memory, now = self._read_memory(), self.clock()
        if memory is None:
            return
        if self.seen is None or now >= self._seldom:
            self._seldom = now + SELDOM
            self.seen = MachineLook(memory, self._read_heat(), self._read_power())
        else:
            self.seen = replace(self.seen, memory=memory)
        with self._guard:
            reason = self._judge.see(memory, now)
            if reason and now >= self._quiet_until:
                self._danger = reason

    def danger(self) -> str:
        """Why memory is dangerously short, if it was at any look since the last call; otherwise empty.

        Whoever asks does something about it, and is not told again until that can have helped.
        """
        with self._guard:
            reason, self._danger = self._danger, ""
            if reason:
                self._judge.begin_anew()
                self._quiet_until = self.clock() + QUIET
            return reason

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Look again and again for the length of a block, on a thread of its own."""
        over = threading.Event()
        pause = EVERY_WITH_TOOLS if on_mac() else EVERY

        def keep_looking() -> None:
            try:
                self.look()
                while not over.wait(pause):
                    self.look()
            except Exception:  # a run does not end because its machine cannot be watched
                log.exception("the machine cannot be watched any more")

        thread = threading.Thread(target=keep_looking, name="machine watch", daemon=True)
        thread.start()
        try:
            with self.clock.beating():
                yield
        finally:
            over.set()
            thread.join()
