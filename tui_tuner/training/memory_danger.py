"""When memory is about to run out: judged from how it stands, second by second."""

from __future__ import annotations

from collections import deque

from tui_tuner import figures
from tui_tuner.environment.memory_now import MemoryNow
from tui_tuner.language import _

MEBIBYTE = 2**20
# Below this share of all memory, within bounds, the next large request may be refused.
LEAST_FREE_SHARE, LEAST_FREE, MOST_FREE = 0.03, 256 * MEBIBYTE, 1024 * MEBIBYTE
# Swapping slows training down long before memory is gone: so much more within so many seconds is a step that no longer
# fits, and not another program's old pages, which a Mac keeps swapped out for days.
SWAP_SHARE, LEAST_SWAP, SWAP_SECONDS = 0.04, 512 * MEBIBYTE, 30.0
# Swap may also grow while much is free, when the system tidies up; that harms nobody.
PLENTY = 0.25


class MemoryDanger:
    """Sees one reading after the other and says when it gets dangerous."""

    def __init__(self) -> None:
        self._swap: deque[tuple[float, int]] = deque()

    def see(self, now: MemoryNow, at: float) -> str:
        """Why it is dangerous, the beginning of a sentence; empty where it is not.

        Args:
            now: the reading.
            at: when, in seconds.
        """
        grown = self._growth(now.swap_used, at)
        words = {"free": figures.memory(now.free), "total": figures.memory(now.total)}
        if now.pressure == "critical":
            return _("memory is nearly full ({free} of {total} free, the system calls it critical)", **words)
        if now.free < min(max(LEAST_FREE_SHARE * now.total, LEAST_FREE), MOST_FREE):
            return _("memory is nearly full ({free} of {total} free)", **words)
        if grown > max(SWAP_SHARE * now.total, LEAST_SWAP) and now.free < PLENTY * now.total:
            amounts = {"grown": figures.memory(grown), "seconds": round(SWAP_SECONDS)}
            return _("the machine is swapping ({grown} more within {seconds} s)", **amounts)
        return ""

    def begin_anew(self) -> None:
        """Forget how swap has grown: something was done about it, and only what comes now counts."""
        self._swap.clear()

    def _growth(self, used: int, at: float) -> int:
        """How much more is swapped out than at the lowest point of the last `SWAP_SECONDS`."""
        self._swap.append((at, used))
        while self._swap[0][0] < at - SWAP_SECONDS:
            self._swap.popleft()
        return used - min(amount for _then, amount in self._swap)
