"""The program that `mlx.launch` starts on each machine of a run: `python -m tui_tuner.training.machines.rank ORDER`.

The first machine trains as `tuner train` does alone and writes its events, a line of JSON each, to stdout; stopping and
pausing come by stdin. The others say that they are here, and where they fail.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tui_tuner.engine import running_engine
from tui_tuner.environment.awake import kept_awake
from tui_tuner.errors import TrainingError
from tui_tuner.jobs import Job, JobEnded
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, Event, StopToken
from tui_tuner.training.machines.group import Group
from tui_tuner.training.machines.launching import PAUSE, STOP, UNPAUSE, Order
from tui_tuner.training.machines.meeting import MachineHere, MachinesMet, own_rank

WATCH_SECONDS = 2.0


def main() -> int:
    """Do this machine's part; 0 unless it failed and nobody has been told why."""
    order = Order.from_json(sys.argv[1])
    ended: list[JobEnded] = []
    leads: list[bool] = []
    waited = threading.Event()  # for the others; or it failed before

    def hear(event: Event) -> None:
        if isinstance(event, JobEnded):
            ended.append(event)
            waited.set()
        else:
            _write(event)

    def joined(first: bool) -> None:
        leads.append(first)
        waited.set()

    with running_engine() as engine:
        job = Job("training", lambda emit, stop: _part(order, emit, stop, joined), hear, engine)
        job.start()
        watcher = threading.Thread(target=_obey, args=(job.stop_token, order.starter), daemon=True)
        watcher.start()
        waited.wait()
        if leads:
            # mlx.launch ends all machines when one has failed. Once they train, whoever is left notices by itself, and
            # the leading one has something to put on the disk first. Before, MLX holds the interpreter while it waits:
            # a handler would never be called, and mlx.launch wait for ever too.
            signal.signal(signal.SIGTERM, lambda _number, _frame: None)
        job.wait()
    return _say_the_end(ended[0], leads=bool(leads and leads[0]))


def _part(order: Order, emit: Emit, stop: StopToken, joined: Callable[[bool], None]) -> None:
    from tui_tuner.training.machines.joining import follow
    from tui_tuner.training.train import train

    if (rank := own_rank()) >= 0:
        _write(MachineHere(rank))
    group = Group(_come_together(order.backend))
    joined(group.rank == 0)
    if group.rank:
        with kept_awake(wanted=order.plan.keep_awake):
            follow(group, order.plan)
        return
    _write(MachinesMet())
    if not Path(order.mark).exists():
        raise TrainingError(
            _("the first machine in the list is not the one on which training was started"),
            advice=_("Put this machine first: the run's folder is here."),
        )
    train(order.plan, emit=emit, stop=stop, group=group)


def _come_together(backend: str) -> Any:
    import mlx.core as mx

    try:
        return mx.distributed.init(strict=True, backend=backend)
    except RuntimeError as error:
        raise TrainingError(
            _("this machine finds no way to the others: {error}", error=one_line(str(error), 200)),
            advice=_("See that the ips in the file are theirs, and that their firewalls let Python take connections."),
        ) from error


def _obey(stop: StopToken, starter: int) -> None:
    """Do as the lines of stdin say; stop where whoever started all this is gone."""
    threading.Thread(target=_watch, args=(stop, starter), daemon=True).start()
    commands: dict[str, Callable[[], Any]] = {STOP: stop.request, PAUSE: stop.pause, UNPAUSE: stop.unpause}
    for line in sys.stdin:
        commands.get(line.strip(), lambda: None)()


def _watch(stop: StopToken, starter: int) -> None:
    if os.environ.get("MLX_RANK", "0") != "0":
        return
    while not stop.requested:
        try:
            os.kill(starter, 0)
        except ProcessLookupError:
            stop.request()
        except PermissionError:
            return
        with contextlib.suppress(Exception):
            stop.wait(WATCH_SECONDS)


def _say_the_end(ended: JobEnded, *, leads: bool) -> int:
    if leads:
        _write(ended)
        return 0
    if ended.outcome == "failed":
        sys.stderr.write(" ".join(filter(None, (ended.message, ended.advice))).replace("\n", " ") + "\n")
        return 1
    return 0


def _write(event: Event) -> None:
    sys.stdout.write(json.dumps(event.as_json()) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # stopping comes by stdin
    sys.exit(main())
