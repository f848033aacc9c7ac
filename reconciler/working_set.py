"""What the loop remembers between passes: the database's content, folded, kept up to date.

Read once at the start of a leadership; after that only what a pass commits is added, so that a
pass costs what changed. The database is written first, memory second.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from itertools import islice
from operator import attrgetter
from typing import Any

from policy.estimate import NEWEST
from policy.model.execution import Allocation, Uid
from reconciler.converge.accounting import Progress, Use
from reconciler.converge.history import Runtime
from reconciler.converge.ledger import Entry, Record, fold
from reconciler.converge.runs import is_scheduled
from reconciler.converge.status_document import StatusDocument
from reconciler.converge.world import Identity, Memory
from reconciler.manifest.spec import ExecutionSpec
from reconciler.reporting.records import Pulse
from reconciler.reviewer.job import Known
from reconciler.runs_by_name import RunsByName
from reconciler.stored import Changes, ExecutionRow, Stored

_HARVESTED_MOST = 10_000
"""Of how many results it is known that they are stored; others are read and offered once more."""


class WorkingSet:
    """Records, frozen specs, groups and statuses by uid."""

    def __init__(self, stored: Stored) -> None:
        self.entries: dict[Uid, list[Entry]] = defaultdict(list)
        self.records: dict[Uid, Record] = {}
        self.identities: dict[Uid, Identity] = {}
        self.statuses: dict[Uid, StatusDocument] = {}
        self.runs = RunsByName()
        """Who is in :attr:`statuses`, by what they are asked for by."""
        self.frozen: dict[tuple[Uid, int], ExecutionSpec] = {
            (frozen.uid, frozen.generation): frozen.spec for frozen in stored.frozen
        }
        self._generations: dict[Uid, tuple[int, ...]] = {}
        for uid, generation in self.frozen:
            self._note_generation(uid, generation)
        self.placements: dict[Uid, tuple[Allocation, ...]] = dict(stored.placements)
        self.progress: dict[Uid, Progress] = dict(stored.progress)
        self.usage: dict[str, Use] = dict(stored.usage)
        self.runtimes: dict[tuple[str, str], tuple[int, ...]] = {}
        self._good: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
        for good in stored.good_files:
            self._good[good.source_id][good.path] = (good.blob, good.commit)
        self.accepted: dict[str, str] = dict(stored.accepted)
        self.published: dict[str, str] = dict(stored.published)
        self.snapshot = stored.snapshot
        self.hold_requests = stored.hold_requests
        self.recorded = stored.recorded
        self._harvested: dict[tuple[Uid, int, str, str], None] = {}
        self.confirmed: frozenset[str] = frozenset()
        """The commits that operators have confirmed, as of the newest pass."""
        self.last = max(stored.entries, key=attrgetter("seq"), default=None)
        """The newest fact of all, also if its run isn't told any more."""
        self._lock = threading.Lock()
        for row in stored.executions:
            self._tell(row)
        self._fold(entry for entry in stored.entries if not self._is_forgotten(entry))
        for uid in self._generations:
            self._drop_old_specs(uid)
        self._remember(stored.runtimes)

    @property
    def last_seq(self) -> int:
        """The number of the newest fact; 0 before the first."""
        return self.last.seq if self.last is not None else 0

    def memory(self, *, published_seq: int) -> Memory:
        """Return the working set as a pass sees it. The mappings are not copied: don't write."""
        return Memory(
            records=self.records,
            identities=self.identities,
            frozen=self.frozen,
            placements=self.placements,
            progress=self.progress,
            usage=self.usage,
            runtimes=self.runtimes,
            statuses=self.statuses,
            hold_requests={(asked.namespace, asked.name): asked for asked in self.hold_requests},
            last_seq=self.last_seq,
            published_seq=published_seq,
            harvested=frozenset(self._harvested),
        )

    def good_files(self, source_id: str) -> Mapping[str, tuple[str, str]]:
        """Return path -> (blob, commit) of the newest valid content of a source's files.

        It isn't copied, and changes with the next commit to the database.
        """
        return self._good.get(source_id, {})

    def uids_besides(self, source_id: str) -> frozenset[Uid]:
        """Return the runs that came from other sources."""
        return frozenset(
            uid
            for uid, identity in self.identities.items()
            if identity.source_id not in ("", source_id)
        )

    def known(self, source_id: str) -> Known:
        """Return a copy of what previews depend on; any thread. What is stored, no less or more."""
        with self._lock:
            memory = self.memory(published_seq=self.last_seq)
            given = ((f.name, getattr(memory, f.name)) for f in fields(memory))
            copies: dict[str, Any] = {
                name: dict(value) for name, value in given if isinstance(value, Mapping)
            }
            return Known(
                accepted=self.accepted.get(source_id, ""),
                memory=replace(memory, **copies),
                snapshot=self.snapshot,
                good=dict(self.good_files(source_id)),
            )

    def committed(self, changes: Changes, entries: Sequence[Entry]) -> None:
        """Take over what a transaction has written; ``entries`` are its numbered facts."""
        with self._lock:
            self._take_over(changes, entries)

    def beaten(self, pulse: Pulse) -> None:
        """Take over the newest sign of life."""
        self.recorded = replace(self.recorded, pulse=pulse)

    def _take_over(self, changes: Changes, entries: Sequence[Entry]) -> None:
        for row in changes.executions:
            self._tell(row)
        self._fold(entries)
        for frozen in changes.frozen:
            self.frozen[frozen.uid, frozen.generation] = frozen.spec
            self._note_generation(frozen.uid, frozen.generation)
        for uid in {entry.uid for entry in entries} & self._generations.keys():
            self._drop_old_specs(uid)
        for uid, groups in changes.placements.items():
            if groups:
                self.placements[uid] = groups
            else:
                self.placements.pop(uid, None)
        for uid, progress in changes.progress.items():
            if progress is None:
                self.progress.pop(uid, None)
            else:
                self.progress[uid] = progress
        self._harvested |= dict.fromkeys(found.key for found in changes.harvests)
        too_many = max(0, len(self._harvested) - _HARVESTED_MOST)
        for key in list(islice(self._harvested, too_many)):
            del self._harvested[key]
        self.usage |= changes.usage
        self._remember(changes.runtimes)
        for good in changes.good_files:
            if good.blob:
                self._good[good.source_id][good.path] = (good.blob, good.commit)
            else:
                self._good[good.source_id].pop(good.path, None)
        self.accepted |= changes.accepted
        for path, digest in changes.published.items():
            if digest is None:
                self.published.pop(path, None)
            else:
                self.published[path] = digest
        if changes.snapshot is not None:
            self.snapshot = changes.snapshot
        self.recorded = self.recorded.after(changes.recording)
        gone = {*changes.forgotten, *changes.expired}
        for uid in gone:
            self._forget(uid)
        if gone:
            self._harvested = {key: None for key in self._harvested if key[0] not in gone}

    def _note_generation(self, uid: Uid, generation: int) -> None:
        known = self._generations.get(uid, ())
        if generation not in known:
            self._generations[uid] = (*known, generation)

    def _drop_old_specs(self, uid: Uid) -> None:
        """Keep of a run what may be in force again; the database has what it was before."""
        record = self.records.get(uid)
        if record is None:
            return
        needed = {record.generation, record.good_generation}
        for generation in self._generations[uid]:
            if generation not in needed:
                del self.frozen[uid, generation]
        self._generations[uid] = tuple(g for g in self._generations[uid] if g in needed)

    def _is_forgotten(self, entry: Entry) -> bool:
        """Tell whether a fact is about a run of a schedule that isn't told any more."""
        return is_scheduled(entry.run) and entry.uid not in self.identities

    def _tell(self, row: ExecutionRow) -> None:
        self.identities[row.uid] = _identity(row)
        told = self.statuses[row.uid] = StatusDocument.of(row.status)
        self.runs.put(row.uid, row.namespace, row.name, told.of_set)

    def _forget(self, uid: Uid) -> None:
        self.runs.drop(uid)
        for known in (self.entries, self.records, self.identities, self.statuses):
            known.pop(uid, None)
        for generation in self._generations.pop(uid, ()):
            self.frozen.pop((uid, generation), None)

    def _remember(self, runtimes: Iterable[Runtime]) -> None:
        """Add samples to their application's, in its namespace and in all."""
        for runtime in runtimes:
            for namespace in (runtime.namespace, ""):
                key = (namespace, runtime.application)
                samples = (*self.runtimes.get(key, ()), runtime.runtime_ms)
                self.runtimes[key] = samples[-NEWEST:]

    def _fold(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if entry.seq > self.last_seq:
                self.last = entry
            if not entry.uid:
                continue
            record = fold([entry], self.records.get(entry.uid))
            if record is not None:
                self.records[entry.uid] = record
                self.entries[entry.uid].append(entry)


def _identity(row: ExecutionRow) -> Identity:
    return Identity(namespace=row.namespace, name=row.name, run=row.run, source_id=row.source_id)
