"""Before anything is done: does the database know all that was done with it?

Asked at the start of each leadership, of the status branch and of the Swarm. Where the branch can't
be reached, what was last seen of it counts, and it is asked again before it is written to; a host
that never saw it waits for it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reconciler import wire
from reconciler.config import Settings
from reconciler.converge import continuity, mirror
from reconciler.converge.continuity import Published
from reconciler.converge.ledger import Entry
from reconciler.converge.state import ObservedState
from reconciler.errors import DatabaseBehind, SourceUnavailable
from reconciler.loop import Loop
from reconciler.ports import Clock
from reconciler.publishing.mirroring import UNSURE
from reconciler.publishing.status_sink import StatusSink
from reconciler.working_set import WorkingSet

Read = Callable[[tuple[str, ...]], Mapping[str, bytes]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What a database knows before anything is done with it; what is added later doesn't count."""

    facts: Mapping[int, Entry]
    last_seq: int
    epoch: int
    observed: ObservedState

    @classmethod
    def of(cls, known: WorkingSet, *, epoch: int, observed: ObservedState) -> Beginning:
        """Take what a working set knows now; ``epoch`` is the database's."""
        facts = {entry.seq: entry for entries in known.entries.values() for entry in entries}
        return cls(facts=facts, last_seq=known.last_seq, epoch=epoch, observed=observed)

    def breach(self, read: Read, *, key: bytes) -> str:
        """Return why it can't be trusted to know all that was done, or ""."""
        return continuity.breach(
            self.facts,
            last_seq=self.last_seq,
            epoch=self.epoch,
            observed=self.observed,
            published=_published(read, key=key, is_empty=not self.last_seq),
        )


def verify(loop: Loop, sink: StatusSink, *, key: bytes) -> None:
    """Make sure that a loop may begin.

    Raises:
        DatabaseBehind: It may not: the database is empty, older, or another one.
        SourceUnavailable: The branch can't be asked, and nothing is known here of what it holds.
        ClusterUnavailable: The Swarm can't be read whole.
    """
    known = loop.working_set
    begun = Beginning.of(known, epoch=loop.lease.epoch, observed=loop.cluster.observe())

    def check(read: Read) -> None:
        if told := begun.breach(read, key=key):
            raise DatabaseBehind(told)

    try:
        check(sink.read)
        loop.publisher.mend(sink.read())
    except SourceUnavailable as error:
        if not _has_seen(sink, known):
            raise
        log.warning("the status branch can't be asked", extra={"error": str(error)})
        check(sink.read_last)
        loop.publisher.before_push = _Once(lambda: check(sink.read))


def look(settings: Settings, clock: Clock) -> str:
    """Return why the database of an installation can't be trusted to know all, or "".

    Changes nothing. The database is read last: what is done meanwhile was written there before.

    Raises:
        SourceUnavailable, ClusterUnavailable, StoreUnavailable: A part can't be read.
    """
    key = settings.state_dir / wire.LEDGER_KEY
    there = wire.status_sink(settings).read((mirror.HEAD_PATH, mirror.FOLDER))
    with wire.cluster(settings, clock) as cluster:
        observed = cluster.observe()
    return _begun(settings, observed).breach(
        lambda paths: {path: data for path, data in there.items() if path.startswith(paths)},
        key=key.read_bytes() if key.exists() else b"",
    )


def _begun(settings: Settings, observed: ObservedState) -> Beginning:
    if wire.has_database(settings):
        with wire.store(settings) as store:
            found = store.condition()
            if found.has_facts:
                known = WorkingSet(store.load())
                return Beginning.of(known, epoch=found.epoch, observed=observed)
    return Beginning(facts={}, last_seq=0, epoch=0, observed=observed)


def _has_seen(sink: StatusSink, known: WorkingSet) -> bool:
    """Tell whether this host knows what was on the branch: has a copy, or nothing was pushed."""
    if not known.last_seq:
        return False
    was_pushed = any(digest != UNSURE for digest in known.published.values())
    return not was_pushed or bool(sink.read_last((mirror.HEAD_PATH,)))


def _published(read: Read, *, key: bytes, is_empty: bool) -> Published:
    """Return what is published; where the database knows nothing, a single file of a run counts.

    A head of ours at no fact is that of an installation in which nothing has happened yet.
    """
    data = read((mirror.HEAD_PATH,)).get(mirror.HEAD_PATH)
    head = mirror.read_head_file(data, key=key) if data is not None else None
    has_facts = head.seq > 0 if head is not None else data is not None
    has_runs = is_empty and bool(read((f"{mirror.FOLDER}/",)))
    return Published(head=head, is_there=has_facts or has_runs)


class _Once:
    """A check that is made until it succeeds, and then no more."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check: Callable[[], None] | None = check

    def __call__(self) -> None:
        """Make it, if it hasn't succeeded yet."""
        if self._check is not None:
            self._check()
            self._check = None
