"""Servers that speak OpenAI's language: LM Studio, llama-server, mlx_lm.server, Ollama's own `/v1`.

They share two calls, `GET /v1/models` and `POST /v1/chat/completions`, and differ in the rest. What one of them does
not know is therefore never relied on: a schema may be ignored or refused, and a list of models may be empty.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tui_tuner.errors import TeacherError, TeacherRefused
from tui_tuner.language import _
from tui_tuner.models.thinking import without_thoughts
from tui_tuner.plain_text import one_line
from tui_tuner.progress import StopToken
from tui_tuner.teachers.json_server import ANSWER_WITHIN, JsonServer
from tui_tuner.teachers.ollama_address import Address, parse_host
from tui_tuner.teachers.server_errors import EmptyAnswer, FailedMidway, Unfinished
from tui_tuner.teachers.teacher import Answer, Request

LM_STUDIO_PORT = 1234
# Where the others listen of themselves: mlx_lm.server and llama-server, then llama-server's newer port.
USUAL_PORTS = (LM_STUDIO_PORT, 8080, 9931)
VERSION = "/v1"
# What mlx_lm.server calls the model it was started with. It needs a name it can give: where Hugging Face's cache folder
# does not exist, its list of models is an empty body (0.32, observed).
STARTED_WITH = "default_model"
# What one of them may refuse, and can do without: to follow a schema, to have the model not think.
SCHEMA, QUIET = "schema", "quiet"
OPTIONAL = (SCHEMA, QUIET)


def openai_address(url: str) -> Address:
    """The address in `url`, such as "localhost:1234" or "https://example.com/v1".

    Without a port it is LM Studio's; a `/v1` at the end is taken off, because every call names it.
    """
    address = parse_host(url, LM_STUDIO_PORT)
    return replace(address, path=address.path.removesuffix(VERSION))


class OpenAIServer:
    """A server that speaks OpenAI's language.

    Every method raises `TeacherUnavailable` for what passes and `TeacherRefused` for what does not.

    Args:
        address: where it listens, without `/v1`.
        key: its bearer token, where it wants one.
        patience: seconds a short question waits for its answer.
        answer_within: seconds without a byte after which an answer counts as lost.
    """

    def __init__(
        self, address: Address, *, key: str = "", patience: float = 10.0, answer_within: float = ANSWER_WITHIN
    ) -> None:
        self.address = address
        self._http = JsonServer(
            _("the server"),
            address,
            advice=_("Start its server: in LM Studio under Developer, or with mlx_lm.server or llama-server."),
            explain=_explain,
            patience=patience,
            answer_within=answer_within,
            key=key,
        )
        self._takes = frozenset(OPTIONAL)

    @property
    def where(self) -> str:
        """The server as a message names it: "the server at localhost:1234"."""
        return self._http.where

    def models(self) -> list[str]:
        """The names of the models it lists, which it need not have loaded."""
        try:
            rows = self._http.ask("GET", f"{VERSION}/models").get("data")
        except EmptyAnswer:
            return [STARTED_WITH]
        names = [row.get("id") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        return [name for name in names if isinstance(name, str) and name and "embed" not in name.lower()]

    def chat(
        self, model: str, request: Request, *, stop: StopToken, on_text: Callable[[str], None] | None = None
    ) -> Answer:
        """Have `model` answer `request`; its `beginning` is not used.

        A server that refuses the request is asked again without what it need not know, a schema and to leave thinking
        out; once it answers without, it is never asked with it again.

        Raises:
            Unfinished: the stream ended early; holds what had arrived.
            TeacherUnavailable: it may answer later.
            TeacherRefused: it will not answer this.
            Stopped: asked to.
        """
        wanted = frozenset(OPTIONAL if request.schema else {QUIET}) & self._takes
        *tries, last = dict.fromkeys((wanted, wanted - {SCHEMA}, wanted - {QUIET}, frozenset[str]()))
        for asked in tries:
            with contextlib.suppress(TeacherRefused, FailedMidway):
                answer = self._chat(_chat_body(model, request, asked), stop, on_text)
                self._takes -= wanted - asked  # only now is it known that these were what it refused
                return answer
        answer = self._chat(_chat_body(model, request, last), stop, on_text)
        self._takes -= wanted - last
        return answer

    def close(self) -> None:
        """Close what is open."""
        self._http.close()

    def _chat(self, body: dict[str, Any], stop: StopToken, on_text: Callable[[str], None] | None) -> Answer:
        pieces: list[str] = []
        finish, tokens = "", 0
        for chunk in self._http.stream(f"{VERSION}/chat/completions", body, stop=stop):
            tokens = _tokens(chunk) or tokens
            choice = _choice(chunk)
            said = choice.get("delta") or choice.get("message")
            piece = said.get("content") if isinstance(said, dict) else None
            if isinstance(piece, str) and piece:
                pieces.append(piece)
                if on_text is not None:
                    on_text(piece)
            finish = str(choice.get("finish_reason") or finish)
        text = "".join(pieces)
        if not finish:
            raise Unfinished(text, self.where)
        said = without_thoughts(text)[1]  # some servers leave them in the answer
        return Answer(said, "length" if finish == "length" else "stop", tokens)


def _chat_body(model: str, request: Request, asked: frozenset[str]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": message["role"], "content": message["content"]} for message in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": int(request.max_tokens),
        "temperature": float(request.temperature),
        "seed": int(request.seed),
    }
    if QUIET in asked:
        # As mlx_lm.server, llama-server and vLLM hand it to the template; others do not know it.
        body["chat_template_kwargs"] = {"enable_thinking": False}
    if SCHEMA in asked:
        form = {"name": "answer", "strict": True, "schema": request.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body


def _choice(chunk: dict[str, Any]) -> dict[str, Any]:
    """The first choice of a chunk; empty in the last one, which only counts tokens."""
    choices = chunk.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def _tokens(chunk: dict[str, Any]) -> int:
    usage = chunk.get("usage")
    tokens = usage.get("completion_tokens") if isinstance(usage, dict) else None
    return tokens if isinstance(tokens, int) else 0


def _explain(status: int, text: str) -> TeacherError | None:
    if status in (401, 403):
        return TeacherRefused(
            _("it wants a key, or another one: {text}", text=one_line(text, 200) or status),
            advice=_(
                "Put it into the environment variable TUNER_TEACHER_KEY and start tuner again. To a server outside "
                "your own network it goes only over https, and if TUNER_TEACHER_KEY_HOST names that server."
            ),
        )
    if status == 404:
        return TeacherRefused(
            _("it has no such model, or does not speak OpenAI's language: {text}", text=one_line(text, 200)),
            advice=_("Check the address and the model's name."),
        )
    if status == 200:
        return FailedMidway(_("it failed: {text}", text=text), advice=_("Its log may say more."))
    return None
