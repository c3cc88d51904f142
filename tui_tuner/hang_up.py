"""Ending when the terminal is closed, or when the system asks: what the jobs have is saved first.

The event loop cannot do this: once the terminal is gone, nobody reads what Textual writes, its queue fills up and the
loop waits for ever. So the signal is taken by the interpreter itself, and the ending is done on a thread of its own.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType


def end_on_signals(stop: Callable[[], None], saved: Callable[[], None], close: Callable[[], None]) -> None:
    """On SIGHUP and SIGTERM: `stop` the work, wait until it is `saved`, `close`, and end with 128 plus the signal.

    Does nothing off the main thread, where signals cannot be taken.
    """
    if threading.current_thread() is not threading.main_thread():
        return

    def end(number: int) -> None:
        try:
            stop()
            saved()
            close()
        finally:
            if number == signal.SIGTERM and os.isatty(1):
                _restore_terminal()
            os._exit(128 + number)

    def take(number: int, _frame: FrameType | None) -> None:
        threading.Thread(target=end, args=(number,), name="ending", daemon=True).start()

    signal.signal(signal.SIGHUP, take)
    signal.signal(signal.SIGTERM, take)


def _restore_terminal() -> None:
    """Leave the terminal as a shell expects it: main screen, cursor, no mouse reports, lines with echo."""
    import termios

    os.write(1, b"\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?2004l\x1b[?1004l\x1b[<u\x1b[?1049l\x1b[?25h")
    mode = termios.tcgetattr(0)
    mode[0] |= termios.ICRNL | termios.IXON
    mode[1] |= termios.OPOST
    mode[3] |= termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN
    termios.tcsetattr(0, termios.TCSADRAIN, mode)
