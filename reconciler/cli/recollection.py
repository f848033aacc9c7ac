"""What a plan knows beside the repository: what the database remembers, else the status branch."""

from __future__ import annotations

from reconciler.cli import reading
from reconciler.clock import SystemClock
from reconciler.config import Settings
from reconciler.converge.snapshots import Taken
from reconciler.converge.world import Memory, Wanted
from reconciler.errors import Missing, SourceUnavailable
from reconciler.ports import Source
from reconciler.review import offline
from reconciler.review.cluster import Cluster, cluster_of, no_cluster
from reconciler.review.rehearsal import Past
from reconciler.working_set import WorkingSet


class Recollection:
    """Read once, when it is first asked for; without either place nothing is known."""

    def __init__(self, settings: Settings, source: Source, *, is_offline: bool) -> None:
        self._settings, self._source, self._is_offline = settings, source, is_offline
        self._stored: tuple[Memory, Taken | None] | None = None

    def of(self, base: Wanted) -> tuple[Memory, Cluster]:
        """Return what is known of what the base wants, and the cluster as it was last seen."""
        self._stored = None if self._is_offline else self._from_database()
        if self._stored is not None:
            memory, taken = self._stored
            seen = no_cluster(SystemClock().now()) if taken is None else cluster_of(taken)
            return memory, seen
        try:
            taken, ledger = reading.branch(self._settings, self._source)
        except (SourceUnavailable, Missing):
            return Memory(), no_cluster(SystemClock().now())
        memory, taken = offline.recall(ledger, taken, base)
        return memory, cluster_of(taken)

    def past(self) -> Past | None:
        """Return what ran lately; only the database knows it whole."""
        # Imported here: most changes leave the rules alone.
        from reconciler.simulate import recorded

        memory, taken = self._stored or (Memory(), None)
        if taken is None:
            return None
        return recorded.past(memory, taken.snapshot.nodes, now=taken.taken_at)

    def _from_database(self) -> tuple[Memory, Taken | None] | None:
        with reading.database(self._settings) as store:
            stored = None if store is None else store.load()
        if stored is None:
            return None
        working_set = WorkingSet(stored)
        text = working_set.snapshot
        memory = working_set.memory(published_seq=working_set.last_seq)
        return memory, None if text is None else reading.stored_snapshot(text)
