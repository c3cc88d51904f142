"""A hub on this machine: as much of the Hugging Face hub as a download asks for, and as many of its bad days as wanted.

Two servers, as in life: the hub, which knows names and tokens and sends those who want large files on to the second
one, which keeps them and must never see a token.
"""

from __future__ import annotations

import hashlib
import http.server
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

COMMIT = "0123456789012345678901234567890123456789"
LARGE = 100_000  # bytes from which on a file is kept by the second server, as LFS files are
PIECE = 1 << 16


class SmallHub:
    """The hub of some repositories.

    Attributes:
        refusal: answers every question about a repository's files: (status, the hub's own error code).
        token: who does not bring it is refused as by a private repository; empty asks for none.
        bad_days: what the second server does before it behaves; each is used once, in this order.
        go_on: while it is cleared, large files stop half-way.
        asked: method and path of every request to the hub.
        ranges: what was asked of the second server, by its `Range` header; None for the whole.
        tokens_seen: the `Authorization` headers of the second server's requests.
    """

    def __init__(self, repositories: Mapping[str, Mapping[str, bytes]]) -> None:
        self.repositories = {name: dict(files) for name, files in repositories.items()}
        self.refusal: tuple[int, str] | None = None
        self.token = ""
        self.bad_days: list[Callable[[_Store, bytes], None]] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.half_sent = threading.Event()
        self.asked: list[str] = []
        self.ranges: list[str | None] = []
        self.tokens_seen: list[str] = []
        self._servers = [_Server(self, _Hub), _Server(self, _Store)]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._servers[0].server_port}"

    @property
    def store_url(self) -> str:
        return f"http://127.0.0.1:{self._servers[1].server_port}"

    @contextmanager
    def running(self) -> Iterator[SmallHub]:
        threads = [threading.Thread(target=server.serve_forever, args=(0.01,)) for server in self._servers]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self.go_on.set()
            for server, thread in zip(self._servers, threads, strict=True):
                server.shutdown()
                thread.join()
                server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, hub: SmallHub, answers: type[http.server.BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), answers)
        self.hub = hub

    def handle_error(self, *_arguments: Any) -> None:
        """A client that was killed is no news."""


class _Answers(http.server.BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    @property
    def hub(self) -> SmallHub:
        return self.server.hub

    def log_message(self, *_arguments: object) -> None:
        pass

    def reply(self, status: int, content: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


class _Hub(_Answers):
    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        path = self.path.partition("?")[0]
        self.hub.asked.append(f"{self.command} {path}")
        repository = re.match(r"(?:/api/models)?/([^/]+/[^/]+)", path)
        files = self.hub.repositories.get(repository[1]) if repository else None
        if files is None:
            self.reply(404, headers={"X-Error-Code": "RepoNotFound"})
        elif self.hub.token and self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            self.reply(401, headers={"X-Error-Message": "Invalid credentials in Authorization header"})
        elif "/tree/" in path:
            self.reply(
                200, json.dumps([{"type": "file", "path": name, **_facts(files[name])} for name in files]).encode()
            )
        elif path.startswith("/api/"):
            listed = [{"rfilename": name, **_facts(content, blob="blobId")} for name, content in files.items()]
            self.reply(200, json.dumps({"id": repository[1], "sha": COMMIT, "siblings": listed}).encode())
        elif self.hub.refusal:
            status, code = self.hub.refusal
            self.reply(status, headers={"X-Error-Code": code} if code else {})
        else:
            self.file(path, files)

    def file(self, path: str, files: Mapping[str, bytes]) -> None:
        name = path.partition("/resolve/")[2].partition("/")[2]
        content = files[name]
        facts = _facts(content)
        if "lfs" not in facts:
            self.reply(200, content, {"X-Repo-Commit": COMMIT, "ETag": f'"{facts["oid"]}"'})
            return
        linked = {"X-Linked-Size": str(len(content)), "X-Linked-ETag": f'"{facts["lfs"]["oid"]}"'}
        place = f"{self.hub.store_url}{path}?Signature=very-secret"
        self.reply(302, headers={"X-Repo-Commit": COMMIT, "Location": place, **linked})


class _Store(_Answers):
    def do_GET(self) -> None:
        hub = self.hub
        repository = "/".join(self.path.split("/")[1:3])
        content = hub.repositories[repository][self.path.partition("?")[0].partition("/resolve/")[2].partition("/")[2]]
        hub.ranges.append(self.headers.get("Range"))
        hub.tokens_seen += [self.headers["Authorization"]] if "Authorization" in self.headers else []
        if hub.bad_days:
            hub.bad_days.pop(0)(self, content)
        else:
            self.send(content)

    def send(self, content: bytes) -> None:
        """What was asked for: the whole, or from the first byte of `Range` on."""
        begin = self.begin()
        self.head(200 if begin == 0 else 206, len(content) - begin, begin, len(content))
        for place in range(begin, len(content), PIECE):
            if place >= len(content) // 2:
                self.wfile.flush()
                self.hub.half_sent.set()
                self.hub.go_on.wait()
            self.wfile.write(content[place : place + PIECE])

    def begin(self) -> int:
        return int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")[0])

    def head(self, status: int, length: int, begin: int = 0, whole: int = 0) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        if status == 206:
            self.send_header("Content-Range", f"bytes {begin}-{whole - 1}/{whole}")
        self.end_headers()


def _facts(content: bytes, blob: str = "oid") -> dict[str, Any]:
    """What the hub lists of a file."""
    facts: dict[str, Any] = {"size": len(content), blob: hashlib.sha1(content).hexdigest()}
    if len(content) >= LARGE:
        sha256 = hashlib.sha256(content).hexdigest()
        facts["lfs"] = {"oid": sha256, "sha256": sha256, "size": len(content), "pointerSize": 130}
    return facts


# -- bad days ----------------------------------------------------------------------------------------------------------


def drops_the_connection(store: _Store, content: bytes) -> None:
    """After a third of what was asked for."""
    rest = content[store.begin() :]
    store.head(206 if store.begin() else 200, len(rest), store.begin(), len(content))
    store.wfile.write(rest[: len(rest) // 3])
    store.wfile.flush()
    store.close_connection = True


def is_busy(store: _Store, content: bytes) -> None:
    store.reply(503)


def ends_early(store: _Store, content: bytes) -> None:
    """As if that were all of it."""
    store.reply(200, content[: len(content) // 4])


def sends_too_much(store: _Store, content: bytes) -> None:
    store.reply(200, content + bytes(1000))


def sends_something_else(store: _Store, content: bytes) -> None:
    store.reply(200, bytes(len(content)))


def ignores_the_range(store: _Store, content: bytes) -> None:
    store.reply(200, content)
