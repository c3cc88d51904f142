"""An Ollama on loopback that behaves: its models, what it holds in memory, its context, and pulls in layers.

Answers by rule: a list of questions where one is asked for, otherwise a sentence with the question in it. Run as a
script it serves until it is stopped, to try the program by hand:

    python tests/teachers/small_ollama.py [--port 11434] [--seconds-per-layer 5]
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GIGABYTE = 1_000_000_000
MISTRAL = {"name": "mistral:7b", "size": 4_372_824_384, "details": {"family": "llama", "parameter_size": "7.2B"}}
QWEN = {"name": "qwen3:4b", "size": 2_497_293_931, "details": {"family": "qwen3", "parameter_size": "4.0B"}}
LAYERS = (("sha256:" + "ff82381e2bea" + "0" * 52, 4_372_811_392), ("sha256:" + "43070e2d4e53" + "0" * 52, 11_356))


class SmallOllama(ThreadingHTTPServer):
    """Serves until it is closed.

    Args:
        models: the rows of its list.
        context: tokens each model can hold.
        tokens_of_word: tokens in each word of a prompt.
        old: does not know `truncate`: an overlong conversation loses its oldest turns without a word.
        caches: counts in `prompt_eval_count` only what was not in memory from the request before.
        seconds: how long each answer takes.
        seconds_per_layer: how long pulling one layer takes.

    Attributes:
        loaded: the models in its memory.
        asked: the models of the chats, in the order they came.
        bodies: the bodies of the chats.
        evictions: the models taken out of memory on request.
        busy: models that stay in memory all the same, because they are just answering.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        *models: dict[str, Any],
        context: int = 32_768,
        tokens_of_word: int = 1,
        old: bool = False,
        caches: bool = False,
        seconds: float = 0.0,
        seconds_per_layer: float = 0.0,
        port: int = 0,
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.models, self.context, self.old, self.caches = list(models), context, old, caches
        self.seconds, self.seconds_per_layer, self.tokens_of_word = seconds, seconds_per_layer, tokens_of_word
        self.port: int = self.server_address[1]
        self.place = f"localhost:{self.port}"
        self.loaded: set[str] = set()
        self.asked: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.evictions: list[str] = []
        self.busy: set[str] = set()
        self.cached: list[str] = []
        self.pulled: dict[str, int] = {}
        self.numbers = itertools.count()
        self.guard = threading.Lock()
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def __exit__(self, *details: object) -> None:
        self.shutdown()
        super().__exit__(*details)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: SmallOllama

    def log_message(self, *_arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        with self.server.guard:
            loaded = [{**row, "size_vram": 0} for row in self.server.models if row["name"] in self.server.loaded]
        answers = {
            "/api/tags": {"models": self.server.models},
            "/api/version": {"version": "0.13.5"},
            "/api/ps": {"models": loaded},
        }
        self._whole(answers.get(self.path, {"error": "404 page not found"}), 200 if self.path in answers else 404)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with contextlib.suppress(OSError):  # the client left
            {
                "/api/chat": self._chat,
                "/api/generate": self._generate,
                "/api/show": self._show,
                "/api/pull": self._pull,
            }[self.path](body)

    def _show(self, body: dict[str, Any]) -> None:
        info = {"general.architecture": "llama", "llama.context_length": self.server.context}
        self._whole({"model_info": info, "asked": body["model"]})

    def _generate(self, body: dict[str, Any]) -> None:
        assert body["keep_alive"] == 0
        with self.server.guard:
            self.server.loaded -= {body["model"]} - self.server.busy
            self.server.evictions.append(body["model"])
            self.server.cached = []
        self._whole({"done": True, "done_reason": "unload"})

    def _chat(self, body: dict[str, Any]) -> None:
        server, messages = self.server, body["messages"]
        room = min(body["options"]["num_ctx"], server.context)
        if self._tokens(messages) > room and not server.old and body.get("truncate") is False:
            self._whole({"error": "the input length exceeds the context length"}, 400)
            return
        while self._tokens(messages) > room and len(messages) > 1:
            messages = messages[1:]
        contents = [message["content"] for message in messages]
        with server.guard:
            server.loaded.add(body["model"])
            server.asked.append(body["model"])
            server.bodies.append(body)
            known = len(
                list(itertools.takewhile(lambda pair: pair[0] == pair[1], zip(contents, server.cached, strict=False)))
            )
            server.cached = contents
        read = min(self._tokens(messages[known if server.caches else 0 :]), room)
        time.sleep(server.seconds)
        text = self._say(contents[-1])
        self._stream(
            {"message": {"role": "assistant", "content": text}, "done": False},
            {
                "message": {"content": ""},
                "done": True,
                "done_reason": "stop",
                "prompt_eval_count": read,
                "eval_count": len(text.split()),
            },
        )

    def _tokens(self, messages: list[dict[str, Any]]) -> int:
        return self.server.tokens_of_word * sum(len(message["content"].split()) for message in messages)

    def _say(self, question: str) -> str:
        if question.startswith("Please list"):
            return json.dumps([f"How do I count to {next(self.server.numbers)}?" for _place in range(25)])
        return f"{question[-60:].rstrip('?')}: begin with one, then say the number after it."

    def _pull(self, body: dict[str, Any]) -> None:
        self._start()
        self._line({"status": "pulling manifest"})
        for digest, total in LAYERS:
            while True:
                done = self.server.pulled.get(digest, 0)
                self._line({"status": f"pulling {digest[7:19]}", "digest": digest, "total": total, "completed": done})
                if done >= total:
                    break
                seconds = self.server.seconds_per_layer  # a test may change it meanwhile
                if seconds:
                    time.sleep(0.1)
                part = 0.1 / seconds if seconds else 0.5
                self.server.pulled[digest] = min(total, done + max(1, int(total * part)))
        self.server.models.insert(0, {**MISTRAL, "name": body["model"]})
        for status in ("verifying sha256 digest", "writing manifest", "success"):
            self._line({"status": status})
        self.wfile.write(b"0\r\n\r\n")

    def _whole(self, value: Any, status: int = 200) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, *rows: Any) -> None:
        self._start()
        for row in rows:
            self._line(row)
        self.wfile.write(b"0\r\n\r\n")

    def _start(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _line(self, row: dict[str, Any]) -> None:
        content = json.dumps(row).encode() + b"\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=11434)
    parser.add_argument("--seconds-per-layer", type=float, default=5.0)
    parser.add_argument("--seconds", type=float, default=0.0)
    chosen = parser.parse_args()
    with SmallOllama(
        MISTRAL, QWEN, port=chosen.port, seconds_per_layer=chosen.seconds_per_layer, seconds=chosen.seconds
    ):
        threading.Event().wait()


if __name__ == "__main__":
    main()
