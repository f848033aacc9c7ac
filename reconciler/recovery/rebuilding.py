"""``zoe rebuild``: a database from Git, the Swarm and the status branch. Stops and starts nothing.

What it can't know it says; what may have run it holds. Done again, it finds nothing to do.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from policy.model.execution import Uid
from reconciler.changes import good_files
from reconciler.converge import mirror
from reconciler.converge.continuity import newest_epoch
from reconciler.converge.ledger import Entry
from reconciler.converge.mirror import Head, RunFile
from reconciler.converge.recovery import Evidence, Finding, Recovered, is_divergent, recover
from reconciler.converge.refreezing import Search
from reconciler.converge.state import ObservedState
from reconciler.converge.tasks import groups_by_uid
from reconciler.converge.world import Wanted
from reconciler.errors import ConfigError, SourceUnavailable
from reconciler.manifest.lent import Lent
from reconciler.manifest.spec import ExecutionSpec, Manifest
from reconciler.ports import Clock, Cluster, Lease, Store
from reconciler.publishing import mirroring
from reconciler.publishing.status_sink import StatusSink
from reconciler.recovery.restoration import Restoration
from reconciler.recovery.rewriting import Writing
from reconciler.source.desired import Reader
from reconciler.source.good_versions import newest_valid
from reconciler.source.tenants import Tenants
from reconciler.stored import Changes, GoodFile, Stored
from reconciler.working_set import WorkingSet

COMMITS_MOST = 100
"""So many commits are looked through for what was frozen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a database is rebuilt from, and with."""

    store: Store
    reader: Reader
    tenants: Tenants
    cluster: Cluster
    sink: StatusSink
    clock: Clock
    key: bytes
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """What the status branch holds: ``bad`` are the paths of files that aren't ours."""

    files: Mapping[Uid, RunFile]
    head: Head | None
    bad: tuple[str, ...]
    digests: Mapping[str, str]

    @property
    def is_empty(self) -> bool:
        """Whether there is no ledger at all."""
        return not (self.files or self.head or self.bad)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What was found and written, by uid where it is about runs."""

    found: Mapping[Uid, Finding]
    names: Mapping[Uid, str]
    adopted: frozenset[Uid]
    facts: int
    bad: tuple[str, ...]
    has_head: bool
    suspect: frozenset[str]
    orphans: tuple[str, ...]
    commit: str


def rebuild(parts: Parts, lease: Lease, *, is_all_lost: bool = False) -> tuple[Rebuilt, Lease]:
    """Fill the database with what can be known; return what that was, and the lease as it is now.

    Args:
        parts: From what, and with what.
        lease: That of the database: nobody else leads.
        is_all_lost: The operator's word that there is no more than what is found.

    Raises:
        ConfigError: There is nothing to rebuild from, or the database is another one.
        SourceUnavailable, ClusterUnavailable, StoreUnavailable: A part can't be read whole.
    """
    stored, branch = parts.store.load(), read_branch(parts.sink, parts.key)
    observed, now = parts.cluster.observe(), parts.clock.now()
    _refuse(stored, branch, observed, is_all_lost=is_all_lost)
    if is_complete(stored, branch, observed, lease.epoch):
        return _nothing(branch, stored.accepted.get(parts.reader.source.id, "")), lease
    known = WorkingSet(stored)
    tip = parts.reader.source.fetch()
    accepted = _accepted(parts.reader, known, branch)
    wanted, good = wanted_by(parts, known, accepted, tip)
    later = _at(parts.reader, tip, parts.reader.good)
    recovered = recover(
        Evidence(
            stored=stored.entries,
            owners=known.identities,
            files=branch.files,
            head=branch.head,
            wanted=wanted.manifests,
            later=later,
            observed=observed,
            now=now,
            is_all_lost=is_all_lost,
        )
    )
    earlier = earlier_than(parts, accepted, wanted.commit)
    specs, stand_ins = refrozen(recovered, wanted, later, earlier, observed)
    last_seq = max(known.last_seq, branch.head.seq if branch.head else 0)
    work = Writing(recovered, wanted, last_seq=last_seq, now=now, by=parts.by)
    facts = work.numbered(stand_ins)
    changes = Changes(
        frozen=work.frozen({**specs, **stand_ins}),
        placements=recovered.placements,
        executions=work.rows({**specs, **stand_ins}, observed),
        good_files=good,
        accepted=accepted,
        published={path: d for path, d in branch.digests.items() if path not in known.published},
    )
    led = parts.store.restore(_restoration(parts, branch, observed, facts, changes), lease)
    return Rebuilt(
        found=recovered.found,
        names={u: f"{i.namespace}/{i.name}" for u, i in recovered.identities.items()},
        adopted=frozenset(stand_ins),
        facts=len(facts) - 1,
        bad=branch.bad,
        has_head=branch.head is not None,
        suspect=recovered.suspect,
        orphans=tuple(sorted(_orphans(observed, recovered))),
        commit=wanted.commit,
    ), led


def _restoration(
    parts: Parts,
    branch: Branch,
    observed: ObservedState,
    facts: tuple[Entry, ...],
    changes: Changes,
) -> Restoration:
    return Restoration(
        facts=facts,
        epoch=max(newest_epoch(observed), *(entry.epoch for entry in facts), 0),
        rest=changes,
        confirmed=branch.head.confirmed if branch.head else (),
        holds=branch.head.holds if branch.head else (),
        by=parts.by,
    )


def _nothing(branch: Branch, commit: str) -> Rebuilt:
    return Rebuilt(
        found={},
        names={},
        adopted=frozenset(),
        facts=0,
        bad=branch.bad,
        has_head=branch.head is not None,
        suspect=frozenset(),
        orphans=(),
        commit=commit,
    )


def read_branch(sink: StatusSink, key: bytes) -> Branch:
    """Return what the status branch has of the ledger. Raises SourceUnavailable."""
    there = sink.read()
    files: dict[Uid, RunFile] = {}
    bad: list[str] = []
    for path, data in there.items():
        if not path.startswith(f"{mirror.FOLDER}/"):
            continue
        run = mirror.read_run_file(data, path=path, key=key)
        if run is None:
            bad.append(path)
        else:
            files[run.uid] = run
    head = mirror.read_head_file(there.get(mirror.HEAD_PATH, b""), key=key)
    if head is None and mirror.HEAD_PATH in there:
        bad.append(mirror.HEAD_PATH)
    digests = {
        path: mirroring.digest(data)
        for path, data in there.items()
        if not path.startswith("secrets/")  # known by marks, which only the publisher makes
    }
    return Branch(files=files, head=head, bad=tuple(sorted(bad)), digests=digests)


def is_complete(stored: Stored, branch: Branch, observed: ObservedState, epoch: int) -> bool:
    """Tell whether a database has all that the branch has, so that there is nothing to do."""
    if not stored.entries:
        return False
    known = {entry.seq for entry in stored.entries}
    told = {fact.seq for file in branch.files.values() for fact in file.facts}
    head = branch.head.seq if branch.head is not None else 0
    return told <= known and head <= max(known) and newest_epoch(observed) <= epoch


def _refuse(stored: Stored, branch: Branch, observed: ObservedState, *, is_all_lost: bool) -> None:
    if is_divergent(stored.entries, branch.files.values()):
        raise ConfigError(
            "the database has other facts than the status branch under the same numbers: set "
            "database_url to an empty database (keep this one: its history is nowhere else), and "
            "zoe rebuild again"
        )
    is_trace = bool(groups_by_uid(observed)) or not branch.is_empty or stored.entries
    if not (is_trace or is_all_lost):
        raise ConfigError(
            "there is nothing to rebuild from: no ledger on the status branch, nothing of this "
            "deployment in the Swarm. If it is new: zoe run. If all was lost: zoe rebuild "
            "--nothing-left; then no batch in the repository runs until its run rises"
        )


def _accepted(reader: Reader, known: WorkingSet, branch: Branch) -> Mapping[str, str]:
    """Return the desired commit of each source, as far as the branch tells it and Git has it."""
    told = dict(branch.head.accepted) if branch.head is not None else {}
    if reader.source.id not in told:
        commits = sorted((f.seq, f.commit) for r in branch.files.values() for f in r.facts)
        newest = [commit for _, commit in commits if commit and _is_there(reader, commit)]
        told |= {reader.source.id: newest[-1]} if newest else {}
    return known.accepted | {
        source: commit
        for source, commit in told.items()
        if source != reader.source.id or _is_there(reader, commit)
    }


def _is_there(reader: Reader, commit: str) -> bool:
    try:
        return reader.source.resolve(commit) == commit
    except SourceUnavailable:
        return False


def wanted_by(
    parts: Parts, known: WorkingSet, accepted: Mapping[str, str], tip: str
) -> tuple[Wanted, tuple[GoodFile, ...]]:
    """Return what the accepted commits ask for, and the newest valid contents of their files."""
    reader, source = parts.reader, parts.reader.source.id
    commit = accepted.get(source) or tip
    before = known.good_files(source)
    good = newest_valid(reader, commit, before, most=COMMITS_MOST)
    wanted = reader.read(commit, good=good)
    known.accepted |= accepted
    parts.tenants.lookout.look_now()
    united = parts.tenants.want(
        wanted,
        reader.catalogue.lent if reader.catalogue else None,
        known=known,
        memory=known.memory(published_seq=0),
        confirmed=frozenset(),
    )
    files = (*good_files(source, before, reader.good), *parts.tenants.good_files(known))
    return united, files


def refrozen(
    recovered: Recovered,
    wanted: Wanted,
    later: Mapping[Uid, Manifest],
    earlier: Iterable[Iterable[Manifest]],
    observed: ObservedState,
) -> tuple[Mapping[Uid, ExecutionSpec], Mapping[Uid, ExecutionSpec | None]]:
    """Return the specs that were frozen, and what stands in for those that aren't found."""
    search = Search(recovered, observed)
    now = tuple({**later, **wanted.manifests}.values())
    search.offer(now)
    search.offer(later.values())
    for manifests in earlier:
        if not search.left:
            break
        search.offer(manifests)
    search.match(now)
    return search.found, search.stand_ins(now, recovered.types)


def _at(reader: Reader, commit: str, good: Mapping[str, tuple[str, str]]) -> Mapping[Uid, Manifest]:
    """Return what a commit asks for, if it can be read."""
    with contextlib.suppress(SourceUnavailable):
        return reader.apart().read(commit, good=good).manifests
    return {}


def earlier_than(
    parts: Parts, accepted: Mapping[str, str], commit: str
) -> Iterator[Iterable[Manifest]]:
    """Yield what the commits before asked for, the newest first; those of groups after ours."""
    yield from islice(_told_by(parts.reader, commit, None), 1, None)
    lent = parts.reader.catalogue.lent if parts.reader.catalogue else None
    for reader in parts.tenants.readers():
        yield from _told_by(reader, accepted.get(reader.source.id, ""), lent)


def _told_by(reader: Reader, commit: str, lent: Lent | None) -> Iterator[Iterable[Manifest]]:
    """Yield what a commit asked for, and those before it."""
    if not commit:
        return
    with contextlib.suppress(SourceUnavailable):
        history = reader.source.provenance().history(commit, since="", limit=COMMITS_MOST)
        then = reader.apart()
        for step in history:
            yield then.read(step.id, good={}, lent=lent).manifests.values()


def _orphans(observed: ObservedState, recovered: Recovered) -> Iterator[str]:
    for uid, groups in groups_by_uid(observed).items():
        if uid not in recovered.records:
            yield from (group.service.spec.name for group in groups)
