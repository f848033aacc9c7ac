"""One world: a cluster, a repository, a database and two processes, driven by one seed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from random import Random

from reconciler.cluster.fake import FakeCluster, Outcome, VirtualClock, fake_node
from reconciler.config import Settings, SourceSettings
from reconciler.converge.state import LABEL_UID
from reconciler.converge.world import HoldRequest
from reconciler.failpoints import hooked
from tests.safety.history import check
from tests.safety.simulation import settled
from tests.safety.simulation.database import DEPLOYMENT, Database
from tests.safety.simulation.desk import Desk
from tests.safety.simulation.process import TTL_S, Parts, Process
from tests.safety.simulation.repository import MemoryBranch, MemorySource
from tests.safety.simulation.watch import Watch
from tests.safety.simulation.weather import Weather

HOSTS = ("n1", "n2", "n3")
STEPS = (6, 14)
PASSES_TO_SETTLE = 45
_BETWEEN_MS = (100, 500, 1_000, 2_000, 5_000, 35_000)
NOWHERE = Path("/nonexistent")
SETTINGS = Settings(
    deployment=DEPLOYMENT,
    sources=(SourceSettings(id="platform", url="file:///nowhere"),),
    state_dir=NOWHERE,
    concurrency=1,
    init_image="ends",
    lease_ttl_s=TTL_S,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a seed came to. ``trace`` tells all that happened."""

    seed: int
    calls: int
    faults: int
    effects: int
    breaches: tuple[str, ...]
    trace: tuple[str, ...]


class World:
    """The script: in each step somebody does something, time passes, a process goes on."""

    def __init__(
        self, seed: int, database: Database, *, odds: float, left_out: Collection[int] = ()
    ) -> None:
        self.seed = seed
        self.chance = Random(f"{seed}: script")
        self.clock = VirtualClock()
        self.source, self.branch = MemorySource(), MemoryBranch()
        self.store = database.reset(self.clock)
        self.cluster = _cluster(self.clock)
        self.weather = Weather(self.clock, Random(f"{seed}: weather"), odds, left_out)
        self.watch = Watch(self.cluster, self.clock, note=self.weather.note)
        self.desk = Desk(self.chance)
        self.foreign = self.cluster.add_foreign_service("theirs", labels={"of": "others"})
        parts = Parts(
            settings=SETTINGS,
            clock=self.clock,
            cluster=self.cluster,
            source=self.source,
            branch=self.branch,
            store=self.store,
            watch=self.watch,
            weather=self.weather,
        )
        self.processes = [Process(parts, name) for name in "AB"]
        self._at_work = self.processes[0]
        self.weather.let_other_go_on = self._other_goes_on
        self.breaches: list[str] = []

    def run(self) -> Result:
        """Live through it; return what came of it."""
        with hooked(self.weather.reach):
            self._begin()
            for _ in range(self.chance.randint(*STEPS)):
                self._somebody_acts()
                self._time_passes(self.chance.choice(_BETWEEN_MS))
                self._go_on(self.processes[self.chance.random() < 0.3])
            self._calm_down()
        self.watch.look()
        found = check(self.watch.effects, self.watch.entries)
        self.breaches += [str(breach) for breach in found]
        for process in self.processes:
            process.close()
        return Result(
            seed=self.seed,
            calls=self.weather.calls,
            faults=self.weather.faults,
            effects=len(self.watch.effects),
            breaches=tuple(self.breaches),
            trace=tuple(self.weather.trace),
        )

    def _begin(self) -> None:
        for _ in range(self.chance.randint(2, 5)):
            self.weather.note(self.desk.add())
        self._push("begin")

    def _push(self, message: str, *, parent: str | None = None) -> None:
        self.source.push(self.desk.tree, at=self.clock.now(), message=message, parent=parent)
        self.weather.note(f"push {self.source.tip[:12]}: {message}")

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
            self._somebody_acts()
            self._go_on(other)
            self._time_passes(500)

    # -- what people and machines do ------------------------------------------------------------

    def _somebody_acts(self) -> None:
        acts: list[Callable[[], None]] = [
            *[self._edits] * 6,
            *[lambda: None] * 3,
            self._loses_a_node,
            self._gets_nodes_back,
            self._removes_by_hand,
            self._rewrites_history,
            self._deletes_many,
            self._confirms,
            self._holds,
            self._releases,
        ]
        self.chance.choice(acts)()

    def _edits(self) -> None:
        desk = self.desk
        acts = [desk.add, desk.mend]
        if desk.documents:
            acts += [desk.edit, desk.edit, desk.edit, desk.delete, desk.break_one]
        self._push(self.chance.choice(acts)())

    def _deletes_many(self) -> None:
        for path in self.desk.documents:
            if self.chance.random() < 0.8:
                del self.desk.files[path]
        self._push("delete many")

    def _rewrites_history(self) -> None:
        ids = list(self.source.commits)
        parent = self.chance.choice(["", self.chance.choice(ids)])
        self._push("rewrite", parent=parent)

    def _confirms(self) -> None:
        self.store.confirm(self.source.tip, by="ada", at=self.clock.now())
        self.weather.note(f"confirm {self.source.tip[:12]}")

    def _holds(self, *, is_release: bool = False) -> None:
        if not self.desk.documents:
            return
        _, namespace, file = self.chance.choice(self.desk.documents).split("/")
        name = file.removesuffix(".yaml")
        asked = HoldRequest(
            namespace=namespace,
            name=name,
            by="ada",
            at=self.clock.now(),
            told="wait",
            is_release=is_release,
        )
        self.store.ask_hold(asked)
        self.weather.note(f"{'release' if is_release else 'hold'} {namespace}/{name}")

    def _releases(self) -> None:
        self._holds(is_release=True)

    def _loses_a_node(self) -> None:
        host = self.chance.choice(HOSTS)
        self.cluster.kill_node(host)
        self.weather.note(f"{host} is lost")

    def _gets_nodes_back(self) -> None:
        for host in HOSTS:
            self.cluster.start_node(host)
        self.weather.note("all nodes are back")

    def _removes_by_hand(self) -> None:
        self.watch.look()
        ours = [s for s in self.cluster.observe().services if s.spec.labels.get(LABEL_UID)]
        if ours:
            service = self.chance.choice(ours)
            self.weather.note(f"somebody removes {service.spec.name}")
            self.watch.by_hand(service.id)
            self.cluster.remove_by_hand(service.spec.name)

    # -- the faults stop ------------------------------------------------------------------------

    def _calm_down(self) -> None:
        """Let the faults stop; everything must come to rest, as it is wanted."""
        self.weather.odds = 0
        self._gets_nodes_back()
        for asked in self.store.hold_requests():
            self.store.ask_hold(
                HoldRequest(
                    namespace=asked.namespace,
                    name=asked.name,
                    by="ada",
                    at=self.clock.now(),
                    is_release=True,
                )
            )
        self.desk.mend()
        self._push("all is well")
        self._confirms()
        self.weather.note("-- calm --")
        still = 0
        for _ in range(PASSES_TO_SETTLE):
            self._time_passes(20_000 if still else 3_000)
            process = next((p for p in self.processes if p.leads), self.processes[0])
            self._go_on(process)
            report = process.report
            is_still = report is not None and not (report.outcomes or report.facts)
            still = still + 1 if is_still and report and not report.is_moving else 0
            if still == 1:
                self._time_passes(65_000)  # what lingers goes
            if still >= 4:
                break
        else:
            self.breaches.append("it doesn't come to rest")
        self.breaches += settled.problems(self)


def _cluster(clock: VirtualClock) -> FakeCluster:
    nodes = [fake_node(host, is_manager=host == "n1") for host in HOSTS]
    cluster = FakeCluster(nodes, clock=clock, deployment=DEPLOYMENT)
    cluster.script("ends", Outcome.exits(0, after_ms=2_500, log="done\n"))
    cluster.script("fails", Outcome.exits(3, after_ms=1_500, log="oh\n"))
    cluster.script("lasts", Outcome.exits(0, after_ms=10**9))
    return cluster


def simulate(
    seed: int, database: Database, *, odds: float | None = None, left_out: Collection[int] = ()
) -> Result:
    """Return what becomes of one seed."""
    drawn = Random(f"{seed}: odds").choice((0.0, 0.005, 0.01, 0.02, 0.05))
    return World(seed, database, odds=drawn if odds is None else odds, left_out=left_out).run()
