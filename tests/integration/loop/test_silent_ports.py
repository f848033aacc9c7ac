"""A declared port that nothing listens on is told; what runs goes on, and so do the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from reconciler.probes.port_checker import AGAIN_MOST_S, PortChecker
from tests.fixtures.site import Site, execution_file

BOOK = "executions/aml/book.yaml"
PORTS = "ports: [{name: jupyter, target: 8888, app_protocol: http}, {name: ssh, target: 22}]"


@dataclass
class Checked:
    """A site whose nodes answer as a test says."""

    site: Site
    answer: bool | None = False
    tried: list[tuple[str, int]] = field(default_factory=list)
    woken: int = 0

    def __post_init__(self) -> None:
        clock = self.site.clock
        begin = clock.now()
        self.checker = PortChecker(
            last=lambda: self.site.loop.last,
            wake=self.wake,
            try_port=self.try_port,
            elapsed_s=lambda: (clock.now() - begin).total_seconds(),
        )
        self.site.loop.silent = self.checker.silent
        self.site.push({BOOK: execution_file("book", service=PORTS)})
        self.site.reconcile(passes=6)

    def wake(self) -> None:
        self.woken += 1

    def try_port(self, address: str, port: int) -> bool | None:
        self.tried.append((address, port))
        return self.answer

    def seconds(self, count: int, *, step: int = 5) -> None:
        for _ in range(count // step):
            self.checker.round()
            self.site.cluster.advance(step * 1000)
        self.site.loop.reconcile(fetch=False)
        self.site.loop.reconcile(fetch=False)

    def condition(self, type_: str) -> Any:
        found = [c for c in self.site.status("aml/book")["conditions"] if c["type"] == type_]
        return (found[0]["status"], found[0]["message"]) if found else None


@pytest.fixture
def checked(site: Site) -> Checked:
    return Checked(site)


def test_it_is_told_once_it_had_time_and_taken_back_when_it_answers(checked: Checked) -> None:
    checked.seconds(55)
    assert checked.tried == []
    checked.seconds(10)
    assert (len(checked.tried), checked.condition("PortSilent")) == (1, None)
    checked.seconds(20)
    (task,) = checked.site.cluster.observe().tasks
    there = next(port for port in task.host_ports if port.target == 8888)
    assert {port for _, port in checked.tried} == {there.published}
    _, told = checked.condition("PortSilent")
    assert told.startswith("nothing listens on port 8888 (jupyter) of main on ")
    assert told.endswith("see zoe logs aml/book")
    assert checked.condition("Ready")[0] == "True"
    checked.answer = True
    checked.seconds(60)
    assert checked.condition("PortSilent") is None
    assert checked.woken == 2


def test_who_answers_is_never_tried_again(checked: Checked) -> None:
    checked.answer = True
    checked.seconds(3600, step=60)
    assert len(checked.tried) == 1
    assert checked.woken == 0


def test_who_doesnt_is_tried_less_and_less_often(checked: Checked) -> None:
    checked.seconds(3600, step=10)
    assert len(checked.tried) == 6 + 3600 // AGAIN_MOST_S - 1


def test_what_cant_be_told_isnt_told(checked: Checked) -> None:
    checked.answer = None
    checked.seconds(600)
    assert checked.condition("PortSilent") is None


def test_what_is_told_changes_nothing_that_runs(checked: Checked) -> None:
    writes = checked.site.writes()
    checked.seconds(600)
    assert checked.site.writes() == writes
    checked.site.published()
    version = checked.site.store.state_version()
    checked.seconds(600)
    assert checked.site.store.state_version() == version


def test_a_task_that_is_gone_is_forgotten(checked: Checked) -> None:
    checked.seconds(100)
    suspended = execution_file("book", service=PORTS, extra="suspend: true")
    checked.site.push({BOOK: suspended})
    checked.site.reconcile(passes=6)
    checked.seconds(10)
    assert checked.checker.silent() == {}
