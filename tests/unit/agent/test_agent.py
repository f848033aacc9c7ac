"""The agent of a node: what it reads of the kernel, whom it answers, and what is made of it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest

from reconciler.agent.counters import Counters, Machine
from reconciler.agent.server import MOST_CONTAINERS, Server
from reconciler.converge.consumption import Container
from reconciler.probes.agents import Agents
from reconciler.probes.asking import NotUnderstood

MINE, OTHER = "a1" * 32, "b2" * 32
TOKEN = "t" * 43
LOCAL = "127.0.0.1"
DEV = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop
    lo:  999999   10    0    0    0     0          0         0   999999      10    0    0
  eth0: {received}   7    0    0    0     0          0         0  {sent}       7    0    0
  eth1:    1000   7    0    0    0     0          0         0     1000       7    0    0
"""


class Node:
    """A node's /proc and control groups as files; ``old``: those of version 1."""

    def __init__(self, folder: Path, *, old: bool) -> None:
        self.proc, self.cgroups, self._old = folder / "proc", folder / "cgroup", old
        self.proc.mkdir()
        self.cgroups.mkdir()
        if not old:
            (self.cgroups / "cgroup.controllers").write_text("cpu memory\n")
        (self.proc / "self").mkdir()
        self.process(1, "init.scope")

    def process(self, pid: int, group: str) -> Path:
        folder = self.proc / str(pid)
        (folder / "net").mkdir(parents=True)
        lines = [f"4:cpu,cpuacct:/{group}", f"1:name=systemd:/{group}"]
        text = "\n".join(lines) if self._old else f"0::/../{group}"
        (folder / "cgroup").write_text(text + "\n")
        return folder

    def container(self, id_: str, pid: int) -> None:
        group = f"docker/{id_}" if self._old else f"system.slice/docker-{id_}.scope"
        root = self.cgroups / "cpu,cpuacct" if self._old else self.cgroups
        self.group = root / group
        (self.group / "inner").mkdir(parents=True)
        self.stat = self.process(pid, group) / "net" / "dev"

    def consume(self, *, cpu_us: int, received: int = 0, sent: int = 0) -> None:
        if self._old:
            (self.group / "cpuacct.usage").write_text(f"{cpu_us * 1000 + 7}\n")
        else:
            (self.group / "cpu.stat").write_text(f"usage_usec {cpu_us}\nuser_usec 1\n")
        self.stat.write_text(DEV.format(received=received, sent=sent))

    @property
    def machine(self) -> Machine:
        return Machine(self.proc, self.cgroups)


@pytest.fixture(params=[True, False], ids=["version 1", "version 2"])
def node(request: pytest.FixtureRequest, tmp_path: Path) -> Node:
    made = Node(tmp_path, old=request.param)
    made.container(MINE, 40)
    made.consume(cpu_us=5_000_000, received=300, sent=200)
    return made


class Clock:
    now_us = 1_000_000

    def __call__(self) -> int:
        return self.now_us


@contextmanager
def serving(machine: Machine, clock: Clock) -> Iterator[Server]:
    with Server((LOCAL, 0), token=TOKEN, read=machine.counters, clock_us=clock) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_container_is_found_by_its_id_and_others_are_not_told(node: Node) -> None:
    machine = node.machine
    expected = {MINE: Counters(cpu_us=5_000_000, network_bytes=2_500)}
    assert machine.counters([MINE, OTHER]) == expected
    node.consume(cpu_us=6_000_000, received=301, sent=200)
    assert machine.counters([MINE])[MINE] == Counters(cpu_us=6_000_000, network_bytes=2_501)
    assert machine.counters([OTHER]) == {}


def test_a_container_that_ended_is_not_told_any_more(node: Node) -> None:
    machine = node.machine
    assert machine.counters([MINE])
    for file in node.group.iterdir():
        file.rmdir() if file.is_dir() else file.unlink()
    node.group.rmdir()
    assert machine.counters([MINE]) == {}


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        (f"/usage?container={MINE}", TOKEN, 200),
        (f"/usage?container={MINE}", "", 401),
        (f"/usage?container={MINE}", TOKEN[:-1], 401),
        ("/elsewhere", "", 401),
        ("/elsewhere", TOKEN, 404),
        ("/usage", TOKEN, 400),
        ("/usage?container=../../etc/passwd", TOKEN, 400),
        (f"/usage?container={MINE}x", TOKEN, 400),
        ("/usage?" + f"container={MINE}&" * (MOST_CONTAINERS + 1), TOKEN, 400),
    ],
)
def test_it_answers_one_question_and_only_who_knows_the_token(
    node: Node, path: str, token: str, status: int
) -> None:
    with serving(node.machine, Clock()) as server:
        connection = HTTPConnection(LOCAL, server.server_port, timeout=5)
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        assert answer.status == status
        assert (MINE.encode() in answer.read()) is (status == 200)
        connection.request("POST", path, body=b"x")
        assert connection.getresponse().status == 501
        connection.close()


def test_use_is_what_moved_since_it_was_asked_the_last_time(node: Node) -> None:
    clock = Clock()
    with serving(node.machine, clock) as server:
        asked = Agents(port=server.server_port, token=TOKEN)
        mine = [Container(id=MINE, address=LOCAL)]
        assert asked.last_use("u", mine) == timedelta(0)  # nothing to compare with
        clock.now_us += 60_000_000
        assert asked.last_use("u", mine) is None
        clock.now_us += 60_000_000
        node.consume(cpu_us=9_000_000, received=300, sent=200)
        assert asked.last_use("u", mine) == timedelta(0)
        clock.now_us += 60_000_000
        node.consume(cpu_us=9_000_000, received=300, sent=300_000)
        assert asked.last_use("u", mine) == timedelta(0)
        asked.forget(["u"])
        clock.now_us += 60_000_000
        assert asked.last_use("u", mine) == timedelta(0)


def test_what_no_agent_tells_is_unknown(node: Node) -> None:
    mine, other = (Container(id=id_, address=LOCAL) for id_ in (MINE, OTHER))
    with serving(node.machine, Clock()) as server:
        ours = Agents(port=server.server_port, token=TOKEN)
        with pytest.raises(NotUnderstood, match="no agent tells"):
            Agents().last_use("u", [mine])
        with pytest.raises(NotUnderstood, match="none of its containers is up"):
            ours.last_use("u", [])
        with pytest.raises(NotUnderstood, match="knows nothing of its container"):
            ours.last_use("u", [mine, other])
        with pytest.raises(NotUnderstood, match="HTTP 401"):
            Agents(port=server.server_port, token="another").last_use("u", [mine])
    with socket.create_server((LOCAL, 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(NotUnderstood):
        Agents(port=port, token=TOKEN).last_use("u", [mine])
