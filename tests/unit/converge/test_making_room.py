"""Plans carried out on a model of nodes and tasks that take their time to leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.model.execution import NodeId, Uid
from reconciler.converge.desired_state import DesiredService, DesiredState
from reconciler.converge.making_room import part_of
from reconciler.converge.plan import (
    MAKING_ROOM,
    Action,
    CreateService,
    Plan,
    RemoveService,
    UpdateService,
    plan,
)
from reconciler.converge.state import (
    LABEL_APPLIED_HASH,
    LABEL_ATTEMPT,
    LABEL_COMPONENT,
    LABEL_EXECUTION,
    LABEL_NAMESPACE,
    LABEL_SPEC_HASH,
    LABEL_UID,
    ObservedPort,
    ObservedService,
    ObservedState,
    ObservedTask,
    PublishedPort,
    ServiceSpec,
    TaskState,
)
from tests.builders import NOW, observed, observed_node, resources, task

CAPACITY = 4


def group(
    uid: str, component: str, node: str, count: int, *, core: int, cpus: int = 1, attempt: int = 1
) -> DesiredService:
    spec = ServiceSpec(
        name=f"{uid}-{component}-a{attempt}-{node}",
        image="busybox",
        labels={
            LABEL_UID: uid,
            LABEL_ATTEMPT: str(attempt),
            LABEL_COMPONENT: component,
            LABEL_SPEC_HASH: "h",
            LABEL_NAMESPACE: "aml",
            LABEL_EXECUTION: uid,
        },
        node=NodeId(node),
        replicas=count,
        reservations=resources(cpus=cpus),
    )
    return DesiredService(spec=spec, core=core)


def state(*services: DesiredService) -> DesiredState:
    return DesiredState(services={s.spec.name: s for s in services})


@dataclass
class Model:
    """A cluster in which what is asked for runs at once, and what is told to go goes later."""

    nodes: int = 2
    services: dict[str, ServiceSpec] = field(default_factory=dict)
    tasks: list[ObservedTask] = field(default_factory=list)
    made: int = 0

    def plan(self, desired: DesiredState) -> Plan:
        found = plan(desired, self.observed(), known={Uid(f"e{n}") for n in range(9)})
        self.apply(found)
        return found

    def observed(self) -> ObservedState:
        return observed(
            *(observed_node(f"n{n}", cpus=CAPACITY) for n in range(self.nodes)),
            services=tuple(
                ObservedService(id=name, version=1, spec=spec, created_at=NOW)
                for name, spec in self.services.items()
            ),
            tasks=tuple(self.tasks),
        )

    def apply(self, found: Plan) -> None:
        for action in found.actions:
            match action:
                case RemoveService(name=name):
                    del self.services[name]
                    self._scale(name, 0)
                case CreateService(spec=spec) | UpdateService(spec=spec):
                    labels = {**spec.labels, LABEL_APPLIED_HASH: spec.applied_hash}
                    self.services[spec.name] = replace(spec, labels=labels)
                    self._scale(spec.name, spec.replicas)
                case _:
                    pass

    def _scale(self, name: str, replicas: int) -> None:
        staying = [t for t in self.tasks if t.service_id == name and not self.goes(t)]
        for surplus in staying[replicas:]:
            index = self.tasks.index(surplus)
            self.tasks[index] = replace(surplus, desired_state=TaskState.REMOVE)
        for _ in range(replicas - len(staying)):
            self.made += 1
            spec = self.services[name]
            self.tasks.append(
                task(
                    name,
                    id=f"t{self.made}",
                    slot=self.made,
                    node=spec.node,
                    reservations=spec.reservations,
                )
            )

    @staticmethod
    def goes(task: ObservedTask) -> bool:
        return task.desired_state is TaskState.REMOVE

    def leave(self, count: int) -> None:
        """Let the first of those that were told to go be gone."""
        gone = [t for t in self.tasks if self.goes(t)][:count]
        self.tasks = [t for t in self.tasks if t not in gone]

    def load(self) -> Counter[str]:
        held: Counter[str] = Counter()
        for t in self.tasks:
            held[str(t.node)] += t.reservations.cpu_millis // 1000
        return held

    def replicas(self, uid: str) -> int:
        return sum(s.replicas for s in self.services.values() if s.labels[LABEL_UID] == uid)


def notes(found: Plan) -> list[str]:
    return [note.message for note in found.notes if note.reason == MAKING_ROOM]


def test_a_newcomers_gang_waits_whole_until_the_revoked_replicas_are_gone() -> None:
    model = Model()
    model.plan(state(group("e1", "w", "n0", 4, core=1)))
    gang = (group("e2", "m", "n0", 3, core=3), group("e2", "x", "n1", 1, core=1))
    desired = state(group("e1", "w", "n0", 1, core=1), *gang)
    found = model.plan(desired)
    assert [type(a) for a in found.actions] == [UpdateService]
    assert notes(found) == ["waits until 3 replicas of aml/e1 are gone from n0"]
    model.leave(2)
    assert notes(model.plan(desired)) == ["waits until 1 replica of aml/e1 is gone from n0"]
    assert model.replicas("e2") == 0
    model.leave(1)
    assert len(model.plan(desired).actions) == 2
    assert model.replicas("e2") == 4
    assert model.plan(desired).actions == ()


def test_a_core_starts_in_the_room_there_is_and_its_elastic_part_follows() -> None:
    model = Model()
    model.plan(state(group("e1", "w", "n0", 3, core=1)))
    desired = state(group("e1", "w", "n0", 1, core=1), group("e2", "w", "n0", 3, core=1))
    found = model.plan(desired)
    assert model.replicas("e2") == 1
    assert notes(found) == ["waits until 2 replicas of aml/e1 are gone from n0"]
    model.leave(2)
    (scale,) = model.plan(desired).actions
    assert isinstance(scale, UpdateService)
    assert model.replicas("e2") == 3


def test_a_waiting_core_comes_before_the_growth_of_others() -> None:
    model = Model()
    model.plan(state(group("e1", "w", "n0", 1, core=1), group("e3", "w", "n0", 3, core=3)))
    desired = state(group("e1", "w", "n0", 2, core=1), group("e2", "w", "n0", 2, core=2))
    model.plan(desired)
    model.leave(2)
    model.plan(desired)
    assert (model.replicas("e1"), model.replicas("e2")) == (1, 2)
    model.leave(1)
    model.plan(desired)
    assert model.replicas("e1") == 2


def test_a_leaving_stack_of_somebody_else_is_waited_for_too() -> None:
    model = Model()
    theirs = task("theirs", reservations=resources(cpus=4), node=NodeId("n0"))
    model.tasks.append(replace(theirs, desired_state=TaskState.REMOVE))
    desired = state(group("e1", "w", "n0", 1, core=1))
    found = model.plan(desired)
    assert found.actions == ()
    assert notes(found) == ["waits until 1 task that is being stopped is gone from n0"]


def test_where_nobody_leaves_it_is_for_swarm_to_say_what_is_wrong() -> None:
    model = Model()
    model.tasks.append(task("theirs", reservations=resources(cpus=4), node=NodeId("n0")))
    assert len(model.plan(state(group("e1", "w", "n0", 1, core=1))).actions) == 1


def test_a_core_stays_while_surplus_of_the_same_execution_leaves_where_it_is_to_go() -> None:
    model = Model(nodes=3)
    model.plan(state(group("e0", "w", "n0", 2, core=1)))
    gang = [group("e2", "c1", f"n{n}", 2 if n == 1 else 1, core=3, cpus=2) for n in range(3)]
    model.plan(state(group("e2", "c0", "n0", 2, core=1), *gang))
    assert model.replicas("e2") == 5  # on n0 somebody leaves: the core is on n1 and n2
    model.leave(1)
    fewer = group("e2", "c0", "n0", 1, core=1)
    desired = state(group("e0", "w", "n0", 1, core=1, attempt=2), fewer, *gang[:2])
    for _ in range(4):
        model.plan(desired)
        _check(model, desired)
        model.leave(1)
    wanted = {name: s.spec.replicas for name, s in desired.services.items()}
    assert {name: spec.replicas for name, spec in model.services.items()} == wanted


def test_a_fixed_port_is_waited_for() -> None:
    model = Model()
    held = (ObservedPort(target=80, published=8080, protocol="tcp"),)
    leaving = task("old", node=NodeId("n0"), desired_state=TaskState.SHUTDOWN, host_ports=held)
    model.tasks.append(replace(leaving, reservations=resources()))
    web = group("e1", "w", "n0", 1, core=1)
    port = PublishedPort(name="web", target=80, published=8080)
    web = replace(web, spec=replace(web.spec, ports=(port,)))
    assert model.plan(state(web)).actions == ()
    model.leave(0)
    model.tasks.clear()
    assert len(model.plan(state(web)).actions) == 1


@dataclass
class Wish:
    """An execution as the strategy draws it, with the place of its core while it is there."""

    uid: str
    parts: tuple[tuple[int, int, int], ...]
    attempt: int = 0
    core: dict[tuple[int, int], int] = field(default_factory=dict)


@st.composite
def histories(draw: st.DrawFn) -> tuple[int, list[DesiredState], list[int]]:
    """Desired states that each fit by themselves, as decisions in a row would have them."""
    nodes = draw(st.integers(1, 3))
    part = st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(0, 3))
    wishes = [
        Wish(uid=f"e{n}", parts=draw(st.lists(part, min_size=1, max_size=2).map(tuple)))
        for n in range(draw(st.integers(1, 4)))
    ]
    states = []
    for _ in range(draw(st.integers(2, 4))):
        chosen = draw(st.lists(st.sampled_from(wishes), unique_by=lambda w: w.uid))
        states.append(_decided(wishes, chosen, nodes))
    return nodes, states, draw(st.lists(st.integers(0, 3), min_size=2, max_size=5))


def _decided(wishes: Sequence[Wish], chosen: Sequence[Wish], nodes: int) -> DesiredState:
    free = [CAPACITY] * nodes
    for wish in wishes:
        if wish not in chosen:
            wish.core = {}
        for (part, node), count in wish.core.items():
            free[node] -= wish.parts[part][0] * count
    for wish in chosen:
        if not wish.core:
            wish.core = _placed(wish, [core for _, core, _ in wish.parts], free)
            wish.attempt += 1
    services = []
    for wish in chosen:
        if not wish.core:
            continue
        counts = Counter(wish.core)
        for part, (_, _, elastic) in enumerate(wish.parts):
            for _ in range(elastic):
                wanted = [int(index == part) for index in range(len(wish.parts))]
                counts.update(_placed(wish, wanted, free))
        services += [
            group(
                wish.uid,
                f"c{part}",
                f"n{node}",
                count,
                core=wish.parts[part][1],
                cpus=wish.parts[part][0],
                attempt=wish.attempt,
            )
            for (part, node), count in counts.items()
        ]
    return state(*services)


def _placed(wish: Wish, wanted: Sequence[int], free: list[int]) -> dict[tuple[int, int], int]:
    """Place all that is wanted by first fit, or nothing."""
    before, found = list(free), Counter[tuple[int, int]]()
    for part, count in enumerate(wanted):
        cpus = wish.parts[part][0]
        for _ in range(count):
            node = next((n for n, left in enumerate(free) if left >= cpus), None)
            if node is None:
                free[:] = before
                return {}
            free[node] -= cpus
            found[part, node] += 1
    return dict(found)


def _check(model: Model, desired: DesiredState) -> None:
    assert all(load <= CAPACITY for load in model.load().values())
    parts = {part_of(s.spec.labels): s.core for s in desired.services.values()}
    there: Counter[tuple[str, ...]] = Counter()
    for spec in model.services.values():
        there[part_of(spec.labels)] += spec.replicas
    for uid in {uid for uid, *_ in parts}:
        mine = [key for key in parts if key[0] == uid]
        assert not any(there[k] for k in mine) or all(there[k] >= parts[k] for k in mine)


@settings(max_examples=120)
@given(histories())
def test_no_node_is_overcommitted_and_no_gang_is_half(
    history: tuple[int, list[DesiredState], list[int]],
) -> None:
    nodes, states, departures = history
    model = Model(nodes=nodes)
    for desired in states:
        for count in departures:
            before = {name: spec.replicas for name, spec in model.services.items()}
            found = model.plan(desired)
            _check(model, desired)
            adds = [_adds(action, before) for action in found.actions]
            assert adds == sorted(adds)  # whatever takes away comes first
            model.leave(count)
    for _ in states:
        model.leave(99)
        model.plan(states[-1])
    wanted = {name: s.spec.replicas for name, s in states[-1].services.items()}
    assert {name: spec.replicas for name, spec in model.services.items()} == wanted
    assert model.plan(states[-1]).actions == ()


def _adds(action: Action, before: Mapping[str, int]) -> bool:
    if isinstance(action, CreateService | UpdateService):
        return action.spec.replicas > before.get(action.spec.name, 0)
    return False
