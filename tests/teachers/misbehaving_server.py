"""A server on loopback that plays Ollama, and everything that goes wrong with it, on real sockets."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tui_tuner.teachers.ollama_address import Address

TLS_HELLO = b"\x16\x03"
WITHIN = 10.0  # seconds after which a test has failed rather than waits


@dataclass
class Asked:
    """One request: what was asked, and the connection to answer on."""

    method: str
    path: str
    body: Any
    headers: str
    connection: socket.socket

    def send(self, content: bytes) -> None:
        self.connection.sendall(content)

    def start_stream(self) -> None:
        self.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n"
            b"Connection: close\r\n\r\n"
        )

    def chunk(self, content: bytes) -> None:
        self.send(b"%x\r\n%s\r\n" % (len(content), content))

    def lines(self, *rows: Any) -> None:
        for row in rows:
            self.chunk(json.dumps(row).encode() + b"\n")

    def end_stream(self) -> None:
        self.send(b"0\r\n\r\n")

    def wait_until_gone(self) -> None:
        """Return when the client has closed the connection."""
        with contextlib.suppress(OSError):
            while self.connection.recv(65536):
                pass


Behaviour = Callable[[Asked], None]


def reply(value: Any, status: int = 200) -> Behaviour:
    return raw(json.dumps(value).encode(), status)


def raw(content: bytes, status: int = 200) -> Behaviour:
    def behave(asked: Asked) -> None:
        head = f"HTTP/1.1 {status} Status\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        asked.send(head.encode() + content)

    return behave


def stream(*rows: Any) -> Behaviour:
    """The rows, one JSON line each, and a proper end of the HTTP body."""

    def behave(asked: Asked) -> None:
        asked.start_stream()
        asked.lines(*rows)
        asked.end_stream()

    return behave


def text(*pieces: str, **last: Any) -> Behaviour:
    """A chat answer in pieces with its last word."""
    rows = [{"message": {"role": "assistant", "content": piece}, "done": False} for piece in pieces]
    ended = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop", **last}
    return stream(*rows, ended)


def garbage(content: bytes) -> Behaviour:
    def behave(asked: Asked) -> None:
        asked.start_stream()
        asked.lines({"message": {"content": "good"}, "done": False})
        asked.chunk(content)
        asked.end_stream()

    return behave


def reset(*rows: Any) -> Behaviour:
    """Some rows, then a TCP reset in the middle of the body."""

    def behave(asked: Asked) -> None:
        asked.start_stream()
        asked.lines(*rows)
        asked.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return behave


def torn(*rows: Any) -> Behaviour:
    """Some rows, then the connection closes without the body's end: the server was killed."""

    def behave(asked: Asked) -> None:
        asked.start_stream()
        asked.lines(*rows)

    return behave


def hang_up(_asked: Asked) -> None:
    """Close without a word."""


class MisbehavingServer:
    """Answers each request with the next behaviour; the last one repeats.

    Attributes:
        asked: every request, in order.
        was_asked: set with the first one.
        client_gone: set when a client has left a behaviour that waits for it.
    """

    def __init__(self, *behaviours: Behaviour, port: int = 0) -> None:
        self._behaviours = list(behaviours)
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self.asked: list[Asked] = []
        self.was_asked, self.client_gone = threading.Event(), threading.Event()
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def address(self) -> Address:
        return Address(port=self.port)

    def silent(self, *rows: Any) -> Behaviour:
        """A behaviour: some rows, then never another word; sees the client go."""

        def behave(asked: Asked) -> None:
            if rows:
                asked.start_stream()
                asked.lines(*rows)
            self.was_asked.set()
            asked.wait_until_gone()
            self.client_gone.set()

        return behave

    def then(self, *behaviours: Behaviour) -> MisbehavingServer:
        self._behaviours += behaviours
        return self

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(WITHIN)

    def __enter__(self) -> MisbehavingServer:
        return self

    def __exit__(self, *_details: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _peer = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):  # the client left, which is what some tests want
            asked = _read(connection)
            self.asked.append(asked)
            behaviour = self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]
            behaviour(asked)


def _read(connection: socket.socket) -> Asked:
    content = b""
    while b"\r\n\r\n" not in content:
        content += _more(connection)
        if content.startswith(TLS_HELLO):
            connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTPS request to an HTTP server.")
            raise ConnectionError("the client speaks TLS")
    head, _blank, body = content.partition(b"\r\n\r\n")
    first, _newline, headers = head.decode().partition("\r\n")
    length = next(
        (int(line.split(":")[1]) for line in headers.split("\r\n") if line.lower().startswith("content-length")), 0
    )
    while len(body) < length:
        body += _more(connection)
    method, path, _version = first.split()
    return Asked(method, path, json.loads(body) if body else None, headers, connection)


def _more(connection: socket.socket) -> bytes:
    content = connection.recv(65536)
    if not content:
        raise ConnectionError("the client left")
    return content
