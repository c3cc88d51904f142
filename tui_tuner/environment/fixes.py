"""The fixes that are safe to run from here: each a long job that can be stopped, and repeated without harm."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tui_tuner.choices import ModelChoice
from tui_tuner.environment.servers import OLLAMA_APPLICATION, SUGGESTED_MODEL, ollama_program
from tui_tuner.environment.system import on_mac
from tui_tuner.errors import TeacherRefused, TeacherUnavailable, UsageError
from tui_tuner.files import storage_errors
from tui_tuner.jobs import Work
from tui_tuner.language import _
from tui_tuner.models.base_model import fetch_base
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, Notice, Pace, StopToken
from tui_tuner.settings import log_folder
from tui_tuner.teachers.ollama import OllamaServer
from tui_tuner.teachers.ollama_address import Address, address_for
from tui_tuner.teachers.pulling import pull_model

START_WITHIN = 30.0  # seconds
LOOK_EVERY = 0.25  # seconds between two looks whether Ollama answers


@dataclass(frozen=True)
class FixPlan:
    """What the fixes work on.

    Attributes:
        model: the base model as it was chosen.
        ollama: where Ollama listens, or is to listen.
        ollama_model: the model to pull.
    """

    model: ModelChoice
    ollama: Address
    ollama_model: str = SUGGESTED_MODEL


def fix_work(key: str, model: ModelChoice, *, ollama_url: str = "", ollama_model: str = "") -> Work:
    """The work of one fix, for a job; it must run on the engine's thread, since making the starter model uses MLX.

    Args:
        key: a key of `FIXES`, as in `Fix.run`.
        model: the base model as it was chosen.
        ollama_url: where Ollama listens; empty follows `OLLAMA_HOST` or localhost.
        ollama_model: the model to pull; empty takes the suggested one.

    Raises:
        UsageError: there is no such fix.
    """
    if key not in FIXES:
        raise UsageError(
            _("there is no fix {key} that can be run from here", key=repr(one_line(key, 40))),
            advice=_(
                "Those that can: {keys}. Other fixes are commands to copy: see `tuner check`.", keys=", ".join(FIXES)
            ),
        )
    plan = FixPlan(model, address_for(ollama_url), ollama_model or SUGGESTED_MODEL)

    def work(emit: Emit, stop: StopToken) -> object:
        return FIXES[key](plan, emit, stop)

    return work


def fetch_base_model(plan: FixPlan, emit: Emit, stop: StopToken) -> Path:
    """Fetch the base model, or find that it is here. Runs on the engine's thread.

    Raises:
        ModelError: it cannot be had.
        StorageError: the disk is full, or the cache not writable.
        Stopped: asked to; what arrived is kept.
    """
    return fetch_base(plan.model, emit=emit, stop=stop)


def pull_ollama_model(plan: FixPlan, emit: Emit, stop: StopToken) -> None:
    """Have Ollama download a model, as `tuner pull` does."""
    pull_model(plan.ollama, plan.ollama_model, emit=emit, stop=stop)


def start_ollama(plan: FixPlan, emit: Emit, stop: StopToken) -> None:
    """Start Ollama, detached from this program, and wait until it answers; do nothing where it does.

    Raises:
        TeacherRefused: not installed, or it is to run on another machine.
        TeacherUnavailable: it did not start, or does not answer in time; holds its last words.
        StorageError: its log cannot be written.
        Stopped: asked to; an `ollama serve` that did not answer yet has ended.
    """
    with contextlib.closing(OllamaServer(plan.ollama, patience=1.0)) as server:
        if _version(server) is None:
            _require_startable(plan.ollama)
            log = log_folder() / "ollama.log"
            with _starting(plan.ollama, log) as process:
                _wait_for_answer(server, process, log, emit, stop)
        version = _version(server) or "?"
    emit(Notice(_("Ollama {version} answers at {address}.", version=version, address=plan.ollama)))


def _version(server: OllamaServer) -> str | None:
    """Its version; None while nobody answers.

    Raises:
        TeacherRefused: somebody else answers there.
    """
    try:
        return server.version()
    except TeacherUnavailable:
        return None


def _require_startable(address: Address) -> None:
    if not address.loopback:
        raise TeacherRefused(
            _("Ollama at {address} runs on another machine", address=address), advice=_("Start it there.")
        )
    if ollama_program() is None:
        raise TeacherRefused(
            _("Ollama is not installed"), advice=_("See `tuner check` for the command that installs it.")
        )


@contextlib.contextmanager
def _starting(address: Address, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that starts Ollama; it lives on after the block, unless the block fails."""
    # On a Mac the application, where it is installed, brings its menu and its updates with it. Not run on a Mac yet.
    command = ["open", "-a", "Ollama"] if on_mac() and OLLAMA_APPLICATION.exists() else [str(ollama_program()), "serve"]
    with storage_errors(log):
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                env={**os.environ, "OLLAMA_HOST": address.url},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # it outlives this program and its terminal
            )
    try:
        yield process
    except BaseException:
        if process.poll() is None:
            process.terminate()
            process.wait()
        raise


def _wait_for_answer(
    server: OllamaServer, process: subprocess.Popen[bytes], log: Path, emit: Emit, stop: StopToken
) -> None:
    pace = Pace(_("Start Ollama"), None, _("s"), emit)
    looks = int(START_WITHIN / LOOK_EVERY)
    for look in range(looks):
        stop.wait(LOOK_EVERY)
        if _version(server) is not None:
            pace.finish()
            return
        if process.poll():  # ended with a failure; `open` ends with 0 and leaves the application running
            raise TeacherUnavailable(_("Ollama did not start: {reason}", reason=_last_line(log)), where=str(log))
        pace.reach((look + 1) * LOOK_EVERY)
    raise TeacherUnavailable(
        _("Ollama does not answer after {seconds} s", seconds=f"{START_WITHIN:g}"),
        where=str(log),
        advice=_("Start it in another terminal, to see what it says: ollama serve"),
    )


def _last_line(log: Path) -> str:
    try:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        lines = []
    return one_line(lines[-1], 160) if lines else _("no reason given")


FixAction = Callable[[FixPlan, Emit, StopToken], object]

FIXES: Mapping[str, FixAction] = {
    "base_model": fetch_base_model,
    "ollama": start_ollama,
    "ollama_model": pull_ollama_model,
}
