"""An execution that nobody uses ends; one that is used, or of which that isn't known, doesn't."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from reconciler.converge import probing
from reconciler.converge.idleness import announced_at
from reconciler.converge.probing import Target
from reconciler.manifest.idle import Idle, Probe
from reconciler.probes.prober import Prober
from tests.fixtures.application import Server, serving
from tests.fixtures.site import PLATFORM, Site, execution_file

BOOK = "executions/aml/book.yaml"
IDLE = """\
idle: {after: 10m, probe: {type: http, service: main, port: web, path: /use, active: /is_used}}
notify: [{on: [idle-soon, finished], to: ops}]
"""
IN_TEN_MINUTES = Idle(
    after_ms=600_000, probe=Probe(type="http", service="main", port="web", active="/is_used")
)
PORT = "ports: [{name: web, target: 8888}]"
TARGETS = '{notifyTargets: {ops: {type: webhook, url: "https://hooks.example.org/zoe"}}}'


@dataclass
class Watched:
    """A site whose executions are all answered for by one application."""

    site: Site
    application: Server
    prober: Prober = field(init=False)
    woken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """As after a crash: only what is stored is known."""
        self.site.restart()
        if self.site.loop.sender is not None:
            self.site.loop.sender.close()
            self.site.loop.sender = None  # the letters are looked at, not sent
        clock = self.site.clock
        begin = clock.now()
        self.prober = Prober(
            store=self.site.store,
            clock=clock,
            targets=self.targets,
            token_of=lambda target: f"token of {target.uid}",
            wake=lambda: self.woken.append(clock.now().isoformat()),
            read_log=lambda service, lines: self.site.cluster.logs(service, tail=lines),
            elapsed_s=lambda: (clock.now() - begin).total_seconds(),
        )
        self.site.loop.activity = self.prober.known
        self.prober.round()

    @property
    def found(self) -> Sequence[Target] | None:
        """Whom the last pass found to ask."""
        last = self.site.loop.last
        return probing.targets(last) if last is not None else None

    def targets(self) -> Sequence[Target] | None:
        found = self.found
        port = self.application.server_port
        return found and [replace(t, address="127.0.0.1", port=t.port and port) for t in found]

    def begin(self, idle: str = IDLE) -> None:
        self.site.push({"platform.yaml": PLATFORM.replace("spec: {}", f"spec: {TARGETS}")})
        self.site.push({BOOK: execution_file("book", extra=idle, service=PORT)})
        self.site.reconcile(passes=6)
        assert self.phase == "Running"

    def minutes(self, count: int, *, asks: bool = True) -> None:
        """Let time pass, a minute at a time: ask, then a pass."""
        for _ in range(count):
            self.site.cluster.advance(60_000)
            if asks:
                self.prober.round()
            self.site.loop.reconcile(fetch=False)

    @property
    def phase(self) -> str:
        return str(self.site.status("aml/book")["phase"])

    @property
    def reason(self) -> str:
        return str(self.site.status("aml/book")["reason"])

    def condition(self, type_: str) -> str | None:
        return self.site.condition("aml/book", type_)

    def notices(self) -> list[str]:
        letters = self.site.store.waiting_letters()
        return sorted(str(getattr(letter.message, "transition", "")) for letter in letters)


@pytest.fixture
def watched(site: Site) -> Iterator[Watched]:
    with serving() as application:
        application.pages["/use"] = {"is_used": False}
        yield Watched(site, application)


def test_what_nobody_uses_is_announced_and_ends(watched: Watched) -> None:
    watched.begin()
    watched.minutes(8)
    assert (watched.phase, watched.condition("IdleSoon")) == ("Running", None)
    assert watched.notices() == []
    watched.minutes(1)
    assert "use it, or raise idle.after in its file" in watched.condition("IdleSoon")
    assert watched.notices() == ["idle-soon"]
    watched.minutes(4)
    assert (watched.phase, watched.reason) == ("Stopped", "Idle")
    assert watched.notices() == ["finished", "idle-soon"]
    told = {event.message for event in watched.site.store.events() if "nobody" in event.message}
    assert told == {"nobody used it since 2026-01-01 00:01:03 UTC"}
    watched.minutes(2)
    assert watched.site.cluster.observe().services == ()
    assert watched.site.store.activities() == ()
    assert len(watched.woken) == 2  # when its end came near, and when it was there


def test_it_stays_ended_until_its_run_rises(watched: Watched) -> None:
    watched.begin()
    watched.minutes(13)
    assert watched.phase == "Stopped"
    watched.site.push({BOOK: execution_file("book", extra=IDLE, service=PORT, run=2)})
    watched.site.reconcile(passes=4)
    watched.minutes(5)
    assert watched.phase == "Running"


def test_use_takes_the_announcement_back_and_a_later_one_is_told_again(watched: Watched) -> None:
    watched.begin()
    watched.minutes(9)
    watched.application.pages["/use"] = {"is_used": True}
    watched.minutes(10)
    assert (watched.phase, watched.condition("IdleSoon")) == ("Running", None)
    watched.application.pages["/use"] = {"is_used": False}
    watched.minutes(9)
    assert watched.condition("IdleSoon")
    assert watched.notices() == ["idle-soon", "idle-soon"]


def test_an_application_that_stops_answering_goes_on_and_that_is_told(watched: Watched) -> None:
    watched.begin()
    watched.minutes(9)
    watched.application.pages["/use"] = 503
    watched.minutes(12)
    assert (watched.phase, watched.condition("IdleSoon")) == ("Running", None)
    assert "/use answers with HTTP 503" in watched.condition("IdleUnknown")
    watched.application.pages["/use"] = {"is_used": False}
    watched.minutes(10)
    assert (watched.phase, watched.condition("IdleUnknown")) == ("Running", None)
    watched.minutes(2)
    assert watched.reason == "Idle"


def test_a_short_restart_forgets_nothing(watched: Watched) -> None:
    watched.begin()
    watched.minutes(5)
    watched.restart()
    watched.site.reconcile()
    watched.minutes(7)
    assert watched.reason == "Idle"


def test_a_long_absence_invents_nothing(watched: Watched) -> None:
    watched.begin()
    watched.minutes(5)
    watched.restart()
    watched.site.cluster.advance(20 * 60_000)
    watched.site.reconcile()
    watched.minutes(5)
    assert (watched.phase, watched.condition("IdleSoon")) == ("Running", None)


def test_nobody_asking_ends_nothing(watched: Watched) -> None:
    watched.begin()
    watched.minutes(9)
    watched.minutes(6, asks=False)
    assert (watched.phase, watched.condition("IdleSoon")) == ("Running", None)


def test_an_edit_of_how_long_counts_at_once_and_restarts_nothing(watched: Watched) -> None:
    watched.begin()
    watched.minutes(9)
    writes = watched.site.writes()
    for after, is_near in (("1h", False), ("9m", True)):
        edited = IDLE.replace("10m", after)
        watched.site.push({BOOK: execution_file("book", extra=edited, service=PORT)})
        watched.site.reconcile()
        assert bool(watched.condition("IdleSoon")) is is_near
    assert watched.site.writes() == writes


def test_who_is_asked_and_how_often_is_bounded(watched: Watched) -> None:
    watched.begin()
    (target,) = watched.found or ()
    (task,) = watched.site.cluster.observe().tasks
    assert (f"id-{target.address}", target.port) == (task.node, task.host_ports[0].published)
    for _ in range(50):
        watched.prober.round()
    assert len(watched.application.asked) == 1
    watched.minutes(5)
    assert len(watched.application.asked) == 6


def test_while_no_end_is_near_nothing_is_written(watched: Watched) -> None:
    watched.begin(IDLE.replace("10m", "4h"))
    watched.minutes(2)
    watched.site.published()
    version, writes = watched.site.store.state_version(), watched.site.writes()
    watched.minutes(10)
    assert (watched.site.store.state_version(), watched.site.writes()) == (version, writes)
    assert watched.woken == []


def test_the_next_pass_is_due_when_its_end_would_be_announced(watched: Watched) -> None:
    watched.begin()
    watched.minutes(3)
    report = watched.site.reconcile()
    (known,) = watched.site.store.activities()
    assert known.idle_since is not None
    assert report.wake_at == announced_at(known, IN_TEN_MINUTES)
    assert report.wake_at - known.idle_since < timedelta(minutes=8)


def test_a_clock_that_was_set_ends_nothing(watched: Watched) -> None:
    watched.begin()
    watched.minutes(6)
    watched.prober.elapsed_s = lambda: 10**6  # what no clock on the wall went by
    watched.minutes(1)
    (known,) = watched.site.store.activities()
    assert known.idle_since == known.answered_at
