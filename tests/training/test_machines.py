"""Two machines that are one: two processes on loopback, started by mlx.launch as they would be on two."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from training.school import QUICK

from tui_tuner.choices import TrainingChoice
from tui_tuner.errors import ConfigurationError, Stopped, TrainingError
from tui_tuner.progress import Event, Notice, StageProgress, StopToken
from tui_tuner.training.events import TrainStep, Validation
from tui_tuner.training.machines import meeting
from tui_tuner.training.machines.hosts import Hosts, read_hosts
from tui_tuner.training.machines.launching import Order, train_on
from tui_tuner.training.plan import TrainingPlan

# The machines of a run keep a core busy each while they wait for each other.
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


def steps(events: list[Event]) -> list[int]:
    return [event.iteration for event in events if isinstance(event, TrainStep)]


@pytest.fixture
def second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A second machine, reached by an `ssh` that is a shell script doing something with `$command`."""

    def reached_by(script: str) -> Hosts:
        ssh = tmp_path / "bin" / "ssh"
        ssh.parent.mkdir()
        ssh.write_text('#!/bin/bash\ncommand="${@: -1}"\n' + script)
        ssh.chmod(0o755)
        monkeypatch.setenv("PATH", f"{ssh.parent}{os.pathsep}{os.environ['PATH']}")
        path = tmp_path / "hosts.json"
        path.write_text(json.dumps([HERE, {"ssh": "studio.local", "ips": ["127.0.0.1"]}]))
        return read_hosts(path)

    return reached_by


def test_two_runs_at_once_do_not_meet_each_other(school, two):
    choice = dataclasses.replace(QUICK, iters=2, samples=0)
    plans = [school.plan(run=name, choice=choice) for name in ("one", "other")]
    with ThreadPoolExecutor() as both:
        first, other = both.map(lambda plan: losses(together(two, plan)), plans)
    assert ("train_step", 2) in first
    assert first == other


def test_ports_differ_from_run_to_run_and_are_as_many_as_the_machines_need(tmp_path, monkeypatch):
    asked: list[int] = []
    monkeypatch.setattr(meeting, "free_port", lambda count=1: asked.append(count) or 20_000)
    wired = {"ssh": "b", "ips": ["10.0.0.1", "10.0.0.2"], "rdma": []}
    options = {}
    for backend in ("ring", "jaccl", "jaccl-ring", "nccl", "mpi"):
        (tmp_path / "hosts.json").write_text(json.dumps({"backend": backend, "hosts": [HERE, wired]}))
        options[backend] = meeting.port_options(read_hosts(tmp_path / "hosts.json"))
    assert asked == [3, 1, 1, 1]
    assert options["ring"] == options["jaccl"] == options["jaccl-ring"] == ["--starting-port", "20000"]
    assert options["nccl"] == ["--nccl-port", "20000"]
    assert options["mpi"] == []


def test_ports_somebody_listens_on_are_not_taken(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("", meeting.free_port()))
        place = taken.getsockname()[1]
        firsts = iter([place - 1, place + 1])
        monkeypatch.setattr(meeting.random, "choice", lambda ports: next(firsts))
        assert meeting.free_port(2) == place + 1


def test_a_machine_that_does_not_come_is_named_and_nothing_is_left_running(school, second):
    plan = school.plan(run="alone")
    with pytest.raises(TrainingError, match=r"machine 2 \(studio\.local\) did not start within 1 s") as error:
        train_on(second("exec sleep 600\n"), plan, emit=school.events.append, stop=StopToken(), patience=1.0)
    assert "ssh" in error.value.advice
    assert not plan.run.exists()
    assert not [child for child in children_of(os.getpid()) if is_launch(child)]


def test_machines_that_wait_for_each_other_for_ever_can_be_stopped(school, second):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        # The second machine goes to somebody else, who takes the connection and says nothing.
        elsewhere = f"127.0.0.1:{nobody.getsockname()[1]}"
        hosts = second(f'exec bash -c "$(echo "$command" | sed s/127.0.0.1:[0-9]*/{elsewhere}/)"\n')
        stop = StopToken()

        def stop_when_all_are_here(event: Event) -> None:
            if isinstance(event, StageProgress) and event.done == 2:
                nobody.accept()
                stop.request()

        with pytest.raises(Stopped, match="before the machines had come together"):
            train_on(hosts, school.plan(run="lost"), emit=stop_when_all_are_here, stop=stop)
    assert not [child for child in children_of(os.getpid()) if is_launch(child)]


def test_a_machine_that_fails_ends_the_waiting_of_the_others(school, second, tmp_path):
    waits = tmp_path / "the first one waits"
    hosts = second(f"""echo {tmp_path}/pid
        until [ -e '{waits}' ]; do sleep 0.05; done
        echo no room here >&2; exit 1\n""")

    def see(event: Event) -> None:
        if isinstance(event, StageProgress):
            waits.touch()

    with pytest.raises(TrainingError, match="no room here"):
        train_on(hosts, school.plan(run="lost"), emit=see, stop=StopToken())


def test_how_long_the_machines_are_waited_for_and_what_is_said_then(two):
    clock = [0.0]
    heard: list[Event] = []
    waited = meeting.Meeting(two, heard.append, 60.0, lambda: clock[0])
    clock[0] = 59.0
    waited.look()
    waited.hear(meeting.MachineHere(0))
    clock[0] = 118.0
    waited.look()  # somebody came in between
    clock[0] = 120.0
    with pytest.raises(TrainingError, match=r"machine 2 \(127\.0\.0\.1\) did not start within 60 s"):
        waited.look()
    waited.hear(meeting.MachineHere(1))
    waited.look()
    clock[0] = 181.0
    with pytest.raises(TrainingError, match="did not reach each other within 60 s") as error:
        waited.look()
    assert "firewall" in error.value.advice
    waited.hear(meeting.MachinesMet())
    waited.look()
    assert [(event.done, event.ended) for event in heard] == [(1, False), (2, False), (2, True)]
    assert not waited.hear(Notice("training begins"))


def test_two_machines_give_the_losses_of_one_also_where_they_were_stopped_in_the_middle(school, two):
    # 11 rows in batches of 4 leave one of 3, of which the second machine has one; 5 updates gather two batches each.
    choice = dataclasses.replace(QUICK, iters=10, grad_accumulation_steps=2, steps_per_eval=5)
    school.train(school.plan(choice=choice, run="alone"))
    plan = school.plan(choice=choice, run="together")
    first = together(two, plan, on_step=lambda event, stop: event.iteration == 3 and stop.request())
    stopped_at = max(steps(first))
    assert stopped_at < 10
    second = together(two, plan)
    assert min(steps(second)) == stopped_at + 1
    alone = losses(school.events)
    found = losses(first) | losses(second)
    assert found.keys() == alone.keys()
    assert all(found[key] == pytest.approx(alone[key], rel=1e-5) for key in alone)


def children_of(process: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True, check=False)
    return [int(word) for word in listed.stdout.split()]


def test_a_machine_that_dies_ends_the_run_with_everything_kept_and_it_goes_on_without_it(school, two):
    choice = dataclasses.replace(QUICK, iters=200)  # on a busy machine many steps pass before the kill arrives
    plan = school.plan(choice=choice, run="lost")
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
    assert summary.iters == choice.iters


ASKS_ON = """
import mlx.core as mx
from tui_tuner.training.machines.group import Group, MachineLost

group = Group(mx.distributed.init(strict=True, backend="ring"))
for _time in range(3 if group.rank == 0 else 0):
    try:
        group.sum(mx.ones(1))
    except MachineLost:
        print("lost", flush=True)
"""


def test_after_a_machine_is_lost_nobody_waits_for_it_again(tmp_path):
    path = tmp_path / "ring.json"
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        path.write_text(json.dumps([[f"127.0.0.1:{each.getsockname()[1]}"] for each in (one, other)]))
    both = []
    for rank in ("0", "1"):
        environment = {**os.environ, "MLX_HOSTFILE": str(path), "MLX_RANK": rank}
        command = [sys.executable, "-c", ASKS_ON]
        both.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    try:
        said, _complaints = both[0].communicate(timeout=60)
    finally:
        for process in both:
            process.kill()
            process.communicate()
    assert said.split() == [b"lost"] * 3


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
        (json.dumps([HERE, {"ssh": "b", "ips": "10.0.0.1"}]), "no list"),
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
