"""Real parts of one's own, and an installation on them that lasts for many rounds."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from time import monotonic

import pytest

from policy.model.execution import Uid
from reconciler.clock import SystemClock
from reconciler.converge.ledger import EndReason, Fact
from reconciler.errors import StoreUnavailable
from reconciler.failpoints import VARIABLE
from tests.e2e.installation import STATUS_BRANCH, Installation
from tests.e2e.process import RunningZoe
from tests.fixtures.git_servers import HttpServer
from tests.fixtures.postgres import PostgresCluster
from tests.safety.chaos import work
from tests.safety.chaos.interruption import undisturbed
from tests.safety.chaos.pushes import regressions
from tests.safety.chaos.results import keep_commit_times, stored, stores
from tests.safety.chaos.witness import Witness
from tests.safety.history import check
from tests.safety.lent import lent_installation

DEPLOYMENT = "chaos"
CONVERGED_S = 180
DIES_S = 60
GONE_S = 15
TOLD_S = 30
PASSES = 2
_HAVE_SERVICES = frozenset({"Running", "Succeeded"})


class Stage:
    """The installation, what is expected of it, and what was found so far."""

    def __init__(
        self,
        installation: Installation,
        postgres: PostgresCluster,
        witness: Witness,
        http: HttpServer,
    ) -> None:
        self.installation = installation
        self.http = http
        self.postgres = postgres
        self.witness = witness
        self.expected: dict[str, str] = {}
        self.batches: set[str] = set()
        self.executions = 0
        self.rounds = 0
        self._known: set[str] = set()
        self._processes: list[RunningZoe] = []
        self.faults: list[str] = []
        """What was logged that nobody expected."""

    # -- what is done

    def push(self, burst: work.Burst) -> None:
        """Push a change and remember what must become of it."""
        self.installation.push(burst.files)
        gone = [name for name, phase in self.expected.items() if phase != "Running"]
        for name in gone:  # what has come to its end is looked at in its own round only
            del self.expected[name]
        self.expected |= burst.expected
        self.batches |= burst.batches
        self.executions += sum(phase != "Stopped" for phase in burst.expected.values())

    def start(self, order: str = "", *, second: bool = False) -> RunningZoe:
        """Start a ``zoe run``; the second one keeps its mirrors apart."""
        settings = self.installation.folder / ("second.toml" if second else "zoe.toml")
        environment = {**os.environ, "ZOE_CONFIG": str(settings)}
        if order:
            environment[VARIABLE] = order
        with undisturbed():
            started = self.installation.start(environment=environment)
            self._processes.append(started)
        return started

    def end_all(self) -> None:
        """Kill what still runs, whatever state it is in."""
        for started in self._processes:
            if started.is_alive:
                started.go_on()
                started.kill()
            self.faults += [f"{started.log.name}: {line}" for line in started.faults()]
        self._processes = []

    def await_event(self, run: RunningZoe, event: str, *, count: int = 1) -> None:
        """Return once a process has logged an event so often."""
        self.installation.wait_until(
            lambda: len(run.events(event)) >= count, what=f"{event} of {run.log.name}"
        )

    def await_pass(self, *, since: datetime) -> None:
        """Return once a pass has ended that is told in the database."""
        store = self.installation.store

        def has_ended() -> bool:
            pulse = store.load().recorded.pulse
            return pulse is not None and bool(pulse.commit) and pulse.at > since

        self.installation.wait_until(has_ended, what="a pass")

    def await_push(self, *, since: str | None) -> None:
        """Return once the status branch has another tip than it had."""
        told = self.installation
        told.wait_until(lambda: told.published_commit() != since, what="a push")

    def await_phases(self, wanted: Mapping[str, Sequence[str]]) -> None:
        """Return once each of these executions is in one of its phases."""
        space = work.NAMESPACE

        def are_there() -> bool:
            phases = self._phases()
            return all(phases.get(f"{space}/{name}") in any_of for name, any_of in wanted.items())

        self.installation.wait_until(are_there, what=f"{', '.join(wanted)}")

    def await_down(self, hostname: str) -> None:
        """Return once the manager calls a node down."""
        engine = self.installation.engine

        def is_down() -> bool:
            found = {n["Description"]["Hostname"]: n["Status"]["State"] for n in engine.nodes()}
            return found[hostname] == "down"

        self.installation.wait_until(is_down, what=f"{hostname} to be down")

    # -- what came of it

    def converge(self) -> dict[str, str]:
        """Wait until all is as expected; return what isn't, in vain: name -> phase."""
        ends_at = monotonic() + CONVERGED_S
        while monotonic() < ends_at:
            if not (missing := self._missing()):
                return {}
            self.witness.pause.wait(0.1)
        return {name: self._told(name, phase) for name, phase in missing.items()}

    def _told(self, name: str, phase: str) -> str:
        """Return a phase with what is said of it."""
        conditions = self.installation.status(name).get("conditions", [])
        said = (f"{c['type']} {c['reason']}: {c['message']}" for c in conditions)
        return "; ".join((phase, *said))

    def _phases(self) -> dict[str, str]:
        """Return what is told; a server too busy for a whole reading is asked again."""
        with suppress(StoreUnavailable):
            return self.installation.phases()
        return {}

    def _missing(self) -> dict[str, str]:
        told = self._phases()
        return {
            name: told.get(name, "unknown")
            for name, phase in self.expected.items()
            if told.get(name) != phase
        }

    def fresh(self, kind: str, found: Iterable[str]) -> list[str]:
        """Return what wasn't found in an earlier round."""
        new = [one for one in found if f"{kind} {one}" not in self._known]
        self._known |= {f"{kind} {one}" for one in new}
        return new

    def orphans(self) -> list[str]:
        """Return services that belong to nothing, once there was time for two passes."""
        ends_at = monotonic() + GONE_S
        while (found := self._orphans()) and monotonic() < ends_at:
            self.witness.pause.wait(0.2)
        return found

    def _orphans(self) -> list[str]:
        rows = {row.uid: row.phase for row in self.installation.store.load().executions}
        return [
            effect.name
            for effect in self.witness.look()
            if rows.get(Uid(effect.uid)) not in _HAVE_SERVICES
        ]

    def doubled(self) -> list[str]:
        """Return the names under which more than one service was ever made.

        Replicas that may be taken away come back under the same name.
        """
        creations = self.witness.creations()
        made = Counter(one.group for one in creations if one.component != work.EXTRA)
        return [f"{group}: {count} services" for group, count in made.items() if count > 1]

    def breaches(self) -> list[str]:
        """Return what the whole history of the Swarm breaks."""
        entries = self.installation.store.load().entries
        kept = stores(self.witness.creations(), stored(self.postgres.url(DEPLOYMENT)))
        effects = sorted((*self.witness.effects(), *kept), key=lambda effect: effect.at)
        return [str(breach) for breach in check(effects, entries)]

    def regressions(self) -> list[str]:
        """Return the commits of the status branch that know less than the one before them."""
        return regressions(self.installation.repository, STATUS_BRANCH)

    def untold(self) -> list[str]:
        """Return what the status branch tells otherwise than the database, in vain waited for."""
        ends_at = monotonic() + TOLD_S
        while (found := self._untold()) and monotonic() < ends_at:
            self.witness.pause.wait(0.5)
        return found

    def _untold(self) -> list[str]:
        told, published = self.installation.phases(), self.installation.published_phases()
        return [
            f"{name} is {phase}, published as {published.get(name)}"
            for name, phase in told.items()
            if published.get(name) != phase
        ]

    def attempts(self) -> tuple[list[str], list[str]]:
        """Return who ran again, and who was tried again since the engine couldn't start it."""
        stored = self.installation.store.load()
        names = {row.uid: f"{row.namespace}/{row.name}" for row in stored.executions}
        ended = [e for e in stored.entries if e.fact is Fact.ATTEMPT_ENDED]
        reasons = {(e.uid, e.attempt): e.reason for e in ended}
        again: list[str] = []
        tried: list[str] = []
        for entry in stored.entries:
            if entry.fact is Fact.ATTEMPT_INTENDED and entry.attempt > 1:
                before = reasons.get((entry.uid, entry.attempt - 1), "nothing")
                found = tried if before == EndReason.REJECTED else again
                found.append(f"{names[entry.uid]} is at attempt {entry.attempt} after {before}")
        return again, tried

    def counted(self, number: int) -> tuple[list[str], int]:
        """Have the batches' starts counted: those that started twice, and how many are missing."""
        self.push(work.reader(number))
        assert not self.converge(), "the reader didn't end"
        lines = self.installation.zoe("logs", f"{work.NAMESPACE}/reader-{number}").splitlines()
        told = [line.split() for line in lines if line.strip()]
        (total,) = [int(count) for kind, count, *_ in told if kind == "all"]
        return [" ".join(words) for words in told if words[0] == "twice"], len(self.batches) - total


def passes_with_creations(run: RunningZoe, *, before: int = 0) -> int:
    """Return in how many passes of its life a process made services, networks or files."""
    passes, creates = 0, False
    for line in run.told()[before:]:
        if line.get("event") == "action":
            creates = creates or str(line["action"]).startswith("Create")
        elif line.get("event") == "pass":
            passes, creates = passes + creates, False
    return passes


@contextmanager
def lent_stage() -> Iterator[Stage]:
    """Lend a stage whose standing work runs."""
    with lent_installation(DEPLOYMENT, prepare=keep_commit_times) as lent:
        docker_host, now = lent.installation.swarm.docker_host, SystemClock().now()
        with Witness(docker_host, DEPLOYMENT, since=now) as witness:
            stage = Stage(lent.installation, lent.postgres, witness, lent.http)
            try:
                _stand_up(stage)
                yield stage
            finally:
                stage.end_all()


def _stand_up(stage: Stage) -> None:
    """Bring the work about that runs all the time."""
    stage.push(work.standing())
    stage.start()
    missing = stage.converge()
    assert not missing, f"the standing work doesn't run: {missing}"
    stage.end_all()
    _keep_apart(stage.installation.folder)


def _keep_apart(folder: Path) -> None:
    """Let a second process on this machine have its own mirrors, as on another machine."""
    (folder / "second").mkdir()
    shutil.copy2(folder / "state" / "ledger.key", folder / "second")
    text = (folder / "zoe.toml").read_text()
    (folder / "second.toml").write_text(text.replace('"state"', '"second"'))


Failed = pytest.fail.Exception
