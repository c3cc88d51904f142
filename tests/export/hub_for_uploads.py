"""As much of the Hugging Face hub, on this machine, as an upload asks for, and some of its bad days."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from http.server import BaseHTTPRequestHandler
from typing import Any

from export.holding_server import HoldingServer

COMMIT = "0123456789012345678901234567890123456789"
LARGE = 10_000  # bytes from which on a file goes through the large file store
BLOCK = 1 << 14


class HubForUploads(HoldingServer):
    """See `HoldingServer`.

    Attributes:
        token: who does not bring it is refused.
        repositories: name -> {"private": whether, "files": {path: content}}.
        store: what the large file store has, by its digest.
        puts: the digests of the large files it was sent whole.
        bad_days: what it does to the next large files; each is used once.
        asked: method and path of every request.
        loses: paths it forgets when it commits.
    """

    def __init__(self, token: str) -> None:
        super().__init__(_Handler)
        self.token = token
        self.repositories: dict[str, dict[str, Any]] = {}
        self.store: dict[str, bytes] = {}
        self.puts: list[str] = []
        self.bad_days: list[str] = []
        self.asked: list[str] = []
        self.loses: set[str] = set()
        self.url = f"http://{self.place}"
        self.start()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HubForUploads

    def log_message(self, *_arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def do_PUT(self) -> None:
        with contextlib.suppress(OSError):
            self.take(self.path.rpartition("/")[2])

    def answer(self) -> None:
        path, server = self.path.partition("?")[0], self.server
        server.asked.append(f"{self.command} {path}")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Authorization") != f"Bearer {server.token}":
            self.reply({"error": "Invalid username or password."}, 401)
        elif path == "/api/repos/create":
            self.create(json.loads(body))
        elif path == "/api/validate-yaml":
            self.reply({"errors": [], "warnings": []})
        elif path.endswith("/info/lfs/objects/batch"):
            self.batch(json.loads(body))
        elif "/preupload/" in path:
            rows = json.loads(body)["files"]
            self.reply(
                {"files": [{"path": row["path"], "uploadMode": mode(row), "shouldIgnore": False} for row in rows]}
            )
        elif "/commit/" in path:
            self.commit("/".join(path.split("/")[3:5]), body.decode())
        else:
            self.info(path.removeprefix("/api/models/").partition("/revision/")[0])

    def create(self, body: dict[str, Any]) -> None:
        name = f"{body.get('organization') or 'me'}/{body['name']}"
        there = name in self.server.repositories
        private = body.get("private") or body.get("visibility") == "private"
        self.server.repositories.setdefault(name, {"private": bool(private), "files": {}})
        self.reply({"url": f"{self.server.url}/{name}", "name": name, "id": "1"}, 409 if there else 200)

    def info(self, name: str) -> None:
        found = self.server.repositories.get(name)
        if found is None:
            self.reply({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
            return
        files = [{"rfilename": path, "size": len(content), "blobId": "b"} for path, content in found["files"].items()]
        self.reply({"id": name, "sha": COMMIT, "private": found["private"], "siblings": files})

    def batch(self, body: dict[str, Any]) -> None:
        objects = []
        for row in body["objects"]:
            actions = {"upload": {"href": f"{self.server.url}/store/{row['oid']}"}}
            objects.append({**row, **({} if row["oid"] in self.server.store else {"actions": actions})})
        self.reply({"transfer": "basic", "objects": objects})

    def take(self, digest: str) -> None:
        server, length, content = self.server, int(self.headers["Content-Length"]), b""
        day = server.bad_days.pop(0) if server.bad_days else ""
        while len(content) < length and (piece := self.rfile.read(min(BLOCK, length - len(content)))):
            content += piece
            if len(content) >= length / 2 and not server.go_on.is_set():
                server.half.set()
                server.go_on.wait()
            if len(content) >= length / 2 and day == "drops":
                self.connection.close()
                return
        if day == "full":
            self.reply({"error": "Private repository storage limit reached, please upgrade your plan"}, 403)
            return
        if day == "refuses" or hashlib.sha256(content).hexdigest() != digest:
            self.reply({"error": "no"}, 403)
            return
        server.store[digest] = content
        server.puts.append(digest)
        self.reply({})

    def commit(self, name: str, body: str) -> None:
        files = self.server.repositories[name]["files"]
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.server.store[value["oid"]]
        for path in self.server.loses:
            files.pop(path, None)
        self.reply({"commitUrl": f"{self.server.url}/{name}/commit/{COMMIT}", "commitOid": COMMIT, "success": True})

    def reply(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(content)


def mode(row: dict[str, Any]) -> str:
    return "lfs" if row["size"] >= LARGE else "regular"
