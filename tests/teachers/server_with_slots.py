"""A server on loopback that answers a fixed number of requests at the same time and lets the others queue.

It speaks Ollama's language, both ways: `/api/chat` in a stream, `/api/generate` as a whole.
"""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WORDS = ["Open", " the", " settings", " of", " your", " site", " and", " save", " them", "."]


class ServerWithSlots(ThreadingHTTPServer):
    """Serves until it is closed.

    Args:
        slots: requests answered at the same time.
        seconds: how long an answer takes once it has its slot.
        streams: send words as they come, the first after a tenth of the time; otherwise all at the end.

    Attributes:
        answered: chat requests answered.
        most: the most requests that were there at the same time, queued ones included.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, slots: int, seconds: float, *, streams: bool = True) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.slots, self.seconds, self.streams = threading.BoundedSemaphore(slots), seconds, streams
        self.port: int = self.server_address[1]
        self.here = self.most = self.answered = 0
        self.guard = threading.Lock()
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def __exit__(self, *details: object) -> None:
        self.shutdown()
        super().__exit__(*details)

    def count(self, change: int) -> None:
        with self.guard:
            self.here += change
            self.most = max(self.most, self.here)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ServerWithSlots

    def log_message(self, *_arguments: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.count(1)
        try:
            with self.server.slots:
                self._answer(body)
        finally:
            self.server.count(-1)

    def _answer(self, body: dict[str, Any]) -> None:
        if self.path == "/api/generate":
            time.sleep(self.server.seconds)
            content = json.dumps({"response": "".join(WORDS), "done": True}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            return
        # Told by its question, so that no answer looks like another one's copy.
        words = [f"{body['messages'][-1]['content']} ", *WORDS]
        began = time.monotonic()
        for place, word in enumerate(words):
            due = self.server.seconds * (place + 1) / len(words) if self.server.streams else self.server.seconds
            time.sleep(max(0.0, began + due - time.monotonic()))
            if place == 0:
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
            self._line({"message": {"role": "assistant", "content": word}, "done": False})
        with self.server.guard:
            self.server.answered += 1  # before its last word: a test counts as soon as it has come
        self._line({"message": {"content": ""}, "done": True, "done_reason": "stop", "eval_count": len(words)})
        self.wfile.write(b"0\r\n\r\n")

    def _line(self, row: dict[str, Any]) -> None:
        content = json.dumps(row).encode() + b"\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))
