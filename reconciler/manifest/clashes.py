"""Documents against one another: names taken twice, circles of ``after``, too many of them.

What was in force before has the right of way. Between newcomers a document goes before the item of
a set: an item that is in the way holds itself only, a document the file that it is in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.manifest.diagnostic import Complaint, Path, Problem, quoted
from reconciler.manifest.execution import Execution
from reconciler.manifest.limits import Limits
from reconciler.manifest.platform import Reservation
from reconciler.manifest.rules import cycles, refuse_cycle
from reconciler.manifest.spec import SetSpec
from reconciler.manifest.suggest import did_you_mean


@dataclass(frozen=True, slots=True)
class Claim:
    """An Execution that a file in force asks for; ``is_good``: that content was valid before."""

    path: str
    is_good: bool
    execution: Execution

    @property
    def rank(self) -> tuple[bool, bool]:
        """Who goes first where several claim a name: lower ones."""
        return (not self.is_good, self.execution.item is not None)

    def clash(self, complaint: Complaint, place: Path) -> Clash:
        """Return what is wrong with it."""
        return Clash(self.path, self.execution.index, self.execution, complaint.at(place))


@dataclass(frozen=True, slots=True)
class Clash:
    """A problem of a file's document by index; of one Execution, unless it is a set's own."""

    path: str
    index: int
    execution: Execution | None
    problem: Problem


_NAME: Path = ("metadata", "name")


def clashes(
    claims: Sequence[Claim],
    limits: Limits,
    reservations_of: Callable[[str], Mapping[str, Reservation]],
) -> Iterator[Clash]:
    """Yield what the Executions of a commit have against one another."""
    by_namespace: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_namespace[claim.execution.namespace].append(claim)
    total = 0
    for namespace, members in by_namespace.items():
        yield from _over_count(members, limits, max(0, limits.manifests - total))
        total += len(members)
        homes: dict[str, list[Claim]] = defaultdict(list)
        for claim in members:
            homes[claim.execution.name].append(claim)
        yield from _taken(members, homes)
        yield from _check_after(members, homes)
        yield from _check_reservations(members, namespace, reservations_of(namespace))


def taken_sets(sets: Sequence[tuple[str, bool, SetSpec, int]]) -> Iterator[Clash]:
    """Yield sets (path, is good, which, index) whose name another one has, and was first."""
    homes: dict[tuple[str, str], list[str]] = defaultdict(list)
    ordered = sorted(sets, key=lambda item: (not item[1], item[0], item[3]))
    for path, _, spec, index in ordered:
        others = homes[spec.namespace, spec.name]
        if others:
            message = f"the set {spec.full_name} is in {others[0]} too"
            complaint = Complaint("DuplicateIdentity", message, "rename one of the two")
            yield Clash(path, index, None, complaint.at(_NAME))
        others.append(path)


def _taken(members: Sequence[Claim], homes: Mapping[str, Sequence[Claim]]) -> Iterator[Clash]:
    for claim in members:
        rivals = [other for other in homes[claim.execution.name] if other is not claim]
        if not rivals or _has_right_of_way(claim, rivals):
            continue
        execution, home = claim.execution, rivals[0].path
        message = f"{execution.namespace}/{execution.name} is in {home} too"
        complaint = Complaint("DuplicateIdentity", message, "rename one of the two")
        yield claim.clash(complaint, _NAME)


def _has_right_of_way(claim: Claim, rivals: Sequence[Claim]) -> bool:
    """Tell whether this one held the name before, alone in its file, or goes before all others."""
    if claim.is_good and all(other.path != claim.path for other in rivals):
        return True
    return all(claim.rank < other.rank for other in rivals)


def _over_count(members: Sequence[Claim], limits: Limits, left: int) -> Iterator[Clash]:
    room = min(limits.manifests_per_namespace, left)
    if len(members) <= room:
        return
    told = f"{room} executions in {members[0].execution.namespace}"
    told += " (limits.manifests_per_namespace)"
    if left < limits.manifests_per_namespace:
        told = f"{limits.manifests} executions in all (limits.manifests)"
    ordered = sorted(members, key=lambda claim: (not claim.is_good, claim.path))
    for claim in ordered[room:]:
        message = f"more than {told}"
        yield claim.clash(Complaint("TooManyManifests", message, "delete what has ended"), _NAME)


def _check_after(members: Sequence[Claim], homes: Collection[str]) -> Iterator[Clash]:
    edges: dict[str, list[str]] = {}
    owners: dict[str, Claim] = {}
    for claim in members:
        after = claim.execution.spec.get("after")
        if not after:
            continue
        owners[claim.execution.name] = claim
        edges[claim.execution.name] = [entry["name"] for entry in after]
        for index, entry in enumerate(after):
            if entry["name"] not in homes:
                place: Path = ("spec", "after", index, "name")
                yield claim.clash(_no_predecessor(entry["name"], homes), place)
    for circle in cycles(edges) if edges else ():
        for name in circle:
            yield owners[name].clash(refuse_cycle(circle, "after"), ("spec", "after"))


def _no_predecessor(name: str, homes: Collection[str]) -> Complaint:
    remedy = did_you_mean(name, homes, otherwise="remove it")
    return Complaint("UnknownExecution", f"no execution {name} in this namespace", remedy)


def _check_reservations(
    members: Sequence[Claim], namespace: str, known: Mapping[str, Reservation]
) -> Iterator[Clash]:
    for claim in members:
        name = claim.execution.spec.get("reservation")
        if name is None:
            continue
        complaint = _refuse_reservation(name, namespace, known)
        if complaint is not None:
            yield claim.clash(complaint, ("spec", "reservation"))


def _refuse_reservation(
    name: str, namespace: str, known: Mapping[str, Reservation]
) -> Complaint | None:
    if name not in known:
        remedy = did_you_mean(name, known, otherwise=f"add reservations/{name}.yaml, or remove it")
        return Complaint("UnknownReservation", f"no reservation {quoted(name)}", remedy)
    users = known[name].namespaces
    if users and namespace not in users:
        message = f"the reservation {name} isn't for {namespace}, but for {', '.join(users[:8])}"
        return Complaint("ReservationNotGranted", message, "remove it, or ask the operator")
    return None
