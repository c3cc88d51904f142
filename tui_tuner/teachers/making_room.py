"""Memory that Ollama holds on this machine, given back before something else needs it.

Ollama keeps a model in memory for minutes after its last answer. Training the same machine's memory full is what makes
it swap.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from tui_tuner import figures
from tui_tuner.errors import TeacherError
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Notice, StopToken
from tui_tuner.teachers.ollama import LoadedModel, OllamaServer
from tui_tuner.teachers.ollama_address import address_for

QUICKLY = 1.5  # seconds for a short answer: a server that does not give it is not waited for
GONE_WITHIN = 5.0  # seconds for a model's process to end; one that is just answering ends later
LOOK_EVERY = 0.1


def make_room(urls: Sequence[str], stop: StopToken) -> list[Notice]:
    """Have the Ollama servers on this machine take their models out of memory.

    A server that does not answer holds nothing, or is not worth waiting for; one elsewhere holds nothing here.

    Args:
        urls: where they listen; an empty one follows `OLLAMA_HOST` or localhost.
        stop: cuts the waiting short.

    Returns:
        What was freed, and what could not be.

    Raises:
        Stopped: asked to.
    """
    found: list[Notice] = []
    for address in dict.fromkeys(map(address_for, urls)):
        if not address.loopback:
            continue
        server = OllamaServer(address, patience=QUICKLY)
        with contextlib.suppress(TeacherError), contextlib.closing(server):
            found += _free(server, stop)
    return found


def _free(server: OllamaServer, stop: StopToken) -> list[Notice]:
    loaded = server.loaded()
    if not loaded:
        return []
    for model in loaded:
        with contextlib.suppress(TeacherError):  # it may just have gone by itself; who stays is seen below
            server.evict(model.name)
    held = _still_there(server, loaded, stop)
    gone = [model for model in loaded if model.name not in held]
    notices = []
    if gone:
        words = {"models": _names(gone), "size": figures.size(sum(model.size for model in gone))}
        text = _("Ollama gave back {size} of memory: {models}; asked again, it loads it again", **words)
        notices.append(Notice(text))
    if stayed := [model for model in loaded if model.name in held]:
        words = {"models": _names(stayed), "size": figures.size(sum(model.size for model in stayed))}
        text = _("Ollama still holds {size} of memory: {models} is being used", **words)
        notices.append(Notice(text, "warning"))
    return notices


def _still_there(server: OllamaServer, loaded: Sequence[LoadedModel], stop: StopToken) -> set[str]:
    """The names of those of `loaded` that are in memory after having had the time to leave it."""
    names = {model.name for model in loaded}
    for _look in range(round(GONE_WITHIN / LOOK_EVERY)):
        held = names & {model.name for model in server.loaded()}
        if not held:
            return set()
        stop.wait(LOOK_EVERY)
    return held


def _names(models: Sequence[LoadedModel]) -> str:
    return ", ".join(one_line(model.name, 60) for model in models)
