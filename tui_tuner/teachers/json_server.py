"""A server on this machine or near it that speaks JSON over HTTP: one request, its answer, and all that goes wrong.

A request that streams runs on a thread of its own, because a blocking read can neither be interrupted nor be given a
short time-out: until the first word the server may be loading a model for minutes. Whoever waits looks at the stop
token ten times a second; when the person stops, the socket is cut, so that the server notices and stops writing too.

Text from a server is data: it goes into messages only on one line and without control characters.
"""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tui_tuner.errors import TeacherError, TeacherRefused, TeacherUnavailable
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.progress import StopToken
from tui_tuner.teachers.ollama_address import Address
from tui_tuner.teachers.server_errors import EmptyAnswer, ServerAway, ServerBusy
from tui_tuner.teachers.wire import LONGEST_LINE, Wire, content_of, limited, split_lines

if TYPE_CHECKING:
    import httpx

CONNECT_WITHIN = 5.0  # seconds
ANSWER_WITHIN = 300.0  # seconds without a byte: covers the server's queue, its loading of a model, and a long prompt
LOOK_EVERY = 0.1  # seconds between two looks at the stop token
LONGEST_BODY = 64 << 20  # bytes
BUSY = frozenset({408, 429, 502, 503, 504})

Explain = Callable[[int, str], TeacherError | None]


class JsonServer:
    """A server at an address.

    Args:
        name: as a person knows it: "Ollama".
        address: where it listens.
        advice: what to do when nobody answers there.
        explain: what a status with an error text means; None where this class's own reading will do. Status 200 stands
            for an error in the middle of a stream.
        patience: seconds a short question waits.
        answer_within: seconds a stream may be silent.
        key: sent with every request, where the server wants one; it is in no message and in no log.
    """

    def __init__(
        self,
        name: str,
        address: Address,
        *,
        advice: str = "",
        explain: Explain | None = None,
        patience: float = 10.0,
        answer_within: float = ANSWER_WITHIN,
        key: str = "",
    ) -> None:
        self.name, self.address = name, address
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._advice, self._explain = advice, explain
        self._patience, self._answer_within = patience, answer_within
        self._client: httpx.Client | None = None
        self._guard = threading.Lock()

    @property
    def where(self) -> str:
        """The server as a message names it: "Ollama at localhost:11434"."""
        return _("{name} at {address}", name=self.name, address=one_line(str(self.address), 60))

    def close(self) -> None:
        """Close what is open."""
        with self._guard:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask one short question and return the whole answer, a JSON object.

        Raises:
            ServerAway: nobody answers, or it is too busy.
            TeacherUnavailable: it broke off.
            TeacherRefused: it does not do this, or does not speak JSON.
        """
        import httpx

        with self._failures(), self._open(method, path, body, httpx.Timeout(self._patience), None) as response:
            return self._object(b"".join(limited(response.iter_bytes(), LONGEST_BODY)))

    def stream(self, path: str, body: dict[str, Any], *, stop: StopToken) -> Iterator[dict[str, Any]]:
        """Post `body` and give each JSON object of the answer as it arrives; closing the iterator cuts the connection.

        They may come one a line, or as the data of server-sent events.

        Raises:
            ServerAway: nobody answers, or it is too busy.
            TeacherUnavailable: it broke off, or said nothing for `answer_within` seconds.
            TeacherRefused: it does not do this, or does not speak JSON lines.
            Stopped: asked to; takes effect within `LOOK_EVERY`, whatever the server does.
        """
        news: queue.SimpleQueue[dict[str, Any] | Exception | None] = queue.SimpleQueue()
        wire = Wire()
        # A daemon: a name server that hangs must not keep the program from ending.
        reader = threading.Thread(
            target=self._read, args=(path, body, wire, news), name=f"{self.name} reader", daemon=True
        )
        reader.start()
        try:
            while True:
                if stop.requested:
                    stop.check()
                try:
                    item = news.get(timeout=LOOK_EVERY)
                except queue.Empty:
                    continue
                if item is None:
                    return
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            wire.cut()
            reader.join(1.0)

    def _read(
        self,
        path: str,
        body: dict[str, Any],
        wire: Wire,
        news: queue.SimpleQueue[dict[str, Any] | Exception | None],
    ) -> None:
        import httpx

        timeout = httpx.Timeout(self._answer_within, connect=CONNECT_WITHIN)
        try:
            with self._failures(), self._open("POST", path, body, timeout, wire) as response:
                for line in split_lines(response.iter_bytes()):
                    if content := content_of(line):
                        news.put(self._object(content))
            news.put(None)
        except Exception as error:  # whatever it is, it belongs to whoever waits
            news.put(error)

    @contextlib.contextmanager
    def _open(
        self, method: str, path: str, body: dict[str, Any] | None, timeout: httpx.Timeout, wire: Wire | None
    ) -> Iterator[httpx.Response]:
        extensions = {"trace": wire.on_event} if wire is not None else {}
        client = self._connected_client()
        with client.stream(method, path, json=body, timeout=timeout, extensions=extensions) as response:
            if response.status_code != 200:
                text = b"".join(limited(response.iter_bytes(), LONGEST_LINE))
                raise self._refusal(response.status_code, error_text(text))
            yield response

    def _connected_client(self) -> httpx.Client:
        import httpx

        with self._guard:
            if self._client is None:
                self._client = httpx.Client(
                    base_url=self.address.url,
                    headers=self._headers,
                    # A proxy of the environment must not stand between this machine and itself.
                    trust_env=not self.address.loopback,
                    # Certificates take 60 ms to load, and plain HTTP has none.
                    verify=self.address.scheme == "https",
                    # Every request has a socket of its own, so that cutting it never hits another one.
                    limits=httpx.Limits(max_keepalive_connections=0),
                )
            return self._client

    def _object(self, line: bytes) -> dict[str, Any]:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if value is None and line.startswith(b"{") and not line.endswith((b"}", b"\n")):
            raise TeacherUnavailable(_("the connection broke off in the middle of a line"), where=self.where)
        if not isinstance(value, dict):
            raise (TeacherRefused if line.strip() else EmptyAnswer)(
                _("this is not an answer of {name}: {line}", name=self.name, line=_start_of(line) or _("(empty)")),
                where=self.where,
                advice=_("Another program may listen there: check the address."),
            )
        if text := _error_of(value):
            raise self._refusal(200, text)
        return value

    def _refusal(self, status: int, text: str) -> TeacherError:
        text = one_line(text, 300)
        error = self._explain(status, text) if self._explain is not None else None
        if error is None and status in BUSY:
            error = ServerBusy(_("it is busy: {text}", text=text or status))
        if error is None:
            reason = text or _("no reason given")
            error = TeacherRefused(_("it refuses (status {status}): {reason}", status=status, reason=reason))
        return error

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        """Turn what the connection can do wrong into what it means for the person."""
        import httpx

        try:
            yield
        except TeacherError as error:
            error.where = error.where or self.where
            raise
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise self._not_connected(error) from error
        except httpx.TimeoutException as error:
            raise TeacherUnavailable(_("it did not answer in time"), where=self.where, advice=self._advice) from error
        except httpx.TransportError as error:
            if isinstance(error, httpx.UnsupportedProtocol):
                raise self._bad_address() from error
            raise TeacherUnavailable(
                _("the connection broke off: {error}", error=one_line(str(error), 120)), where=self.where
            ) from error
        except (httpx.InvalidURL, UnicodeError) as error:  # the latter for a name that no name server can be asked for
            raise self._bad_address() from error
        except httpx.DecodingError as error:
            raise TeacherRefused(_("its answer cannot be read"), where=self.where) from error

    def _not_connected(self, error: Exception) -> TeacherError:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLError):
                return TeacherRefused(
                    _("no safe connection: {error}", error=one_line(str(cause), 120)),
                    where=self.where,
                    advice=_("Check whether the address should begin with http:// or https://."),
                )
            if isinstance(cause, socket.gaierror):
                return ServerAway(
                    _("no machine of this name can be found"),
                    where=self.where,
                    advice=_("Check the address and the connection."),
                )
            cause = cause.__cause__ or cause.__context__
        return ServerAway(_("nobody answers there"), where=self.where, advice=self._advice)

    def _bad_address(self) -> TeacherRefused:
        return TeacherRefused(
            _("this is not an address: {url}", url=one_line(self.address.url, 80)),
            where=self.where,
            advice=_("Write it like localhost:11434 or https://example.com."),
        )


def error_text(body: bytes) -> str:
    """What an answer with an error status says."""
    text = body.decode(errors="replace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return (_error_of(value) if isinstance(value, dict) else "") or text


def _error_of(value: dict[str, Any]) -> str:
    """The error an object reports: Ollama's and mlx-lm's is a text, OpenAI's an object; empty where it reports none."""
    error = value.get("error")
    if isinstance(error, dict):
        return str(error.get("message") or error)
    return error if isinstance(error, str) else ""


def _start_of(line: bytes) -> str:
    return one_line(line[:400].decode(errors="replace"), 80)
