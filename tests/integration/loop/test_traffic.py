"""By traffic, an execution ends when nobody comes, and never while somebody is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address

import pytest

from reconciler.config import GatewaySettings
from reconciler.converge import passage, probing
from reconciler.converge.probing import Target, Traffic
from reconciler.converge.state import KIND_GATEWAY, LABEL_COMPONENT, LABEL_KIND
from reconciler.probes.prober import Prober
from tests.fixtures.site import Site, execution_file

BOOK = "executions/aml/book.yaml"
IDLE = "idle: {after: 10m, probe: {type: traffic}}"
PORTS = "ports: [{name: web, target: 8888, app_protocol: http}, {name: ui, target: 81}]"


@dataclass
class Lab:
    """An installation whose gateway tells what a test says; the rest is as ever."""

    site: Site
    open: str = ""
    prober: Prober = field(init=False)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        clock = self.site.clock
        begin = clock.now()
        self.prober = Prober(
            store=self.site.store,
            clock=clock,
            targets=self.targets,
            token_of=lambda _: "",
            wake=lambda: None,
            read_log=lambda _, lines: "".join(self.told[-lines:]),
            elapsed_s=lambda: (clock.now() - begin).total_seconds(),
        )
        self.site.loop.activity = self.prober.known

    def targets(self) -> tuple[Target, ...] | None:
        last = self.site.loop.last
        return probing.targets(last) if last is not None else None

    def begin(self, ports: str = PORTS) -> Traffic:
        self.site.push({BOOK: execution_file("book", extra=IDLE, service=ports)})
        self.site.reconcile(passes=12)
        (target,) = self.targets() or ()
        assert target.traffic is not None
        return target.traffic

    def minutes(self, count: int) -> None:
        for _ in range(count * 60 // passage.TOLD_EVERY_S):
            self.site.cluster.advance(passage.TOLD_EVERY_S * 1000)
            at = int(self.site.clock.now().timestamp())
            self.told.append(f"open {at} of{self.open} .\n")
            self.prober.round()
        self.site.loop.reconcile(fetch=False)

    @property
    def reason(self) -> str:
        return str(self.site.status("aml/book")["reason"])

    def condition(self, type_: str) -> str | None:
        return self.site.condition("aml/book", type_)


def _kind(labels: Mapping[str, str]) -> tuple[str, str]:
    return labels.get(LABEL_KIND, ""), labels.get(LABEL_COMPONENT, "")


@pytest.fixture
def lab(site: Site) -> Iterator[Lab]:
    site.settings = replace(site.settings, gateway=GatewaySettings(image="gateway"))
    site.restart()
    return Lab(site)


def test_the_gateway_of_its_namespace_is_asked_for_its_routes_and_tasks(lab: Lab) -> None:
    traffic = lab.begin()
    observed = lab.site.cluster.observe()
    kinds = {s.id: _kind(s.spec.labels) for s in observed.services}
    assert kinds[traffic.gateway] == (KIND_GATEWAY, "http")
    assert traffic.routes == {"/book/main/8888"}
    (task,) = (t for t in observed.tasks if kinds[t.service_id][1] == "main")
    assert traffic.places == {(address, 8888) for address in task.addresses}


def test_it_ends_when_nobody_came_for_long(lab: Lab) -> None:
    lab.begin()
    lab.minutes(8)
    assert lab.reason == "Running"
    lab.minutes(5)
    assert lab.reason == "Idle"


def test_a_connection_that_stays_open_is_use_though_nothing_is_asked_for(lab: Lab) -> None:
    ((address, port), *_) = lab.begin().places
    backwards = IPv4Address(address).packed[::-1].hex().upper()
    lab.open = f" {backwards}:{port:04X}"
    lab.minutes(30)
    assert lab.reason == "Running"
    assert lab.condition("IdleSoon") is None
    lab.open = ""
    lab.minutes(13)
    assert lab.reason == "Idle"


def test_without_a_gateway_nothing_is_known_and_that_is_told(site: Site) -> None:
    lab = Lab(site)
    traffic = lab.begin()
    assert "has no gateway up" in traffic.unseen
    lab.minutes(20)
    assert lab.reason == "Running"
    assert "docs/gateway.md says how one is offered" in lab.condition("IdleUnknown")


def test_a_gateway_that_falls_silent_ends_nobody(lab: Lab) -> None:
    lab.begin()
    lab.minutes(8)
    lab.told = []
    for _ in range(10):
        lab.site.cluster.advance(60_000)
        lab.prober.round()
        lab.site.loop.reconcile(fetch=False)
    assert lab.reason == "Running"
    assert "doesn't tell what it passes on" in lab.condition("IdleUnknown")
