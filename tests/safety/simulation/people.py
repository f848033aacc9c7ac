"""What people and machines do in a world, between the steps of its processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from reconciler.cluster.fake import FakeCluster, VirtualClock
from reconciler.converge.state import LABEL_UID
from reconciler.converge.world import HoldRequest
from reconciler.ports import Store
from tests.safety.simulation.clocks import SET_BY_MS
from tests.safety.simulation.desk import Asked, Desk
from tests.safety.simulation.process import Process
from tests.safety.simulation.repository import MemorySource
from tests.safety.simulation.watch import Watch

HOSTS = ("n1", "n2", "n3")


@dataclass
class Repository:
    """Where people push, and what they have in mind."""

    source: MemorySource
    desk: Desk


@dataclass
class People:
    """All who do something that Zoe doesn't; each act is drawn by the seed."""

    chance: Random
    clock: VirtualClock
    cluster: FakeCluster
    store: Store
    watch: Watch
    note: Callable[[str], None]
    repositories: tuple[Repository, ...]
    processes: tuple[Process, ...]
    asked: dict[str, Asked]
    """By commit."""
    sets_clocks: bool = False

    def act(self) -> None:
        """Somebody does something, or nobody."""
        acts: list[Callable[[], None]] = [
            *[self._edits] * 6,
            *[lambda: None] * 3,
            self._loses_a_node,
            self.get_nodes_back,
            self._removes_by_hand,
            self._rewrites_history,
            self._deletes_many,
            self._confirms,
            self._holds,
            self._releases,
        ]
        if self.sets_clocks:
            acts += [self._sets_a_clock] * 3
        self.chance.choice(acts)()

    def push(self, where: Repository, message: str, *, parent: str | None = None) -> None:
        """Push what is on a desk."""
        source, desk = where.source, where.desk
        source.push(desk.tree, at=self.clock.now(), message=message, parent=parent)
        self.asked[source.tip] = desk.asked
        self.note(f"push {source.tip[:12]} to {source.id}: {message}")

    def get_nodes_back(self) -> None:
        """Have all nodes up."""
        for host in HOSTS:
            self.cluster.start_node(host)
        self.note("all nodes are back")

    def settle(self) -> None:
        """Mend, confirm and release everything; the clocks are right from now on."""
        self.get_nodes_back()
        for process in self.processes:
            process.clock.off_ms = 0
        for asked in self.store.hold_requests():
            self._ask(asked.namespace, asked.name, is_release=True)
        for where in self.repositories:
            where.desk.rest()
            self.push(where, "all is well")
            self._confirm(where)

    def _somewhere(self) -> Repository:
        return self.chance.choice(self.repositories)

    def _edits(self) -> None:
        where = self._somewhere()
        desk = where.desk
        acts = [desk.add, desk.mend]
        if desk.documents:
            acts += [desk.edit, desk.edit, desk.edit, desk.delete, desk.break_one]
        self.push(where, self.chance.choice(acts)())

    def _deletes_many(self) -> None:
        where = self._somewhere()
        self.push(where, where.desk.delete_many())

    def _rewrites_history(self) -> None:
        where = self._somewhere()
        ids = list(where.source.commits)
        self.push(where, "rewrite", parent=self.chance.choice(["", self.chance.choice(ids)]))

    def _confirms(self) -> None:
        self._confirm(self._somewhere())

    def _confirm(self, where: Repository) -> None:
        self.store.confirm(where.source.tip, by="ada", at=self.clock.now())
        self.note(f"confirm {where.source.tip[:12]}")

    def _holds(self, *, is_release: bool = False) -> None:
        names = sorted(self._somewhere().desk.asked.names)
        if names:
            self._ask(*self.chance.choice(names).split("/"), is_release=is_release)

    def _releases(self) -> None:
        self._holds(is_release=True)

    def _ask(self, namespace: str, name: str, *, is_release: bool) -> None:
        asked = HoldRequest(
            namespace=namespace,
            name=name,
            by="ada",
            at=self.clock.now(),
            told="wait",
            is_release=is_release,
        )
        self.store.ask_hold(asked)
        self.note(f"{'release' if is_release else 'hold'} {namespace}/{name}")

    def _loses_a_node(self) -> None:
        host = self.chance.choice(HOSTS)
        self.cluster.kill_node(host)
        self.note(f"{host} is lost")

    def _removes_by_hand(self) -> None:
        self.watch.look()
        ours = [s for s in self.cluster.observe().services if s.spec.labels.get(LABEL_UID)]
        if ours:
            service = self.chance.choice(ours)
            self.note(f"somebody removes {service.spec.name}")
            self.watch.by_hand(service.id)
            self.cluster.remove_by_hand(service.spec.name)

    def _sets_a_clock(self) -> None:
        process = self.chance.choice(self.processes)
        process.clock.off_ms = self.chance.choice((0, process.clock.off_ms)) + self.chance.choice(
            SET_BY_MS
        )
        self.note(f"the clock of {process.name} is off by {process.clock.off_ms} ms")
