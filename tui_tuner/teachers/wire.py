"""What lies under a request: its socket, which another thread can cut, and its bytes, which may be too many."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterable, Iterator
from typing import Any

from tui_tuner.errors import TeacherRefused
from tui_tuner.language import _

LONGEST_LINE = 4 << 20  # bytes


class Wire:
    """The socket of one request, held so that another thread can cut it.

    Closing a socket does not wake a thread that reads from it; shutting it down does (Linux, macOS). httpcore tells of
    each new socket through its `trace` extension.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_cut = False

    def on_event(self, name: str, about: dict[str, Any]) -> None:
        """Hear from httpcore what happens to the connection."""
        if name.endswith((".connect_tcp.complete", ".start_tls.complete")):
            with self._guard:
                self._socket = about["return_value"].get_extra_info("socket")
            if self._is_cut:
                self.cut()

    def cut(self) -> None:
        """Shut the socket down, now or as soon as there is one."""
        with self._guard:
            self._is_cut = True
            if self._socket is not None:
                with contextlib.suppress(OSError):  # closed already
                    self._socket.shutdown(socket.SHUT_RDWR)


def split_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines in a stream of bytes, each with its newline; one without was torn off when the stream ended.

    Raises:
        TeacherRefused: a line longer than `LONGEST_LINE`.
    """
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line + b"\n"
        if len(rest) > LONGEST_LINE:
            raise TeacherRefused(_("its answer is a line without end"))
    yield rest


def content_of(line: bytes) -> bytes:
    """The JSON in a line, if any: of server-sent events (WHATWG HTML, 9.2) only the data, and not their end mark."""
    if line.startswith((b":", b"event:", b"id:", b"retry:")):
        return b""
    content = line.removeprefix(b"data:").lstrip()
    return b"" if content.strip() == b"[DONE]" else content


def limited(chunks: Iterable[bytes], most: int) -> Iterator[bytes]:
    """The chunks of a body that may be `most` bytes long.

    Raises:
        TeacherRefused: it is longer.
    """
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > most:
            raise TeacherRefused(_("its answer is longer than {size} MB", size=most >> 20))
        yield chunk
