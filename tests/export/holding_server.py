"""A server on loopback that can be held half-way through a file it is sent, and stopping a job while it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tui_tuner.errors import Stopped
from tui_tuner.progress import StopToken

WITHIN = 60  # seconds


class HoldingServer(ThreadingHTTPServer):
    """Serves until it is closed.

    Attributes:
        go_on: while it is cleared, the server waits when it has half of a file.
        half: set when it has half of a file.
    """

    daemon_threads = True

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.go_on, self.half = threading.Event(), threading.Event()
        self.go_on.set()
        self.place = f"127.0.0.1:{self.server_address[1]}"

    def start(self) -> None:
        """Begin to answer."""
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def __exit__(self, *details: object) -> None:
        self.go_on.set()
        self.shutdown()
        super().__exit__(*details)

    def handle_error(self, *_arguments: Any) -> None:
        """A client that was killed is no news."""

    def stopped_half_way(self, job: Callable[[StopToken], object], *, held: bool) -> bool:
        """Ask `job` to stop when half of a file is here; whether it said that it did. `held` keeps it from going on."""
        self.go_on.clear()
        stop, caught = StopToken(), []

        def run() -> None:
            try:
                job(stop)
            except Stopped as stopped:
                caught.append(stopped)

        thread = threading.Thread(target=run)
        thread.start()
        assert self.half.wait(WITHIN)
        stop.request()
        if not held:
            self.go_on.set()
        thread.join(WITHIN)
        return bool(caught) and not thread.is_alive()
