"""The proof by llama.cpp's own server, where its library for Python is not installed: Homebrew brings it along.

It reads texts and conversations as MLX does, and says the same. Of the logits it tells nothing before it answers, so
the answers are compared as they are in Ollama. Runs on the engine's thread; llama.cpp in a process of its own.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tui_tuner.export.gguf.llama_reading import Readings, Written, reading_rows, readings_of
from tui_tuner.export.gguf.llama_refusal import not_loaded, reason_in, unproved
from tui_tuner.export.greedy import ANSWER_TOKENS, Parting, Spoken, answers_row, parting_of_tokens, speak
from tui_tuner.export.proof_rows import ProofRow
from tui_tuner.language import _
from tui_tuner.models.loading import load_model
from tui_tuner.models.watched_process import running
from tui_tuner.progress import Emit, Pace, StopToken

if TYPE_CHECKING:
    import httpx

HOST = "127.0.0.1"
CONTEXT = 2048  # tokens; more than any question here
LOOK_EVERY = 0.2  # seconds between two looks whether it has loaded the file
LAST_MOMENT = 2.0  # seconds
ANSWER_WITHIN = 600.0  # seconds
# How far behind a token may be, in logits, where llama.cpp chooses another one: what rounding explains, or fewer.
LIMIT, LIMIT_OF_BYTES = 0.5, 1.0


def find_llama_server() -> str:
    """The program, where it is installed; otherwise empty."""
    return shutil.which("llama-server") or ""


def server_rows(program: str, written: Written, *, emit: Emit, stop: StopToken) -> Iterator[ProofRow]:
    """Compare llama.cpp and MLX, row by row; `program` is its server.

    Raises:
        ModelError: the model cannot be loaded.
        Stopped: asked to; takes effect between two answers.
    """
    import mlx.core as mx

    pace = Pace(_("Ask the fused model"), None, "", emit)
    loaded = load_model(written.model, trust_remote_code=written.trust_remote_code)
    tokenizer, readings = loaded.tokenizer, readings_of(loaded.tokenizer)
    spoken = speak(loaded, stop) if tokenizer.has_chat_template else []
    del loaded
    mx.clear_cache()
    pace.finish()
    pace = Pace(_("Ask llama.cpp"), None, "", emit)
    limit = LIMIT_OF_BYTES if written.weight_type == "q8_0" else LIMIT
    rows = list(_rows(program, written, _Wanted(readings, spoken, tokenizer, limit), stop))
    pace.finish()
    yield from rows


@dataclass(frozen=True)
class _Wanted:
    readings: Readings
    spoken: Sequence[Spoken]
    tokenizer: Any
    limit: float


def _rows(program: str, written: Written, wanted: _Wanted, stop: StopToken) -> Iterator[ProofRow]:
    import httpx

    port, log = _free_port(), written.work / "log"
    quiet = ["--no-webui", "--no-warmup", "--parallel", "1", "--n-gpu-layers", "0"]
    exact = ["--cache-type-k", "f32", "--cache-type-v", "f32", "--ctx-size", str(CONTEXT)]
    command = [program, "--model", str(written.path), "--host", HOST, "--port", str(port), *quiet, *exact]
    with (
        running(command, log=log) as process,
        httpx.Client(base_url=f"http://{HOST}:{port}", timeout=ANSWER_WITHIN, trust_env=False) as client,
    ):
        try:
            if not _ready(process, client, stop):
                yield not_loaded(log.read_text(encoding="utf-8", errors="replace"))
                return
            yield from reading_rows(wanted.readings, _read(client, wanted.readings, stop), wanted.tokenizer)
            if wanted.spoken:
                partings = [(one, _parting(client, one, wanted.tokenizer, stop)) for one in wanted.spoken]
                yield answers_row(partings, wanted.limit)
        except (httpx.HTTPError, KeyError, TypeError, ValueError) as error:
            if _has_ended(process):  # the file was its end
                yield not_loaded(log.read_text(encoding="utf-8", errors="replace"))
            else:
                yield unproved(_("llama-server cannot be asked: {error}", error=reason_in(str(error))))


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Its connections are gone a moment before it is."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(LAST_MOMENT)
    return process.returncode is not None


def _free_port() -> int:
    with socket.socket() as here:
        here.bind((HOST, 0))
        return int(here.getsockname()[1])


def _ready(process: subprocess.Popen[bytes], client: httpx.Client, stop: StopToken) -> bool:
    """Wait until it has loaded the file; False where it ends before."""
    import httpx

    while process.poll() is None:
        stop.check()
        try:
            if client.get("/health").status_code == httpx.codes.OK:
                return True
        except httpx.TransportError:
            pass  # it does not listen yet
        stop.wait(LOOK_EVERY)
    return False


def _read(client: httpx.Client, readings: Readings, stop: StopToken) -> dict[str, Any]:
    """llama.cpp's token ids of the texts and of the conversations, and the chat template it found in the file."""
    found: dict[str, Any] = {"template": str(client.get("/props").raise_for_status().json()["chat_template"])}
    for name, texts in readings.questions.items():
        found[name] = []
        for text in texts:
            stop.check()
            asked = {"content": text, "add_special": name == "conversations", "parse_special": True}
            found[name].append(client.post("/tokenize", json=asked).raise_for_status().json()["tokens"])
    return found


def _parting(client: httpx.Client, spoken: Spoken, tokenizer: Any, stop: StopToken) -> Parting | None:
    """Where its answer leaves that of MLX; None where it does not."""
    stop.check()
    asked = {"prompt": list(spoken.prompt), "n_predict": ANSWER_TOKENS, "temperature": 0, "cache_prompt": False}
    said = client.post("/completion", json={**asked, "return_tokens": True}).raise_for_status().json()
    tokens = [int(token) for token in said["tokens"] if token not in spoken.ends]
    return parting_of_tokens(spoken, tokens, said["stop_type"] == "eos", tokenizer)
