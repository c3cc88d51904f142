"""What an import asks of an Ollama server, besides what a teacher does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tui_tuner.errors import TeacherRefused, TeacherUnavailable
from tui_tuner.language import _
from tui_tuner.models.prompts import Message
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, Pace, StopToken
from tui_tuner.teachers.file_server import FileServer
from tui_tuner.teachers.ollama import OllamaServer
from tui_tuner.teachers.ollama_address import Address
from tui_tuner.teachers.ollama_refusals import explain
from tui_tuner.teachers.pulled_layers import MEGABYTE

CONTEXT = 2048  # tokens; the same in every question, for another one makes the server load the model again


@dataclass(frozen=True)
class GreedyAnswer:
    """What a model says when it always takes the likeliest token.

    Attributes:
        text: the answer.
        ended: whether it ended its turn by itself.
        prompt_tokens: how many tokens it read; 0 where the server does not say.
    """

    text: str
    ended: bool
    prompt_tokens: int


class OllamaStore(OllamaServer):
    """An Ollama server that models are brought into. Raises what `OllamaServer` raises."""

    def __init__(self, address: Address, *, patience: float = 10.0) -> None:
        super().__init__(address, patience=patience)
        self._files = FileServer("Ollama", address, explain=explain, patience=patience)

    def close(self) -> None:
        """Close what is open."""
        super().close()
        self._files.close()

    def has_model(self, name: str) -> bool:
        """Whether it has a model of this name; without a tag, `latest` is meant."""
        full = full_name(name)
        return any(full_name(model.name) == full for model in self.models())

    def has_blob(self, digest: str) -> bool:
        """Whether a file with this digest is there."""
        return self._files.exists(f"/api/blobs/{digest}")

    def put_blob(self, digest: str, size: int, content: Iterator[bytes]) -> None:
        """Bring a file of `size` bytes; the server checks its digest."""
        self._files.send(f"/api/blobs/{digest}", content, size)

    def create(self, body: dict[str, Any], *, emit: Emit, stop: StopToken) -> None:
        """Have it make a model; emits `StageProgress` with what it is at.

        Raises:
            TeacherUnavailable: it broke off.
            TeacherRefused: it cannot make this model.
            Stopped: asked to.
        """
        stop.check()  # a server goes on making what it was asked for, also when nobody waits for it any more
        status, pace = "", Pace(_("Ollama imports it"), None, "", emit)
        for line in self._http.stream("/api/create", body, stop=stop):
            status = one_line(str(line.get("status", "")), 80)
            if status == "success":
                pace.finish()
                return
            if line.get("total"):
                pace.total, pace.unit = float(line["total"]) / MEGABYTE, "MB"
                pace.reach(float(line.get("completed") or 0) / MEGABYTE, status)
            else:
                pace.report(status)
        raise TeacherUnavailable(
            _("the import ended early, at: {status}", status=status or "–"), where=self.where, advice=_("Try again.")
        )

    def copy(self, source: str, target: str) -> None:
        """Give a model a second name; an earlier model of that name is replaced."""
        self._files.tell("POST", "/api/copy", {"source": source, "destination": target})

    def delete(self, name: str) -> None:
        """Delete a model; whatever no other one is made of goes with it."""
        self._files.tell("DELETE", "/api/delete", {"model": name})

    def rendered(self, model: str, turns: Sequence[Message], *, think: bool = False) -> str | None:
        """The conversation as the server puts it to the model; None where its version cannot show it.

        Args:
            model: its name there.
            turns: the conversation.
            think: whether the model may think; one that never does refuses that.
        """
        body = {"model": model, "messages": list(turns), "stream": False, "_debug_render_only": True, "think": think}
        body["options"] = {"num_ctx": CONTEXT, "num_predict": 1}
        found = self._wait("/api/chat", body)
        told = found.get("_debug_info")
        text = told.get("rendered_template") if isinstance(told, dict) else None
        return text if isinstance(text, str) else None

    def answer(self, model: str, question: str, *, max_tokens: int, stop: StopToken) -> GreedyAnswer:
        """Ask a question; the likeliest token is always taken, and nothing is done against repetitions."""
        body = {
            "model": model,
            "messages": [{"role": "user", "content": question}],
            "stream": True,
            "think": False,
            "options": {
                "num_ctx": CONTEXT,
                "num_predict": max_tokens,
                "temperature": 0.0,
                "top_k": 1,
                "repeat_penalty": 1.0,
                "presence_penalty": 0.0,
                "frequency_penalty": 0.0,
                "seed": 0,
            },
        }
        pieces: list[str] = []
        for chunk in self._http.stream("/api/chat", body, stop=stop):
            message = chunk.get("message")
            pieces.append(str(message.get("content") or "") if isinstance(message, dict) else "")
            if chunk.get("done") is True:
                ended, read = chunk.get("done_reason") != "length", chunk.get("prompt_eval_count")
                return GreedyAnswer("".join(pieces), ended, read if isinstance(read, int) else 0)
        raise TeacherUnavailable(_("the answer ended early"), where=self.where, advice=_("Try again."))

    def _wait(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The one object of an answer that may take as long as loading a model does."""
        for line in self._http.stream(path, body, stop=StopToken()):
            return line
        raise TeacherRefused(_("it gave no answer"), where=self.where)


def full_name(name: str) -> str:
    """A model's name with its tag, in small letters, as Ollama compares them."""
    name = name.lower()
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"
