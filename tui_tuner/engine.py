"""The one thread on which MLX runs.

MLX's streams belong to a thread: a lazy array made on one cannot be evaluated on another, and a thread that ran a
compiled step has to give its streams back before it ends, otherwise the process dies at exit. So everything that loads,
trains, evaluates, fuses or generates is handed to this thread, one piece of work after the other.
"""

from __future__ import annotations

import contextlib
import functools
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

from tui_tuner.errors import EngineBusy
from tui_tuner.language import _

Result = TypeVar("Result")


class Engine:
    """Runs functions one after the other on a thread of its own, started with the first of them."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any], str] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()
        self._closed = False
        self._busy_with = ""

    @property
    def busy_with(self) -> str:
        """The heavy job running or waiting, as a person reads it; empty when there is none."""
        return self._busy_with

    def submit(self, function: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        """Run `function` after whatever is waiting; light work, such as one chat reply or a load."""
        return self._enqueue(functools.partial(function, *args, **kwargs), "")

    def submit_heavy(self, name: str, function: Callable[[], Result]) -> Future[Result]:
        """Run a heavy job such as training; only one at a time may run or wait.

        Raises:
            EngineBusy: another heavy job has the thread; names it.
        """
        with self._guard:
            self.require_free()
            self._busy_with = name
        return self._enqueue(function, name)

    def require_free(self) -> None:
        """Raise `EngineBusy` while a heavy job has the thread."""
        if self._busy_with:
            raise EngineBusy(
                _("the model is busy: {job}", job=self._busy_with), advice=_("Wait until it is done, or stop it first.")
            )

    def _enqueue(self, function: Callable[[], Result], heavy: str) -> Future[Result]:
        future: Future[Result] = Future()
        with self._guard:
            if self._closed:
                raise EngineBusy(_("the program is closing"))
            if self._thread is None:
                # Not a daemon: the interpreter must not tear MLX down under a running step.
                self._thread = threading.Thread(target=self._serve, name="mlx", daemon=False)
                self._thread.start()
        self._work.put((function, future, heavy))
        return future

    def _serve(self) -> None:
        from tui_tuner.models.blas import load_fast_blas

        load_fast_blas()  # has to come before MLX is imported for the first time
        while (item := self._work.get()) is not None:
            function, future, heavy = item
            if not future.set_running_or_notify_cancel():
                self._release(heavy)
                continue
            try:
                result = function()
            except BaseException as error:
                self._release(heavy)
                future.set_exception(error)
            else:
                self._release(heavy)
                future.set_result(result)
            del item, function, future  # otherwise a finished job's model would stay in memory until the next one
        if "mlx.core" in sys.modules:
            import mlx.core as mx

            mx.clear_streams()

    def _release(self, heavy: str) -> None:
        if heavy:
            self._busy_with = ""

    def close(self) -> None:
        """Finish what is waiting and end the thread; nothing can be submitted afterwards."""
        with self._guard:
            self._closed = True
            thread, self._thread = self._thread, None
        if thread is not None:
            self._work.put(None)
            thread.join()


@contextlib.contextmanager
def running_engine() -> Iterator[Engine]:
    """An engine for the length of a block; its thread has ended when the block has."""
    engine = Engine()
    try:
        yield engine
    finally:
        engine.close()
