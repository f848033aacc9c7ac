"""Services that were written once for every container, folded into one with a count.

Formats 0 and 1 had no counts: worker-1, worker-2 (or worker0, worker1) stood there one by one.
Those with equal content are replicas of one; where they differ they stay apart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.importing.notes import Notes
from reconciler.importing.original.placeholders import spelled
from reconciler.importing.original.shape import OldService

_NUMBERED = re.compile(r"(.*?[^0-9-])-?([0-9]{1,4})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """A service, and the names of the containers that it stands for."""

    service: OldService
    instances: tuple[str, ...]


def fold(services: Sequence[OldService], notes: Notes, *, version: int) -> tuple[Folded, ...]:
    """Return the services, equal numbered ones as one, in the order of the first of each."""
    spelt = [_spelt(service) for service in services]
    if version > 1:
        return tuple(_counted(service) for service in spelt)
    series: dict[tuple[str, OldService], list[OldService]] = {}
    for service in spelt:
        base, content = _base(service.name), service.apart_from_name()
        series.setdefault((base or service.name, content), []).append(service)
    taken = {service.name for service in spelt}
    folded: list[Folded] = []
    for (base, _), members in series.items():
        if len(members) == 1 or base in taken:
            folded += [Folded(service=item, instances=(item.name,)) for item in members]
            continue
        taken.add(base)
        folded.append(_folded(base, members, notes))
    return tuple(folded)


def _base(name: str) -> str:
    match = _NUMBERED.fullmatch(name)
    return match[1] if match else ""


def _spelt(service: OldService) -> OldService:
    environment = tuple((name, spelled(value)) for name, value in service.environment)
    return replace(service, environment=environment)


def _counted(service: OldService) -> Folded:
    """Return a service with the names that its containers had: counted from 0."""
    names = tuple(f"{service.name}{number}" for number in range(service.total))
    return Folded(service=service, instances=(service.name, *names))


def _folded(base: str, members: Sequence[OldService], notes: Notes) -> Folded:
    first = members[0]
    names = tuple(member.name for member in members)
    notes.add(
        first.path,
        f"{', '.join(names)} are equal: one service {base} with {len(members)} replicas",
        "its host name stands for all of them; a single one has no name",
    )
    content = first.apart_from_name()
    service = replace(
        content, path=first.path, name=base, essential=len(members), total=len(members)
    )
    return Folded(service=service, instances=(base, *names))
