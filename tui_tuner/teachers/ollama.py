"""What this program asks of an Ollama server, and what the server's answers mean.

The calls are those of Ollama's `docs/api.md`. Only `done: true`, or `status: "success"`, is success: a stream may carry
an error under status 200, and may end without its last word. `num_ctx`, `seed` and `think` are always said, because
their defaults differ between versions, machines and models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tui_tuner.errors import TeacherRefused, TeacherUnavailable
from tui_tuner.language import _
from tui_tuner.models.thinking import TaggedThoughts
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, StopToken
from tui_tuner.teachers.context import USUAL
from tui_tuner.teachers.json_server import ANSWER_WITHIN, JsonServer
from tui_tuner.teachers.ollama_address import Address, parse_host
from tui_tuner.teachers.ollama_refusals import explain
from tui_tuner.teachers.pulled_layers import PulledLayers, number
from tui_tuner.teachers.server_errors import Unfinished
from tui_tuner.teachers.teacher import Request

# Families of models that turn text into numbers and cannot write.
EMBEDDING_FAMILIES = ("bert", "embed")


@dataclass(frozen=True)
class OllamaModel:
    """A model that an Ollama server has.

    Attributes:
        name: with its tag: "mistral:7b".
        size: bytes on the server's disk.
        family: its architecture as Ollama calls it: "llama".
        parameter_size: as Ollama writes it: "7.2B"; may be empty.
        can_chat: whether it writes text, as far as the server says.
        remote: the machine that really runs it, where the server only passes on what is asked; empty where it runs it.
    """

    name: str
    size: int
    family: str
    parameter_size: str
    can_chat: bool = True
    remote: str = ""


@dataclass(frozen=True)
class Abilities:
    """What a model can do.

    Attributes:
        context_length: the most tokens it can hold; None where the server does not say.
        thinks: whether it can be asked to think before it answers.
    """

    context_length: int | None = None
    thinks: bool = False


@dataclass(frozen=True)
class LoadedModel:
    """A model that an Ollama server holds in memory.

    Attributes:
        name: with its tag: "mistral:7b".
        size: bytes of memory, of the machine's and of its GPU's together.
    """

    name: str
    size: int


@dataclass(frozen=True)
class ChatReply:
    """A whole answer.

    Attributes:
        text: what the model said.
        finish: `length` means it was cut off at the longest answer allowed.
        tokens: how many it wrote.
        prompt_tokens: how many it read; 0 where all of them were still in its memory.
        seconds: time spent writing.
        load_seconds: time spent loading the model.
    """

    text: str
    finish: Literal["stop", "length"]
    tokens: int
    prompt_tokens: int = 0
    seconds: float = 0.0
    load_seconds: float = 0.0


class OllamaServer:
    """An Ollama server.

    Every method raises `TeacherUnavailable` for what passes (nobody answers, busy, broken off, the model's process
    ended) and `TeacherRefused` for what does not (unknown model, a request it does not take, not an Ollama at all).

    Args:
        address: where it listens.
        patience: seconds a short question waits for its answer.
        answer_within: seconds without a byte after which an answer or a pull counts as lost.
    """

    def __init__(self, address: Address, *, patience: float = 10.0, answer_within: float = ANSWER_WITHIN) -> None:
        self.address = address
        advice = _("Start it with: ollama serve") if address.loopback else _("Check that Ollama runs on that machine.")
        self._http = JsonServer(
            "Ollama", address, advice=advice, explain=explain, patience=patience, answer_within=answer_within
        )

    @property
    def where(self) -> str:
        """The server as a message names it: "Ollama at localhost:11434"."""
        return self._http.where

    def version(self) -> str:
        """Ollama's version: "0.13.5"."""
        version = self._http.ask("GET", "/api/version").get("version")
        if not isinstance(version, str):
            raise TeacherRefused(_("this is not an Ollama server"), where=self._http.where)
        return one_line(version, 40)

    def models(self) -> list[OllamaModel]:
        """The models it has, the newest first."""
        rows = self._http.ask("GET", "/api/tags").get("models")
        return [_model(row) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

    def loaded(self) -> list[LoadedModel]:
        """The models it holds in memory."""
        rows = self._http.ask("GET", "/api/ps").get("models")
        found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        return [LoadedModel(str(row.get("name") or row.get("model") or ""), int(number(row, "size"))) for row in found]

    def show(self, model: str) -> dict[str, Any]:
        """What the server knows of `model`: `template`, `parameters`, `details`, `model_info`, `capabilities`, ..."""
        return self._http.ask("POST", "/api/show", {"model": model})

    def abilities(self, model: str) -> Abilities:
        """What `model` can do, as far as the server says."""
        shown = self.show(model)
        capabilities = shown.get("capabilities")
        thinks = isinstance(capabilities, list) and "thinking" in capabilities
        return Abilities(_context_length(shown.get("model_info")), thinks)

    def evict(self, model: str) -> None:
        """Have the server take `model` out of memory; harmless where it is not loaded."""
        self._http.ask("POST", "/api/generate", {"model": model, "keep_alive": 0, "stream": False})

    def close(self) -> None:
        """Close what is open."""
        self._http.close()

    def pull(self, model: str, *, emit: Emit, stop: StopToken) -> None:
        """Have the server download `model`; what it has already downloaded is kept, whatever happens.

        Emits `StageProgress` per layer, in MB.

        Raises:
            TeacherUnavailable: the server or its network failed: pulling again continues.
            TeacherRefused: there is no such model, or the server's disk is full.
            Stopped: asked to; the server stops downloading.
        """
        layers = PulledLayers(model, emit)
        status = ""
        for line in self._http.stream("/api/pull", {"model": model, "stream": True}, stop=stop):
            status = str(line.get("status", ""))
            if status == "success":
                layers.finish()
                return
            layers.follow(line, one_line(status, 60))
        raise TeacherUnavailable(
            _("the download ended early, at: {status}", status=one_line(status, 60) or "–"),
            where=self._http.where,
            advice=_("Pull again: it continues."),
        )

    def chat(
        self,
        model: str,
        request: Request,
        *,
        stop: StopToken,
        num_ctx: int = USUAL,
        on_text: Callable[[str], None] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> ChatReply:
        """Have `model` answer `request`; its `beginning` is not used.

        Args:
            model: its name on the server.
            request: the conversation and how to answer it.
            stop: looked at ten times a second; the connection is then cut, and the server stops writing.
            num_ctx: room for prompt and answer, in tokens; changing it makes the server load the model again.
            on_text: hears each piece of the answer as it arrives.
            options: more of how words are chosen, by Ollama's names.

        Raises:
            Unfinished: the stream ended early; holds what had arrived.
            TeacherUnavailable: it may answer later.
            TeacherRefused: it will not answer this.
            Stopped: asked to.
        """
        pieces: list[str] = []
        told = TaggedThoughts(request.thinking)
        body = _chat_body(model, request, num_ctx)
        body["options"].update(options or {})
        for chunk in self._http.stream("/api/chat", body, stop=stop):
            if piece := told.piece(chunk.get("message")):
                pieces.append(piece)
                if on_text is not None:
                    on_text(piece)
            if chunk.get("done") is True:
                return _reply("".join(pieces), chunk)
        raise Unfinished("".join(pieces), self._http.where)


def _chat_body(model: str, request: Request, num_ctx: int) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": message["role"], "content": message["content"]} for message in request.messages],
        "stream": True,
        # Not said, a thinking model thinks, and what it thinks counts as answer or breaks the schema.
        "think": request.thinking,
        # Without it the oldest turns of an overlong conversation are dropped without a word.
        "truncate": False,
        # Without it an answer that outgrows the context pushes the question out of it, and ends as if all were well.
        "shift": False,
        "options": {
            "num_ctx": int(num_ctx),
            "num_predict": int(request.max_tokens),
            "seed": int(request.seed),
            "temperature": float(request.temperature),
        },
    }
    if request.schema is not None:
        body["format"] = request.schema
    return body


def _reply(text: str, last: dict[str, Any]) -> ChatReply:
    """The answer whose last chunk is `last`; its durations are nanoseconds, and zeros are left out."""
    return ChatReply(
        text,
        "length" if last.get("done_reason") == "length" else "stop",
        int(number(last, "eval_count")),
        int(number(last, "prompt_eval_count")),
        number(last, "eval_duration") / 1e9,
        number(last, "load_duration") / 1e9,
    )


def _context_length(info: object) -> int | None:
    if not isinstance(info, dict):
        return None
    own = info.get(f"{info.get('general.architecture')}.context_length")
    lengths = [value for key, value in info.items() if str(key).endswith(".context_length")]
    length = own if own is not None else next(iter(lengths), None)
    return length if isinstance(length, int) and length > 0 else None


def _model(row: dict[str, Any]) -> OllamaModel:
    found = row.get("details")
    details = found if isinstance(found, dict) else {}
    family = one_line(str(details.get("family") or ""), 40)
    capabilities = row.get("capabilities")
    if isinstance(capabilities, list):  # newer versions say it
        can_chat = "completion" in capabilities
    else:
        can_chat = not any(word in family.lower() for word in EMBEDDING_FAMILIES)
    return OllamaModel(
        one_line(str(row.get("name") or row.get("model") or ""), 200),
        int(number(row, "size")),
        family,
        one_line(str(details.get("parameter_size") or ""), 20),
        can_chat,
        parse_host(one_line(str(row["remote_host"]), 80)).host if row.get("remote_host") else "",
    )
