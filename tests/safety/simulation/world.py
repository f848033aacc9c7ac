"""One world: a cluster, repositories, a database and two processes, driven by one seed."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from reconciler.cluster.fake import FakeCluster, Outcome, VirtualClock, fake_node
from reconciler.config import Settings, SourceSettings
from reconciler.converge.ledger import Entry
from reconciler.failpoints import hooked
from reconciler.manifest.limits import Limits
from reconciler.stored import Changes
from tests.safety.history import check
from tests.safety.simulation import manifests, settled
from tests.safety.simulation.database import DEPLOYMENT, Database, InMemory
from tests.safety.simulation.desk import Asked, Desk
from tests.safety.simulation.guardian import Guardian
from tests.safety.simulation.people import HOSTS, People, Repository
from tests.safety.simulation.process import TTL_S, Parts, Process
from tests.safety.simulation.quick import quickened
from tests.safety.simulation.rechecked import EVERY, rechecked
from tests.safety.simulation.repository import MemoryBranch, MemorySource
from tests.safety.simulation.watch import Watch
from tests.safety.simulation.weather import Weather

STEPS = (3, 8)
PASSES_TO_SETTLE = 40
NAMESPACES = ("aml", "bio")
TENANT, ITS_NAMESPACE = "group", "lab"
_BETWEEN_MS = (100, 500, 1_000, 2_000, 5_000, 35_000)
_SOON_MS, _LATER_MS = 3_000, 65_000
"""Between passes that do something, and until what lingers goes."""
_ODDS = (0.0, 0.01, 0.02, 0.03, 0.06)
NOWHERE = Path("/nonexistent")
_PLATFORM = SourceSettings(id="platform", url="file:///nowhere")
SETTINGS = Settings(
    deployment=DEPLOYMENT,
    sources=(_PLATFORM,),
    state_dir=NOWHERE,
    concurrency=1,
    init_image="ends",
    lease_ttl_s=TTL_S,
    publish_interval_s=5,
    limits=Limits(pass_s=0),  # a thread that waits for real time
)
_TENANT = SourceSettings(id=TENANT, url="file:///elsewhere", role="tenant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a seed came to. ``trace`` tells all that happened."""

    seed: int
    passes: int
    calls: int
    faults: int
    effects: int
    breaches: tuple[str, ...]
    trace: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a world has beside the rest: few have all of it."""

    has_tenant: bool
    recurs: bool
    is_crowded: bool
    sets_clocks: bool

    @staticmethod
    def of(chance: Random) -> Kind:
        """Draw one."""
        return Kind(*(chance.random() < odds for odds in (0.25, 0.2, 0.12, 0.2)))


class World:
    """The script: in each step somebody does something, time passes, a process goes on."""

    def __init__(
        self, seed: int, database: Database, *, odds: float, left_out: Collection[int] = ()
    ) -> None:
        self.seed, self.chance = seed, Random(f"{seed}: script")
        self.kind = Kind.of(Random(f"{seed}: kind"))
        self.clock = VirtualClock()
        self.branch, self.store = MemoryBranch(), database.reset(self.clock)
        self.cluster = _cluster(self.clock)
        self.weather = Weather(self.clock, Random(f"{seed}: weather"), odds, left_out)
        self.weather.let_other_go_on = self._other_goes_on
        self.watch = Watch(self.cluster, self.clock, note=self.weather.note, judge=self._judge)
        self.foreign = self.cluster.add_foreign_service("theirs", labels={"of": "others"})
        self.repositories = _repositories(self.kind, self.chance)
        asked: dict[str, Asked] = {}
        self.guardian = Guardian(asked)
        self.processes = tuple(Process(self._parts(), name) for name in "AB")
        self._at_work = self.processes[0]
        self.people = People(
            chance=self.chance,
            clock=self.clock,
            cluster=self.cluster,
            store=self.store,
            watch=self.watch,
            note=self.weather.note,
            repositories=self.repositories,
            processes=self.processes,
            asked=asked,
            sets_clocks=self.kind.sets_clocks,
        )
        self.breaches: list[str] = []

    def run(self) -> Result:
        """Live through it; return what came of it."""
        with hooked(self.weather.reach):
            self._begin()
            for _ in range(self.chance.randint(*STEPS)):
                self.people.act()
                self._time_passes(self.chance.choice(_BETWEEN_MS))
                self._go_on(self.processes[self.chance.random() < 0.3])
            self._calm_down()
        self.watch.look()
        found = check(self.watch.effects, self.watch.entries)
        self.breaches += [*map(str, found), *self.guardian.breaches]
        for process in self.processes:
            self.breaches += process.accusations
            process.close()
        return Result(
            seed=self.seed,
            passes=sum(process.passes for process in self.processes),
            calls=self.weather.calls,
            faults=self.weather.faults,
            effects=len(self.watch.effects),
            breaches=tuple(self.breaches),
            trace=tuple(self.weather.trace),
        )

    def _parts(self) -> Parts:
        platform, *groups = (where.source for where in self.repositories)
        return Parts(
            settings=replace(SETTINGS, sources=(_PLATFORM, _TENANT)) if groups else SETTINGS,
            clock=self.clock,
            cluster=self.cluster,
            source=platform,
            tenants=tuple(groups),
            branch=self.branch,
            store=self.store,
            watch=self.watch,
            weather=self.weather,
        )

    def _begin(self) -> None:
        for where in self.repositories:
            for _ in range(self.chance.randint(1, 3)):
                self.weather.note(where.desk.add())
            if self.kind.is_crowded:
                self.weather.note(where.desk.fill())
            self.people.push(where, "begin")

    def _judge(self, changes: Changes, entries: tuple[Entry, ...]) -> None:
        requests = self.store.hold_requests()
        self.guardian.see(
            changes,
            entries,
            self.watch.records,
            confirmed=self.store.confirmations(),
            kept={f"{r.namespace}/{r.name}" for r in requests if not r.is_release},
        )

    def _time_passes(self, ms: int) -> None:
        self.cluster.advance(ms)

    def _go_on(self, process: Process) -> None:
        before, self._at_work = self._at_work, process
        try:
            process.step()
        finally:
            self._at_work = before

    def _other_goes_on(self) -> None:
        other = next(process for process in self.processes if process is not self._at_work)
        for _ in range(3):
            self.people.act()
            self._go_on(other)
            self._time_passes(500)

    def _calm_down(self) -> None:
        """Let the faults stop; everything must come to rest, as it is wanted."""
        self.weather.odds = 0
        self.people.settle()
        self.weather.note("-- calm --")
        pause_ms, found = _SOON_MS, ["it doesn't come to rest"]
        for _ in range(PASSES_TO_SETTLE):
            self._time_passes(pause_ms)
            process = next((p for p in self.processes if p.leads), self.processes[0])
            self._go_on(process)
            is_at_rest = process.is_quiet and not process.is_dirty and pause_ms == _LATER_MS
            if is_at_rest and not (found := settled.problems(self)):
                break
            pause_ms = _LATER_MS if process.is_quiet else _SOON_MS
        self.breaches += found


def _repositories(kind: Kind, chance: Random) -> tuple[Repository, ...]:
    base = {"platform.yaml": manifests.platform()}
    base |= {f"namespaces/{name}.yaml": manifests.namespace(name) for name in NAMESPACES}
    desk = Desk(chance, NAMESPACES, base, recurs=kind.recurs, has_courses=True)
    platform = Repository(MemorySource(), desk)
    if not kind.has_tenant:
        return (platform,)
    base[f"namespaces/{ITS_NAMESPACE}.yaml"] = manifests.namespace(ITS_NAMESPACE, TENANT)
    of_group = Desk(chance, (ITS_NAMESPACE,), {}, recurs=kind.recurs)
    return platform, Repository(MemorySource(id=TENANT), of_group)


def _cluster(clock: VirtualClock) -> FakeCluster:
    nodes = [fake_node(host, cpu_millis=16_000, is_manager=host == "n1") for host in HOSTS]
    cluster = FakeCluster(nodes, clock=clock, deployment=DEPLOYMENT)
    cluster.script("ends", Outcome.exits(0, after_ms=2_500, log="done\n"))
    cluster.script("fails", Outcome.exits(3, after_ms=1_500, log="oh\n"))
    cluster.script("lasts", Outcome.exits(0, after_ms=10**9))
    return cluster


def simulate(
    seed: int, database: Database, *, odds: float | None = None, left_out: Collection[int] = ()
) -> Result:
    """Return what becomes of one seed."""
    drawn = Random(f"{seed}: odds").choice(_ODDS)
    world = World(seed, database, odds=drawn if odds is None else odds, left_out=left_out)
    with (
        quickened() if isinstance(database, InMemory) else nullcontext(),
        rechecked() if seed % EVERY == 0 else nullcontext(),
    ):
        return world.run()
