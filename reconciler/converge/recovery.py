"""What is known when the database isn't: facts from the status branch, and what the Swarm shows.

What was published last may be some seconds old, so the Swarm may be ahead of it: what is there is
entered as it is found. A batch of which it isn't sure whether it has run, is held and not run; what
isn't a batch may start again. Nothing here stops anything.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from operator import attrgetter

from policy.model.execution import Allocation, ApplicationType, NodeId, Uid
from reconciler.converge.ledger import MAY_HAVE_RUN, EndReason, Entry, Fact, Record, fold
from reconciler.converge.mirror import Head, RunFile, folders
from reconciler.converge.runs import SCHEDULE, is_scheduled
from reconciler.converge.state import (
    LABEL_DEPLOYMENT,
    LABEL_EXECUTION,
    LABEL_GENERATION,
    LABEL_NAMESPACE,
    LABEL_RUN,
    ObservedState,
)
from reconciler.converge.tasks import Group, groups_by_uid
from reconciler.converge.world import Identity
from reconciler.manifest.identity import uid_of
from reconciler.manifest.spec import Manifest

_INCARNATION = re.compile(r"-g([0-9]{1,9})-a[0-9]+-[0-9a-f]+$")


class Finding(StrEnum):
    """What came of one run, for people."""

    AS_TOLD = "known from the status branch"
    FROM_SWARM = "entered as the Swarm shows it"
    GONE = "its services are gone: it starts again"
    ENDED = "its services are gone: taken as failed"
    MAY_HAVE_RUN = "may have run: not run until run rises, or zoe release"
    FROM_NOW_ON = "its schedule counts from now on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is left of what was.

    ``stored`` are the facts that the database still has, ``files`` those of the status branch that
    are ours, ``head`` its head if that is. ``wanted`` is what the accepted commit asks for,
    ``later`` what the newest does, which may have been accepted before the end; ``owners`` says of
    those with facts in the database whose they are, and ``sources`` whose services may be that
    nothing asks for. ``is_all_lost`` is the operator's word that
    nothing else is to be found.
    """

    stored: tuple[Entry, ...] = ()
    owners: Mapping[Uid, Identity] = field(default_factory=dict)
    files: Mapping[Uid, RunFile] = field(default_factory=dict)
    head: Head | None = None
    wanted: Mapping[Uid, Manifest] = field(default_factory=dict)
    later: Mapping[Uid, Manifest] = field(default_factory=dict)
    observed: ObservedState
    now: datetime
    is_all_lost: bool = False
    sources: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What to write: facts that the database hasn't, the groups of open attempts, whose each is.

    Facts without a number are new. ``digests`` are those of the spec in force, where they are
    known. ``suspect`` are folders of the branch in which files are missing, old or not ours.
    """

    facts: tuple[Entry, ...]
    records: Mapping[Uid, Record]
    identities: Mapping[Uid, Identity]
    placements: Mapping[Uid, tuple[Allocation, ...]]
    digests: Mapping[Uid, str]
    types: Mapping[Uid, str]
    found: Mapping[Uid, Finding]
    suspect: frozenset[str]


def recover(evidence: Evidence, *, only: Collection[Uid] | None = None) -> Recovered:
    """Return what can be known again. Pure; after it was written, the same gives nothing new.

    ``only`` are the runs that are looked at; without it, all.
    """
    work = _Recovery(evidence)
    everything = {*evidence.files, *work.stored, *evidence.wanted, *work.groups}
    for uid in sorted(everything if only is None else everything & set(only)):
        work.look_at(uid)
    return Recovered(
        facts=tuple(sorted(work.facts, key=lambda fact: (fact.seq == 0, fact.seq))),
        records=work.records,
        identities=work.identities,
        placements=work.placements,
        digests=work.digests,
        types=work.types,
        found=work.found,
        suspect=work.suspect,
    )


def is_divergent(stored: Sequence[Entry], files: Collection[RunFile]) -> bool:
    """Tell whether the database and the branch have different facts of the same number."""
    by_number = {entry.seq: entry for entry in stored}
    told = (fact for file in files for fact in file.facts)
    return any(by_number.get(fact.seq, fact) != fact for fact in told)


def suspect_folders(head: Head | None, files: Mapping[Uid, RunFile]) -> frozenset[str]:
    """Return the folders whose files aren't those that were published; "" stands for all."""
    if head is None:
        return frozenset({""})
    there = folders((uid, file.facts[-1].seq) for uid, file in files.items())
    names = head.folders.keys() | there.keys()
    return frozenset(name for name in names if head.folders.get(name) != there.get(name))


class _Recovery:
    """Facts, run by run."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self.stored: dict[Uid, list[Entry]] = {}
        for entry in evidence.stored:
            if entry.uid:
                self.stored.setdefault(entry.uid, []).append(entry)
        self.groups = groups_by_uid(evidence.observed)
        self.suspect = suspect_folders(evidence.head, evidence.files)
        self._manifests = {**evidence.later, **evidence.wanted}
        self._named = {(m.namespace, m.name): m for m in self._manifests.values()}
        self.facts: list[Entry] = []
        self.records: dict[Uid, Record] = {}
        self.identities: dict[Uid, Identity] = {}
        self.placements: dict[Uid, tuple[Allocation, ...]] = {}
        self.digests: dict[Uid, str] = {}
        self.types: dict[Uid, str] = {}
        self.found: dict[Uid, Finding] = {}

    def look_at(self, uid: Uid) -> None:
        """Enter what is known of a run, if it is known whose it is."""
        file, manifest = self._evidence.files.get(uid), self._manifests.get(uid)
        identity = self._identity(uid, file, manifest)
        if identity is None:
            return  # an orphan of the Swarm: it is told of, and stays
        known = {entry.seq: entry for entry in (*(file.facts if file else ()), *self._stored(uid))}
        before = fold(known[seq] for seq in sorted(known))
        self.facts += [entry for entry in known.values() if entry not in self._stored(uid)]
        self.types[uid] = self._type(file, manifest, self.groups.get(uid, ()))
        fresh = list(self._since(uid, identity, before))
        self.facts += fresh
        record = fold(fresh, before)
        if record is None:
            return  # it was never seen: the next pass will
        self.records[uid], self.identities[uid] = record, identity
        self.found.setdefault(uid, Finding.AS_TOLD)
        if record.incarnation:
            self.digests[uid] = _digest(record, file)
        if record.attempt_open:
            self.placements[uid] = _placed(self.groups.get(uid, ()), record, file)

    def _stored(self, uid: Uid) -> Sequence[Entry]:
        return self.stored.get(uid, ())

    def _identity(
        self, uid: Uid, file: RunFile | None, manifest: Manifest | None
    ) -> Identity | None:
        if file is not None:
            return Identity(
                namespace=file.namespace,
                name=file.name,
                run=file.run,
                source_id=file.source_id,
            )
        if manifest is not None:
            return _identity_of(manifest, manifest.run)
        return self._evidence.owners.get(uid) or self._by_labels(uid)

    def _by_labels(self, uid: Uid) -> Identity | None:
        """Return whose a service is: its labels name a run, and the uid comes of that."""
        for group in self.groups.get(uid, ()):
            labels = group.service.spec.labels
            name = (labels.get(LABEL_NAMESPACE, ""), labels.get(LABEL_EXECUTION, ""))
            manifest, run = self._named.get(name), labels.get(LABEL_RUN, "")
            asking = [manifest.origin.source_id] if manifest is not None else []
            for source in (*asking, *self._evidence.sources) if run.isdecimal() else ():
                found = Identity(namespace=name[0], name=name[1], run=int(run), source_id=source)
                if _uid(found, labels.get(LABEL_DEPLOYMENT, "")) == uid:
                    return found
        return None

    @staticmethod
    def _type(file: RunFile | None, manifest: Manifest | None, groups: Sequence[Group]) -> str:
        if file is not None and file.type:
            return file.type
        if manifest is not None and manifest.spec is not None:
            return str(manifest.spec.type)
        return str(ApplicationType.INTERACTIVE) if groups and not _runs_once(groups) else ""

    def _since(self, uid: Uid, identity: Identity, record: Record | None) -> Iterator[Entry]:
        """Yield what must have happened after the facts that are known, and what follows."""
        at_work = _newest_attempt(self.groups.get(uid, ()))
        if at_work and at_work[0].attempt > (record.attempt if record else 0):
            self.found[uid] = Finding.FROM_SWARM
            yield from _as_seen(uid, identity, record, at_work, self._hash(uid))
        elif record is not None and identity.run == SCHEDULE:
            if self.suspect:
                self.found[uid] = Finding.FROM_NOW_ON
                yield _entry(uid, identity, Fact.FIRST_SEEN, self._evidence.now)
        elif record is not None and record.attempt_open:
            if not at_work or at_work[0].attempt != record.attempt:
                yield from self._vanished(uid, identity, record)
        elif self._may_have_run(uid, record):
            self.found[uid] = Finding.MAY_HAVE_RUN
            yield from self._unknown(uid, identity, record)

    def _vanished(self, uid: Uid, identity: Identity, record: Record) -> Iterator[Entry]:
        """An attempt was begun, and nothing of it is there any more."""
        now = self._evidence.now
        ended = replace(
            _entry(uid, identity, Fact.ATTEMPT_ENDED, now),
            generation=record.generation,
            attempt=record.attempt,
            reason=str(EndReason.REMOVED),
        )
        yield ended
        if self.types[uid] and self.types[uid] != ApplicationType.BATCH:
            self.found[uid] = Finding.GONE
        elif is_scheduled(identity.run):
            self.found[uid] = Finding.ENDED
            yield replace(ended, fact=Fact.FINISHED)
        else:
            self.found[uid] = Finding.MAY_HAVE_RUN
            yield _entry(uid, identity, Fact.HELD, now, reason=MAY_HAVE_RUN)

    def _may_have_run(self, uid: Uid, record: Record | None) -> bool:
        """Tell whether a batch that isn't known to have begun may have done so all the same."""
        if not (self._evidence.is_all_lost or {"", uid[:2]} & self.suspect):
            return False
        manifest = self._evidence.wanted.get(uid)
        if record is None and manifest is None:
            return False
        if record is not None and (record.is_final or record.held):
            return False
        if manifest is not None and manifest.recurs:
            return False
        return self.types[uid] in ("", ApplicationType.BATCH)

    def _unknown(self, uid: Uid, identity: Identity, record: Record | None) -> Iterator[Entry]:
        now = self._evidence.now
        if record is None:
            yield _entry(uid, identity, Fact.FIRST_SEEN, now)
            hash_ = self._hash(uid)
            yield _entry(uid, identity, Fact.GENERATION, now, generation=1, spec_hash=hash_)
        yield _entry(uid, identity, Fact.HELD, now, reason=MAY_HAVE_RUN)

    def _hash(self, uid: Uid) -> str:
        manifest = self._manifests.get(uid)
        return manifest.document_hash if manifest is not None else ""


def _identity_of(manifest: Manifest, run: int) -> Identity:
    return Identity(
        namespace=manifest.namespace,
        name=manifest.name,
        run=run,
        source_id=manifest.origin.source_id,
    )


def _uid(identity: Identity, deployment: str) -> Uid:
    return uid_of(
        deployment=deployment,
        source_id=identity.source_id,
        namespace=identity.namespace,
        name=identity.name,
        run=identity.run,
    )


def _as_seen(
    uid: Uid, identity: Identity, record: Record | None, groups: Sequence[Group], hash_: str
) -> Iterator[Entry]:
    """Yield the facts of an attempt that the Swarm shows and nobody has told of."""
    at = min(group.service.created_at for group in groups)
    labels = groups[0].service.spec.labels
    generation = int(text) if (text := labels.get(LABEL_GENERATION, "")).isdecimal() else 1
    named = _INCARNATION.search(groups[0].service.spec.name)
    incarnation = int(named.group(1)) if named else generation
    number = {"attempt": groups[0].attempt}
    if record is None or record.is_final:
        yield _entry(uid, identity, Fact.FIRST_SEEN, at)
    if record is None or record.generation < generation:
        yield _entry(uid, identity, Fact.GENERATION, at, generation=generation, spec_hash=hash_)
    if record is None or record.incarnation != incarnation:
        yield _entry(uid, identity, Fact.ADMITTED, at, generation=incarnation, **number)
    yield _entry(uid, identity, Fact.ATTEMPT_INTENDED, at, generation=generation, **number)


def _entry(uid: Uid, identity: Identity, fact: Fact, at: datetime, **known: object) -> Entry:
    return Entry(uid=uid, run=identity.run, fact=fact, at=at, **known)  # type: ignore[arg-type]


def _newest_attempt(groups: Sequence[Group]) -> Sequence[Group]:
    newest = max((group.attempt for group in groups), default=0)
    return [group for group in groups if group.attempt == newest]


def _runs_once(groups: Sequence[Group]) -> bool:
    return any(group.service.spec.restart.condition == "none" for group in groups)


def _placed(
    groups: Sequence[Group], record: Record, file: RunFile | None
) -> tuple[Allocation, ...]:
    """Return the groups of an open attempt: those that are there, and those still to come."""
    there: Counter[tuple[str, NodeId]] = Counter()
    for group in groups:
        if group.attempt == record.attempt:
            there[group.component, NodeId(group.service.spec.node)] += group.service.spec.replicas
    is_starting = file is not None and record.started_at is None
    granted = file.groups if file is not None and is_starting else ()
    known = [group for group in granted if (group.component, group.node) not in there]
    found = [
        Allocation(component=c, node=n, count=count) for (c, n), count in there.items() if count
    ]
    return tuple(sorted((*found, *known), key=attrgetter("component", "node")))


def _digest(record: Record, file: RunFile | None) -> str:
    """Return the digest of the spec in force, if it was told."""
    in_force = record.generation_in_force
    if in_force == record.incarnation:
        return record.spec_hash
    return file.frozen.get(str(in_force), "") if file is not None else ""
