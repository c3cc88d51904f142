"""A JSON server that also takes files, and requests that are answered by a status alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tui_tuner.teachers.json_server import CONNECT_WITHIN, JsonServer, error_text
from tui_tuner.teachers.wire import LONGEST_LINE, limited

if TYPE_CHECKING:
    import httpx

WELL = (200, 201, 204)


class FileServer(JsonServer):
    """Like `JsonServer`; its methods raise the same."""

    def exists(self, path: str) -> bool:
        """Whether there is something at `path`."""
        with self._answer("HEAD", path) as response:
            if response.status_code == 404:
                return False
            self._require_well(response)
            return True

    def tell(self, method: str, path: str, body: dict[str, Any]) -> None:
        """Have something done whose answer is a status alone."""
        with self._answer(method, path, json=body) as response:
            self._require_well(response)

    def send(self, path: str, content: Iterator[bytes], length: int) -> None:
        """Post a file piece by piece; what `content` raises ends the connection and is raised here.

        Args:
            path: where to.
            content: its bytes.
            length: how many there are.
        """
        headers = {"Content-Length": str(length), "Content-Type": "application/octet-stream"}
        with self._answer("POST", path, content=content, headers=headers, patience=self._answer_within) as response:
            self._require_well(response)

    @contextlib.contextmanager
    def _answer(
        self, method: str, path: str, *, patience: float | None = None, **request: Any
    ) -> Iterator[httpx.Response]:
        import httpx

        timeout = httpx.Timeout(patience or self._patience, connect=CONNECT_WITHIN)
        with self._failures(), self._connected_client().stream(method, path, timeout=timeout, **request) as response:
            yield response

    def _require_well(self, response: httpx.Response) -> None:
        if response.status_code not in WELL:
            text = b"".join(limited(response.iter_bytes(), LONGEST_LINE))
            raise self._refusal(response.status_code, error_text(text))
