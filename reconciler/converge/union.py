"""What several sources want, as one: the platform's, and what tenants add to it.

A name belongs to one source at a time. Who has something live under it keeps it; else who had it
last; else the platform, and then tenants in the order of zoe.toml. The others are told, and their
documents wait until the name is free.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from policy.model.execution import Uid
from reconciler.converge.world import Identity, Memory, Reading, Wanted
from reconciler.manifest.diagnostic import Diagnostic
from reconciler.manifest.spec import Manifest, SetSummary

Name = tuple[str, str]
"""Namespace and name."""

Invalid = tuple[Identity, Uid, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a tenant's source wants by itself, and how it was read."""

    source_id: str
    wanted: Wanted
    reading: Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Union:
    """What all want together; ``clashes`` are source and problem of documents that wait."""

    wanted: Wanted
    clashes: tuple[tuple[str, Diagnostic], ...] = ()


def contested(platform: Wanted, parts: Sequence[Part], memory: Memory) -> frozenset[Name]:
    """Return the names of which it isn't plain whose they are; O(documents + runs)."""
    owner: dict[Name, str] = {}
    found: set[Name] = set()
    for source, name in _asked(platform, parts):
        if owner.setdefault(name, source) != source:
            found.add(name)
    for uid, identity in memory.identities.items():
        name = (identity.namespace, identity.name)
        source = platform.source(identity.source_id)
        if owner.get(name, source) != source and uid in memory.records:
            found.add(name)
    return frozenset(found)


def holders(
    names: frozenset[Name], platform: Wanted, parts: Sequence[Part], memory: Memory
) -> Mapping[Name, str]:
    """Return whose each of the contested names is ("" = the platform's)."""
    if not names:
        return {}
    order = {"": 0, **{part.source_id: number for number, part in enumerate(parts, 1)}}
    ranks: dict[Name, dict[str, tuple[bool, int]]] = {name: {} for name in names}
    for source, name in _asked(platform, parts):
        if name in ranks:
            ranks[name].setdefault(source, (False, 0))
    for uid, record in memory.records.items():
        identity = memory.identities.get(uid)
        if identity is None or (name := (identity.namespace, identity.name)) not in ranks:
            continue
        source, rank = platform.source(identity.source_id), (not record.is_final, record.last_seq)
        if source in ranks[name] or not record.is_final:
            ranks[name][source] = max(ranks[name].get(source, rank), rank)
    last = len(order)
    return {
        name: max(of_name, key=lambda s: (of_name[s], -order.get(s, last)))
        for name, of_name in ranks.items()
    }


def unite(platform: Wanted, parts: Sequence[Part], whose: Mapping[Name, str]) -> Union:
    """Return what all want together, each name once."""
    manifests: dict[Uid, Manifest] = {}
    invalid: list[Invalid] = []
    sets: dict[Name, tuple[str, SetSummary]] = {}
    clashes: list[tuple[str, Diagnostic]] = []
    for source, wanted in _by_source(platform, parts):
        for uid, manifest in wanted.manifests.items():
            holder = whose.get((manifest.namespace, manifest.name), source)
            if holder == source:
                manifests[uid] = manifest
            else:
                clashes.append((source, _clash(manifest, holder or platform.source_id)))
        invalid += _told_invalid(source, wanted, platform, whose)
        for found in wanted.sets:
            holder, _ = sets.setdefault((found.spec.namespace, found.spec.name), (source, found))
            if holder != source:
                clashes.append((source, _set_clash(found, source, holder or platform.source_id)))
    united = replace(
        platform,
        manifests=manifests,
        invalid=tuple(invalid),
        sets=tuple(found for _, found in sets.values()),
        tenants={part.source_id: part.reading for part in parts},
    )
    return Union(wanted=united, clashes=tuple(clashes))


def _by_source(platform: Wanted, parts: Sequence[Part]) -> Iterator[tuple[str, Wanted]]:
    """Yield what each source wants by itself; the platform's first."""
    yield "", platform
    yield from ((part.source_id, part.wanted) for part in parts)


def _asked(platform: Wanted, parts: Sequence[Part]) -> Iterator[tuple[str, Name]]:
    """Yield source and name of every document, valid or not; the platform's first."""
    for source, wanted in _by_source(platform, parts):
        yield from ((source, (m.namespace, m.name)) for m in wanted.manifests.values())
        yield from ((source, (one.namespace, one.name)) for one, _, _ in wanted.invalid)


def _told_invalid(
    source: str, wanted: Wanted, platform: Wanted, whose: Mapping[Name, str]
) -> Iterable[Invalid]:
    """Yield what is told of files that never were valid: in namespaces that take them only.

    Else anybody's repository could fill the list of anybody's namespace.
    """
    for identity, uid, told in wanted.invalid:
        if whose.get((identity.namespace, identity.name), source) != source:
            continue
        namespace = platform.namespaces.get(identity.namespace)
        if not source:
            yield identity, uid, told
        elif namespace is not None and source in namespace.sources:
            yield identity, uid, f"{source}:{told}"


def _set_clash(found: SetSummary, source: str, holder: str) -> Diagnostic:
    name = f"{found.spec.namespace}/{found.spec.name}"
    return Diagnostic(
        file=found.path,
        line=found.line,
        column=1,
        pointer="/metadata/name",
        code="DuplicateIdentity",
        message=f"the set {name} of {source} counts as {holder}'s, which has the name",
        remedy=f"rename it, or remove {name} from {holder}",
    )


def _clash(manifest: Manifest, holder: str) -> Diagnostic:
    name = f"{manifest.namespace}/{manifest.name}"
    return Diagnostic(
        file=manifest.origin.path,
        line=manifest.origin.line,
        column=1,
        pointer="/metadata/name",
        code="DuplicateIdentity",
        message=f"{name} of {manifest.origin.source_id} waits: {holder} has the name",
        remedy=f"rename it, or remove {name} from {holder}",
    )
