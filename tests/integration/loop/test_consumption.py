"""By what its containers consume, an execution ends once they rest, and only where it is known."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from reconciler.agent.counters import Counters
from reconciler.agent.server import Server
from reconciler.converge import probing
from reconciler.converge.probing import Target
from reconciler.probes.agents import NONE_OFFERED, Agents
from reconciler.probes.prober import Prober
from tests.fixtures.site import Site, execution_file

BOOK = "executions/aml/book.yaml"
IDLE = "idle: {after: 10m, probe: {type: usage}}"
TOKEN = "t" * 43
A_MINUTE_US = 60_000_000


@dataclass
class Lab:
    """An installation whose nodes all have one agent, which tells what a test says."""

    site: Site
    agent: Server
    consumed: dict[str, int]
    agents: Agents = field(init=False)

    def __post_init__(self) -> None:
        clock = self.site.clock
        begin = clock.now()
        self.agents = Agents(port=self.agent.server_port, token=TOKEN)
        self.prober = Prober(
            store=self.site.store,
            clock=clock,
            targets=self.targets,
            token_of=lambda _: "",
            wake=lambda: None,
            read_log=lambda *_: "",
            agents=self.agents,
            elapsed_s=lambda: (clock.now() - begin).total_seconds(),
        )
        self.site.loop.activity = self.prober.known

    def targets(self) -> tuple[Target, ...] | None:
        last = self.site.loop.last
        if last is None:
            return None
        return tuple(
            replace(t, containers=tuple(replace(c, address="127.0.0.1") for c in t.containers))
            for t in probing.targets(last)
        )

    def begin(self) -> None:
        self.site.push({BOOK: execution_file("book", extra=IDLE)})
        self.site.reconcile(passes=6)
        assert self.status["phase"] == "Running"

    def minutes(self, count: int, *, cpu_percent: int = 0) -> None:
        for _ in range(count):
            self.site.cluster.advance(60_000)
            self.consumed["at_us"] += A_MINUTE_US
            self.consumed["cpu_us"] += A_MINUTE_US * cpu_percent // 100
            self.prober.round()
            self.site.loop.reconcile(fetch=False)

    @property
    def status(self) -> Mapping[str, Any]:
        return self.site.status("aml/book")

    def condition(self, type_: str) -> Any:
        found = [c for c in self.status["conditions"] if c["type"] == type_]
        return found[0]["message"] if found else None


@pytest.fixture
def lab(site: Site) -> Iterator[Lab]:
    consumed = {"at_us": A_MINUTE_US, "cpu_us": 0}

    def read(wanted: Collection[str]) -> Mapping[str, Counters]:
        return dict.fromkeys(wanted, Counters(cpu_us=consumed["cpu_us"], network_bytes=0))

    address = ("127.0.0.1", 0)
    with Server(address, token=TOKEN, read=read, clock_us=lambda: consumed["at_us"]) as agent:
        thread = threading.Thread(target=agent.serve_forever, args=(0.01,))
        thread.start()
        yield Lab(site, agent, consumed)
        agent.shutdown()
        thread.join()


def test_what_computes_stays_and_ends_once_it_rests(lab: Lab) -> None:
    lab.begin()
    lab.minutes(25, cpu_percent=50)
    assert lab.status["phase"] == "Running"
    lab.minutes(9)
    assert lab.status["phase"] == "Running"
    assert lab.condition("IdleSoon")
    lab.minutes(3)
    assert (lab.status["phase"], lab.status["reason"]) == ("Stopped", "Idle")


def test_without_agents_it_is_told_and_nothing_ends(lab: Lab) -> None:
    lab.agents.port = 0
    lab.begin()
    lab.minutes(25)
    assert lab.status["phase"] == "Running"
    assert NONE_OFFERED in lab.condition("IdleUnknown")


def test_an_agent_that_falls_silent_begins_the_time_anew(lab: Lab) -> None:
    lab.begin()
    lab.minutes(9)
    lab.agents.token = "another"
    lab.minutes(7)
    assert lab.status["phase"] == "Running"
    assert "HTTP 401" in lab.condition("IdleUnknown")
    lab.agents.token = TOKEN
    lab.minutes(9)
    assert lab.status["phase"] == "Running"
    lab.minutes(4)
    assert lab.status["phase"] == "Stopped"
