"""Two machines that are one: two processes on loopback, started by mlx.launch as they would be on two."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from training.school import QUICK

from tui_tuner.choices import TrainingChoice
from tui_tuner.errors import ConfigurationError, Stopped, TrainingError
from tui_tuner.progress import Event, StopToken
from tui_tuner.training.events import TrainStep, Validation
from tui_tuner.training.machines.hosts import Hosts, read_hosts
from tui_tuner.training.machines.launching import Order, train_on
from tui_tuner.training.plan import TrainingPlan

# They meet at ports that mlx.launch chooses: always the same ones.
pytestmark = pytest.mark.xdist_group("machines")

HERE = {"ssh": "127.0.0.1", "ips": ["127.0.0.1"]}


@pytest.fixture
def two(tmp_path: Path) -> Hosts:
    path = tmp_path / "hosts.json"
    path.write_text(json.dumps([HERE, HERE]))
    return read_hosts(path)


def together(hosts: Hosts, plan: TrainingPlan, *, on_step: Any = lambda event, stop: None) -> list[Event]:
    """Train `plan` on `hosts`; what was heard."""
    heard: list[Event] = []
    stop = StopToken()

    def emit(event: Event) -> None:
        heard.append(event)
        if isinstance(event, TrainStep):
            on_step(event, stop)

    try:
        train_on(hosts, plan, emit=emit, stop=stop)
    except Stopped:
        assert stop.requested
    return heard


def losses(events: list[Event]) -> dict[tuple[str, int], float]:
    return {(event.kind, event.iteration): event.loss for event in events if isinstance(event, TrainStep | Validation)}


def test_two_machines_give_the_losses_of_one_also_where_they_were_stopped_in_the_middle(school, two):
    # 11 rows in batches of 4 leave one of 3, of which the second machine has one; 5 updates gather two batches each.
    choice = dataclasses.replace(QUICK, iters=10, grad_accumulation_steps=2, steps_per_eval=5)
    school.train(school.plan(choice=choice, run="alone"))
    plan = school.plan(choice=choice, run="together")
    first = together(two, plan, on_step=lambda event, stop: event.iteration == 3 and stop.request())
    stopped_at = max(iteration for _kind, iteration in losses(first))
    assert stopped_at < 10
    second = together(two, plan)
    assert min(iteration for _kind, iteration in losses(second)) == stopped_at + 1
    alone = losses(school.events)
    found = losses(first) | losses(second)
    assert found.keys() == alone.keys()
    assert all(found[key] == pytest.approx(alone[key], rel=1e-5) for key in alone)


def children_of(process: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True, check=False)
    return [int(word) for word in listed.stdout.split()]


def test_a_machine_that_dies_ends_the_run_with_everything_kept_and_it_goes_on_without_it(school, two):
    plan = school.plan(run="lost")
    killed: list[int] = []

    def kill_the_second(event: TrainStep, stop: StopToken) -> None:
        if event.iteration != 6:
            return
        (launch,) = (child for child in children_of(os.getpid()) if is_launch(child))
        for rank in children_of(launch):
            if b"MLX_RANK=1" in Path(f"/proc/{rank}/environ").read_bytes().split(b"\0"):
                os.kill(rank, signal.SIGKILL)
                killed.append(rank)

    with pytest.raises(TrainingError, match=r"machine .* is gone") as error:
        together(two, plan, on_step=kill_the_second)
    assert killed
    assert "--resume" in error.value.advice
    kept = max(int(path.name) for path in (plan.run / "checkpoints").iterdir() if path.name.isdigit())
    assert kept >= 6  # the last whole step, not the last checkpoint that was due anyway
    summary = school.train(plan)
    assert summary.finished
    assert summary.iters == QUICK.iters


def is_launch(process: int) -> bool:
    try:
        return b"mlx.launch" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False


def test_why_a_machine_is_not_ready_is_said(school, two, tmp_path):
    plan = dataclasses.replace(school.plan(run="unready"), model=tmp_path / "nowhere")
    with pytest.raises(TrainingError, match=r"no config\.json"):
        together(two, plan)
    assert not plan.run.exists()


def test_machines_that_cannot_be_started_are_no_riddle(school, tmp_path):
    path = tmp_path / "hosts.json"
    path.write_text(json.dumps([HERE, {"ssh": "nobody.invalid", "ips": ["127.0.0.1"]}]))
    with pytest.raises(TrainingError, match="could not train together") as error:
        together(read_hosts(path), school.plan(run="nobody"))
    assert "ssh" in error.value.advice


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON"),
        ('"a"', "no list of hosts"),
        ('[{"ips": []}]', "no list of hosts"),
        (json.dumps([HERE]), "fewer than two"),
        (json.dumps([HERE, {"ssh": "b"}]), "has no ips"),
        (json.dumps({"backend": 3, "hosts": [HERE, HERE]}), "backend"),
    ],
)
def test_a_file_that_names_no_machines_is_refused_with_the_reason(tmp_path, content, said):
    (tmp_path / "hosts.json").write_text(content)
    with pytest.raises(ConfigurationError, match=said) as error:
        read_hosts(tmp_path / "hosts.json")
    assert "mlx.distributed_config" in error.value.advice


def test_a_file_as_mlx_writes_it_is_read(tmp_path):
    (tmp_path / "hosts.json").write_text(json.dumps({"backend": "jaccl", "envs": [], "hosts": [{"ssh": "a"}, HERE]}))
    hosts = read_hosts(tmp_path / "hosts.json")
    assert (hosts.backend, hosts.names, hosts.name(1)) == ("jaccl", ("a", "127.0.0.1"), "machine 2 (127.0.0.1)")


def test_what_a_machine_is_told_arrives_as_it_was(tmp_path):
    choice = TrainingChoice(iters=3, lr_schedule="cosine_decay") if hasattr(TrainingChoice, "lr_schedule") else QUICK
    plan = TrainingPlan(tmp_path / "m", "name; with 'quotes'", tmp_path / "d", tmp_path / "r", choice)
    order = Order(plan, "ring", 7, "mark")
    assert Order.from_json(order.as_json()) == order
