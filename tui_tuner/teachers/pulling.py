"""Getting a model into an Ollama server: some to begin with, and the work itself."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass

from tui_tuner.errors import UsageError
from tui_tuner.jobs import Work
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, Notice, StopToken
from tui_tuner.teachers.ollama import OllamaServer
from tui_tuner.teachers.ollama_address import Address, address_for

LIBRARY = "ollama.com/library"


@dataclass(frozen=True)
class Suggestion:
    """A model to begin with.

    Attributes:
        name: as Ollama's library calls it.
        gigabytes: what has to be downloaded, about; in 4 bits, the library's default for it.
        why: what it is good for, in a few words.
    """

    name: str
    gigabytes: float
    why: str


SUGGESTIONS = (
    Suggestion("mistral:7b", 4.4, _("the guide's teacher; wants 8 GB of memory")),
    Suggestion("llama3.2:3b", 2.0, _("small and quick")),
    Suggestion("qwen2.5:14b", 9.0, _("writes better, slower; wants 16 GB of memory")),
)


def model_name_in(text: str) -> str:
    """The model a person means: its name, or the command from Ollama's page that was pasted.

    Raises:
        UsageError: that is no name.
    """
    name = re.sub(r"^(ollama\s+)?(pull|run)\s+", "", text.strip())
    if not name or re.search(r"\s", name):
        raise UsageError(
            _("this is not the name of a model: {text}", text=repr(one_line(text, 60))),
            advice=_("Names are like mistral:7b; all there are: {library}", library=LIBRARY),
        )
    return name


def pull_work(url: str, model: str) -> Work:
    """Getting `model` into the server at `url`, for a job; an empty `url` follows `OLLAMA_HOST` or localhost.

    Raises:
        UsageError: `model` is no name.
    """
    address, name = address_for(url), model_name_in(model)

    def work(emit: Emit, stop: StopToken) -> None:
        pull_model(address, name, emit=emit, stop=stop)

    return work


def pull_model(address: Address, model: str, *, emit: Emit, stop: StopToken) -> None:
    """Have the Ollama at `address` download `model`. What it has already downloaded is kept, whatever happens.

    Raises:
        TeacherUnavailable: Ollama does not answer, or its network failed; pulling again continues.
        TeacherRefused: there is no such model, or the disk is full.
        Stopped: asked to; what arrived is kept.
    """
    with contextlib.closing(OllamaServer(address)) as server:
        server.pull(model, emit=emit, stop=stop)
        emit(Notice(_("{model} is there: {server}.", model=one_line(model, 60), server=server.where)))
