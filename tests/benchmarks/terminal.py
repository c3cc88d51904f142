"""A program in a real pseudo-terminal: type keys, wait for text, measure how long a paint takes."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time


class Terminal:
    """Runs `command` in a terminal of `columns` x `rows`; everything it prints is read."""

    def __init__(self, command: list[str], *, columns: int = 80, rows: int = 24, env: dict[str, str] | None = None):
        self.started = time.perf_counter()
        self.pid, self.handle = pty.fork()
        if self.pid == 0:
            os.environ.update({"TERM": "xterm-256color", "COLORTERM": "truecolor", **(env or {})})
            os.execvp(command[0], command)
        fcntl.ioctl(self.handle, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.seen = b""

    def read(self, seconds: float) -> bytes:
        """Whatever arrives within `seconds`, as soon as anything does."""
        ready, _, _ = select.select([self.handle], [], [], seconds)
        if not ready:
            return b""
        try:
            data = os.read(self.handle, 65536)
        except OSError:
            return b""
        self.seen += data
        return data

    def wait_for(self, text: str, seconds: float = 60) -> float:
        """Seconds from the start of the program until `text` was printed."""
        end = time.perf_counter() + seconds
        while text.encode() not in self.seen:
            if time.perf_counter() > end:
                raise TimeoutError(f"never printed: {text}")
            self.read(0.5)
        return time.perf_counter() - self.started

    def settle(self, quiet: float = 0.3, limit: float = 5) -> None:
        """Read until nothing has come for `quiet` seconds."""
        end = time.perf_counter() + limit
        while time.perf_counter() < end and self.read(quiet):
            pass

    def key_to_paint(self, key: str) -> float:
        """Seconds from a key until the first byte of what it changed."""
        pressed = time.perf_counter()
        os.write(self.handle, key.encode())
        while not self.read(2):
            pass
        return time.perf_counter() - pressed

    def type(self, keys: str) -> None:
        """Send keys."""
        os.write(self.handle, keys.encode())

    def end(self) -> None:
        """Kill the program."""
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except OSError:
            pass
        os.close(self.handle)
