"""All checks, run side by side: each reports as soon as it is done, and none keeps the others waiting."""

from __future__ import annotations

import functools
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path

from tui_tuner.choices import ModelChoice
from tui_tuner.engine import Engine
from tui_tuner.environment import mlx_device
from tui_tuner.environment.base_model import judge_base_model
from tui_tuner.environment.check import CHECKS, CheckDone, CheckResult
from tui_tuner.environment.disk import check_disk
from tui_tuner.environment.homebrew import check_homebrew
from tui_tuner.environment.machine import check_chip, check_macos, check_python
from tui_tuner.environment.memory import check_memory
from tui_tuner.environment.mlx_device import MlxFacts, judge_mlx, measure, not_measured
from tui_tuner.environment.model_size import ModelSize, size_of
from tui_tuner.environment.servers import check_lm_studio, check_ollama
from tui_tuner.environment.system import on_mac
from tui_tuner.errors import EngineBusy, TunerError
from tui_tuner.language import _
from tui_tuner.models.base_model import find_base
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, StopToken
from tui_tuner.teachers.ollama_address import Address, address_for

log = logging.getLogger(__name__)

WITHIN = 1.8  # seconds for all of them together
MARGIN = 0.1  # seconds before that at which the engine is no longer waited for, so that there is time to say so
LOOK_EVERY = 0.05  # seconds between two looks at the stop token

# Those that may wait for what MLX says.
ASK_MLX = frozenset({"mlx", "memory"})

Check = Callable[[], CheckResult]


def run_checks(
    model: ModelChoice,
    *,
    engine: Engine | None,
    emit: Emit,
    stop: StopToken,
    folder: Path | None = None,
    ollama_url: str = "",
    within: float = WITHIN,
) -> list[CheckResult]:
    """Run every check of `CHECKS` and return their results in that order.

    Args:
        model: the base model as it was chosen.
        engine: measures MLX; without one, or while it has a heavy job, MLX is not measured.
        emit: hears `CheckDone` for each check as it finishes, on the calling thread.
        stop: asked to, it returns what is known by then.
        folder: where the project is or will be; the current folder if None.
        ollama_url: where Ollama listens; empty follows `OLLAMA_HOST` or localhost.
        within: seconds after which a check that has not finished is reported as such.
    """
    deadline = time.monotonic() + within
    subject = Subject(model, engine, deadline - MARGIN)
    checks = _bind(subject, folder or Path.cwd(), address_for(ollama_url))
    news: queue.SimpleQueue[CheckResult] = queue.SimpleQueue()
    for key, name in CHECKS:
        # Daemons: what hangs, a network drive or a name server, must not keep the program from ending.
        threading.Thread(target=_run, args=(key, name, checks[key], news), name=f"check {key}", daemon=True).start()
    results: dict[str, CheckResult] = {}
    while len(results) < len(CHECKS) and not stop.requested and time.monotonic() < deadline:
        try:
            result = news.get(timeout=LOOK_EVERY)
        except queue.Empty:
            continue
        results[result.key] = result
        emit(CheckDone(result))
        if len(results.keys() | ASK_MLX) == len(CHECKS):
            subject.quiet.set()
    subject.quiet.set()
    for key, name in CHECKS:
        if key not in results and not stop.requested:
            results[key] = _too_slow(key, name, within)
            emit(CheckDone(results[key]))
    return [results[key] for key, _name in CHECKS if key in results]


def _run(key: str, name: str, check: Check, news: queue.SimpleQueue[CheckResult]) -> None:
    try:
        result = check()
    except TunerError as error:
        result = CheckResult(key, name, "warning", one_line(error.what, 100), error.advice or str(error))
    except Exception as error:
        log.exception("the check %s failed", key)
        finding = _("could not be checked: {error}", error=one_line(f"{type(error).__name__}: {error}", 80))
        result = CheckResult(key, name, "warning", finding, _("This is a mistake of the program; its log says more."))
    news.put(result)


def _too_slow(key: str, name: str, within: float) -> CheckResult:
    finding = _("no answer within {seconds} s", seconds=f"{within:g}")
    return CheckResult(key, name, "warning", finding, _("Something is slow or busy: check again in a moment."))


class Subject:
    """What several checks ask about, found once: the base model, and what MLX says of itself.

    Args:
        model: the base model as it was chosen.
        engine: where MLX runs; None where it is not to be asked.
        deadline: `time.monotonic` after which nobody waits any more.

    Attributes:
        busy_with: the heavy job that keeps MLX from being measured; empty where there is none.
        quiet: set when everything that does not ask MLX is done.
    """

    def __init__(self, model: ModelChoice, engine: Engine | None, deadline: float) -> None:
        self.model = model
        self.quiet = threading.Event()
        self._deadline = deadline
        self._guard = threading.Lock()
        self._found: Path | None = None
        self._was_looked_for = False
        self.busy_with = engine.busy_with if engine is not None else ""
        self._measured = self._start_measuring(engine)

    def _start_measuring(self, engine: Engine | None) -> Future[MlxFacts] | None:
        if engine is None or self.busy_with:
            return None
        try:
            return engine.submit(measure, self.quiet)
        except EngineBusy:  # the program is closing
            return None

    def folder(self) -> Path | None:
        """The base model's folder, None where it is not on this machine."""
        with self._guard:
            if not self._was_looked_for:
                self._found, self._was_looked_for = find_base(self.model), True
            return self._found

    def size(self) -> ModelSize | None:
        """The base model's size, None where it is not known."""
        return size_of(self.model, self.folder())

    def mlx(self) -> MlxFacts | None:
        """What MLX says, None where it is not asked.

        Raises:
            ImportError: MLX cannot be imported.
            concurrent.futures.TimeoutError: it has not answered by the deadline.
        """
        if self._measured is None:
            return None
        try:
            return self._measured.result(max(self._deadline - time.monotonic(), 0))
        except FutureTimeout:
            self._measured.cancel()  # if it has not begun: nobody waits for it any more
            raise


def _bind(subject: Subject, folder: Path, ollama: Address) -> Mapping[str, Check]:
    """Each check with what it asks about."""
    return {
        "apple_silicon": check_chip,
        "macos": check_macos,
        "memory": functools.partial(_memory, subject),
        "disk": lambda: check_disk(folder, subject.size()),
        "python": check_python,
        "homebrew": check_homebrew,
        "mlx": functools.partial(_mlx, subject),
        "ollama": lambda: check_ollama(ollama),
        "lm_studio": check_lm_studio,
        "base_model": lambda: judge_base_model(subject.model.name, subject.folder(), subject.size()),
    }


def _memory(subject: Subject) -> CheckResult:
    for_mlx = None
    if on_mac():  # elsewhere MLX may use what is free
        try:
            facts = subject.mlx()
            for_mlx = facts.working_set if facts is not None else None
        except (ImportError, FutureTimeout):  # the check of MLX says so
            pass
    return check_memory(for_mlx, subject.size())


def _mlx(subject: Subject) -> CheckResult:
    try:
        facts = subject.mlx()
    except ImportError as error:
        return mlx_device.missing(_("cannot be imported: {error}", error=one_line(str(error), 80)))
    except FutureTimeout:
        return _too_slow("mlx", "MLX", WITHIN)
    if facts is not None:
        return judge_mlx(facts)
    if subject.busy_with:
        return not_measured(_("busy {job}, not measured", job=subject.busy_with))
    return not_measured(_("not measured"))
