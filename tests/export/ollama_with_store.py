"""An Ollama on loopback into which models are brought: its store is a folder, as the real one's, and it has bad days.

It renders by the template it was given and counts tokens with the tokenizer it was given; what it answers, a test says.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from export.go_in_jinja import run_go
from export.holding_server import HoldingServer
from tokenizers import Tokenizer

BLOCK = 1 << 16


class OllamaWithStore(HoldingServer):
    """See `HoldingServer`.

    Args:
        store: the folder of its blobs and manifests.
        tokenizer: the file of the tokenizer it counts with.
        says: what it answers to a question.

    Attributes:
        bad_days: what it does to the next files it is sent; each is used once, in this order.
        on_create: replaces how a model is made.
        mangle: what becomes of a template it is given.
        shows_prompts: whether it can show what it puts to a model, as newer versions can.
        adds_bos: whether it puts a first token before every text, whatever the tokenizer says.
        received: the digests of the files it was sent whole.
        created: the bodies of the requests to make a model.
    """

    def __init__(self, store: Path, tokenizer: Path, says: Callable[[str], str]) -> None:
        super().__init__(_Handler)
        self.store, self.says, self.tokenizer = store, says, Tokenizer.from_file(str(tokenizer))
        (store / "blobs").mkdir(parents=True)
        (store / "manifests").mkdir()
        self.bad_days: list[str] = []
        self.on_create: Callable[[_Handler, dict[str, Any]], None] | None = None
        self.mangle: Callable[[str], str] = str
        self.shows_prompts, self.adds_bos = True, False
        self.received: list[str] = []
        self.created: list[dict[str, Any]] = []
        self.evicted: list[str] = []
        self.cut = threading.Event()
        self.start()

    def blob(self, digest: str) -> Path:
        return self.store / "blobs" / digest.replace(":", "-")

    def keep(self, content: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.blob(digest).write_bytes(content)
        return digest

    def manifest(self, name: str) -> Path:
        return self.store / "manifests" / (name if ":" in name else f"{name}:latest").replace(":", "/")

    def model(self, name: str) -> dict[str, Any] | None:
        path = self.manifest(name)
        return json.loads(path.read_bytes()) if path.is_file() else None

    def names(self) -> list[str]:
        return sorted(
            f"{path.parent.name}:{path.name}" for path in (self.store / "manifests").rglob("*") if path.is_file()
        )

    def make(self, name: str, **facts: Any) -> None:
        """A model of one layer, with what else is known of it beside."""
        whole = [digest for file, digest in facts.get("files", {}).items() if file.endswith(".gguf")]
        made = json.dumps([name, sorted(facts.get("files", {})), facts.get("quantize")]).encode()
        layer = whole[0] if whole and "quantize" not in facts else self.keep(made)
        path = self.manifest(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"layers": [{"digest": layer}], **facts}))

    def remove(self, name: str) -> None:
        """As the real one: the layers of this model alone go with it, never what was only uploaded."""
        layers = self.model(name)["layers"]
        self.manifest(name).unlink()
        used = {layer["digest"] for other in self.names() for layer in self.model(other)["layers"]}
        for layer in layers:
            if layer["digest"] not in used:
                self.blob(layer["digest"]).unlink()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: OllamaWithStore

    def log_message(self, *_arguments: object) -> None:
        pass

    def do_HEAD(self) -> None:
        there = self.server.blob(self.path.rpartition("/")[2]).is_file()
        self.whole(None, 200 if there else 404)

    def do_GET(self) -> None:
        rows = [{"name": name, "size": 1} for name in self.server.names()]
        self.whole({"/api/tags": {"models": rows}, "/api/version": {"version": "0.13.5"}}[self.path])

    def do_DELETE(self) -> None:
        self.server.remove(self.body()["model"])
        self.whole(None)

    def do_POST(self) -> None:
        if self.path.startswith("/api/blobs/"):
            with contextlib.suppress(OSError):
                self.take(self.path.rpartition("/")[2])
            return
        body = self.body()
        {
            "/api/create": self.create,
            "/api/copy": self.copy,
            "/api/show": self.show,
            "/api/chat": self.chat,
            "/api/generate": self.evict,
        }[self.path](body)

    def body(self) -> dict[str, Any]:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def take(self, digest: str) -> None:
        server, length = self.server, int(self.headers["Content-Length"])
        day = server.bad_days.pop(0) if server.bad_days else ""
        content = b""
        while len(content) < length:
            piece = self.rfile.read(min(BLOCK, length - len(content)))
            if not piece:
                server.cut.set()
                return
            content += piece
            if len(content) >= length / 2 and day == "breaks off":
                self.connection.close()
                return
            if len(content) >= length / 2 and not server.go_on.is_set() and length > BLOCK:
                server.half.set()
                server.go_on.wait()
        if day == "disk full":
            self.whole({"error": "write /blobs/sha256-1: no space left on device"}, 500)
        elif day == "damaged" or server.keep(content) != digest:
            self.whole({"error": f'digest mismatch, expected "{digest}", got "sha256:0"'}, 400)
        else:
            server.received.append(digest)
            self.whole(None, 201)

    def create(self, body: dict[str, Any]) -> None:
        server = self.server
        server.created.append(body)
        if server.on_create is not None:
            server.on_create(self, body)
            return
        facts = {key: body[key] for key in ("files", "template", "parameters", "quantize") if key in body}
        if "from" in body:
            facts = {**server.model(body["from"]), **facts}
            facts.pop("layers")
        elif missing := [name for name, digest in body["files"].items() if not server.blob(digest).is_file()]:
            self.lines({"error": f"no such blob: {missing}"})
            return
        else:
            facts["adds_bos"] = self.adds_bos(body["files"])
        server.make(body["model"], **{**facts, "template": server.mangle(facts.get("template", ""))})
        self.lines({"status": "converting model"}, {"status": "writing manifest"}, {"status": "success"})

    def adds_bos(self, files: dict[str, str]) -> bool:
        """What the file says; where it says nothing, a first token is added."""
        if "tokenizer_config.json" in files:
            return json.loads(self.server.blob(files["tokenizer_config.json"]).read_bytes()).get("add_bos_token", True)
        from gguf import GGUFReader

        (digest,) = files.values()
        return bool(GGUFReader(self.server.blob(digest)).fields["tokenizer.ggml.add_bos_token"].contents())

    def copy(self, body: dict[str, Any]) -> None:
        source, path = self.server.manifest(body["source"]), self.server.manifest(body["destination"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.read_bytes())
        self.whole(None)

    def show(self, body: dict[str, Any]) -> None:
        model = self.server.model(body["model"])
        parameters = "\n".join(f'stop  "{text}"' for text in model["parameters"]["stop"])
        self.whole({"template": model["template"], "parameters": parameters})

    def chat(self, body: dict[str, Any]) -> None:
        model = self.server.model(body["model"])
        prompt = run_go(model["template"], body["messages"], think=body["think"])
        if body.get("_debug_render_only") and self.server.shows_prompts:
            self.whole({"_debug_info": {"rendered_template": prompt}})
            return
        read = len(self.server.tokenizer.encode(prompt).ids) + (self.server.adds_bos or model["adds_bos"])
        said = {"message": {"role": "assistant", "content": self.server.says(body["messages"][-1]["content"])}}
        self.lines({**said, "done": False}, {"done": True, "done_reason": "length", "prompt_eval_count": read})

    def evict(self, body: dict[str, Any]) -> None:
        assert body["keep_alive"] == 0
        self.server.evicted.append(body["model"])
        self.whole({"done": True, "done_reason": "unload"})

    def whole(self, value: Any, status: int = 200) -> None:
        content = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def lines(self, *rows: Any) -> None:
        self.whole_text("".join(json.dumps(row) + "\n" for row in rows))

    def whole_text(self, text: str) -> None:
        content = text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
