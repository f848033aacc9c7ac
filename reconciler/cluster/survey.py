"""One whole reading of the Swarm: the listings that it is made of, and what they come to.

What a listing says again, byte for byte, isn't decoded; in one that has changed, an object that
has kept its number isn't translated anew (unchanged.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeVar

from reconciler.cluster.dictionary import Json, Kind
from reconciler.cluster.items import Answer
from reconciler.cluster.listing import (
    ids_by_name,
    observed_file,
    observed_network,
    observed_node,
    observed_service,
    observed_task,
)
from reconciler.cluster.unchanged import Unchanged
from reconciler.converge.state import (
    LABEL_DEPLOYMENT,
    LABEL_STACK,
    ObservedNode,
    ObservedService,
    ObservedState,
    ObservedTask,
)

T = TypeVar("T")

Ids = Mapping[tuple[Kind, str], str]


class Repeated(Generic[T]):
    """What one listing came to, for as long as the engine says the very same."""

    def __init__(self) -> None:
        self._said: object = None
        self._made: T

    def read(self, answer: Answer, make: Callable[[Iterator[Json]], T], *, beside: object) -> T:
        """Return what ``make`` makes of the answer, or has made of the same one.

        ``beside`` is all else that this depends on.
        """
        said = (answer.digest, beside)
        if said != self._said:
            self._said = None
            self._made = make(answer.items())
            self._said = said
        return self._made


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """Objects of ours of one kind, and what services call any of that kind by."""

    ours: tuple[Any, ...]
    ids: Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class _Services:
    """The services of ours, and what must be known of the others."""

    ours: tuple[ObservedService, ...]
    foreign_names: frozenset[str]
    foreign_stacks: frozenset[str]


class Survey:
    """Reads one Swarm again and again. Belongs to one thread at a time."""

    def __init__(self, deployment: str) -> None:
        self.ids: Ids = {}
        """Of all networks, configs and secrets of the newest reading."""
        self._deployment = deployment
        self._nodes: Unchanged[ObservedNode] = Unchanged()
        self._services: Unchanged[ObservedService] = Unchanged()
        self._tasks: Unchanged[ObservedTask] = Unchanged()
        self._said_of_nodes: Repeated[tuple[ObservedNode, ...]] = Repeated()
        self._said_of_services: Repeated[_Services] = Repeated()
        self._said_of_tasks: Repeated[tuple[ObservedTask, ...]] = Repeated()
        self._said_of_named: dict[Kind, Repeated[_Named]] = {kind: Repeated() for kind in Kind}

    def read(
        self, listing: Callable[[str], Answer], *, taken_at: datetime, watch: int
    ) -> ObservedState:
        """Return what the Swarm lists; raises what ``listing`` does, and ValueError and the like.

        ``watch`` changes when the manager may be another one.
        """
        nodes = self._said_of_nodes.read(
            listing("nodes"),
            lambda found: self._nodes.read(found, observed_node, watch=watch),
            beside=watch,
        )
        # Services before what they name: a network can't go while a service uses it.
        services = listing("services")
        tasks = self._said_of_tasks.read(
            listing("tasks"),
            lambda found: self._tasks.read(found, observed_task, watch=watch),
            beside=watch,
        )
        told = {kind: listing(f"{kind}s") for kind in Kind}
        named = {
            kind: self._said_of_named[kind].read(answer, partial(self._named, kind), beside=None)
            for kind, answer in told.items()
        }
        ids = {key: id_ for found in named.values() for key, id_ in found.ids.items()}
        found = self._said_of_services.read(
            services,
            lambda found: self._of_services(found, ids, watch),
            beside=(watch, *(answer.digest for answer in told.values())),
        )
        self.ids = ids
        return ObservedState(
            taken_at=taken_at,
            nodes=nodes,
            services=found.ours,
            tasks=tasks,
            networks=named[Kind.NETWORK].ours,
            configs=named[Kind.CONFIG].ours,
            secrets=named[Kind.SECRET].ours,
            foreign_names=found.foreign_names,
            foreign_stacks=found.foreign_stacks,
            watch=watch,
        )

    def reread(
        self,
        last: ObservedState,
        answer: Answer,
        services: Collection[str] | None,
        *,
        taken_at: datetime,
    ) -> ObservedState:
        """Return the last reading with the tasks, of some services or all, that are listed now."""
        others = [
            task for task in last.tasks if services is not None and task.service_id not in services
        ]
        tasks = self._tasks.reread(answer.items(), observed_task)
        return replace(last, taken_at=taken_at, tasks=(*others, *tasks))

    def _named(self, kind: Kind, listed: Iterator[Json]) -> _Named:
        match kind:
            case Kind.NETWORK:
                networks = alive(listed)
                ours = [observed_network(item) for item in networks if self._is_ours(item)]
                return _Named(ours=tuple(ours), ids=ids_by_name(networks))
            case Kind.CONFIG:
                configs = list(listed)
                files = [observed_file(item) for item in configs if self._is_ours(item["Spec"])]
                return _Named(ours=tuple(files), ids=ids_by_name(configs=configs))
            case Kind.SECRET:
                secrets = list(listed)
                return _Named(
                    ours=tuple(map(observed_file, secrets)), ids=ids_by_name(secrets=secrets)
                )

    def _of_services(self, listed: Iterator[Json], ids: Ids, watch: int) -> _Services:
        names = {(kind, id_): name for (kind, name), id_ in ids.items()}
        networks = {name for kind, name in ids if kind is Kind.NETWORK}
        others: set[str] = set()
        stacks: set[str] = set()

        def ours() -> Iterator[Json]:
            for item in listed:
                spec = item["Spec"]
                if self._is_ours(spec):
                    yield item
                else:
                    others.add(spec["Name"])
                    stacks.add(labels(spec).get(LABEL_STACK, ""))

        found = self._services.read(
            ours(),
            lambda item: observed_service(item, name_of=lambda *known: names.get(known)),
            watch=watch,
            # A network that couldn't be named may be some day, and the service not change.
            is_whole=lambda s: networks.issuperset(n.network for n in s.spec.networks),
        )
        return _Services(
            ours=found,
            foreign_names=frozenset(others),
            foreign_stacks=frozenset(stacks - {""}),
        )

    def _is_ours(self, data: Mapping[str, Any]) -> bool:
        return labels(data).get(LABEL_DEPLOYMENT) == self._deployment


def labels(data: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the labels of an object; the API says null where it has none."""
    return data.get("Labels") or {}


def alive(listed: Iterable[Json]) -> list[Json]:
    """Return the networks without the dead.

    The manager's engine keeps its own copy of a removed network for seconds, and lists it like
    any other, labels and all; only such a copy knows peers. Services can't use it any more.
    """
    return [network for network in listed if not network.get("Peers")]
