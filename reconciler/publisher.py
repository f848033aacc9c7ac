"""Keeps the status branch up to date, beside the loop: convergence never waits for it.

Files are made from what the pass has just committed; only those whose digest differs from what
was last pushed are pushed, coalesced to a few pushes a minute.
"""

from __future__ import annotations

import json
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from policy.model.execution import Uid
from reconciler import mirroring
from reconciler.alerts import CHANGED, NOT_PUBLISHED
from reconciler.converge import mirror, publication, set_status
from reconciler.converge.instants import is_within
from reconciler.converge.letters import FOLDER, Letter
from reconciler.converge.newest import newest, rank
from reconciler.converge.status import SetName, set_of
from reconciler.errors import TransientError
from reconciler.failpoints import Point, reach
from reconciler.manifest.spec import SetSummary
from reconciler.side import one_thread
from reconciler.status_sink import StatusSink, unasked
from reconciler.working_set import WorkingSet

log = logging.getLogger(__name__)

MINIMUM_INTERVAL = timedelta(seconds=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A push that went through: path -> digest (None: deleted), up to a ledger sequence."""

    digests: Mapping[str, str | None]
    sequence: int


class Sealer(Protocol):
    """Who encrypts letters."""

    def mark(self, sent: Letter) -> str:
        """Return what changes when a letter has to be sealed anew."""

    def seal(self, sent: Letter) -> bytes:
        """Return a letter's file; other bytes each time."""


class Publisher:
    """One push at a time, in a thread of its own unless an ``executor`` is given."""

    def __init__(
        self,
        sink: StatusSink,
        working_set: WorkingSet,
        *,
        ledger_key: bytes,
        deployment: str = "",
        sealer: Sealer | None = None,
        interval: timedelta = MINIMUM_INTERVAL,
        executor: Executor | None = None,
    ) -> None:
        self.sink = sink
        self._interval = interval
        self._working_set = working_set
        self._key = ledger_key
        self._deployment = deployment
        self._sealer = sealer
        self._marks: dict[str, str] = {}
        self._files: dict[str, bytes | None] = {}
        self._snapshot: dict[str, Any] | None = None
        self._sets: Mapping[SetName, SetSummary] = {}
        self._untold: Set[Uid] = frozenset()
        self._last_push: datetime | None = None
        self._pool = executor or one_thread("publish")
        self._flight: Future[Published] | None = None
        self.error = ""
        self.foreign: tuple[str, ...] = ()
        """What somebody else had changed, until it is pushed anew."""
        self.before_push: Callable[[], None] = unasked
        """What must be settled before anything is pushed; called in the thread that pushes."""
        self.still_leads: Callable[[], None] = unasked
        """Asked by the sink before it moves the branch, in the same thread."""
        self.refresh(working_set.statuses)
        self._drop_leftovers()
        self.published_seq = 0 if self._files else working_set.last_seq

    @property
    def is_dirty(self) -> bool:
        """Whether something waits to be pushed."""
        return bool(self._files) or self._flight is not None

    def refresh(
        self,
        uids: Iterable[Uid],
        *,
        snapshot: dict[str, Any] | None = None,
        sets: Sequence[SetSummary] | None = None,
    ) -> None:
        """Make the files of these executions anew and remember those that changed.

        ``sets`` are those in force; without them nothing is said of sets.
        """
        by_namespace: dict[str, set[Uid]] = defaultdict(set)
        told = tuple(uids)
        for uid in told:
            by_namespace[self._working_set.identities[uid].namespace].add(uid)
            self._refresh_ledger(uid)
        for namespace, changed in by_namespace.items():
            self._refresh_namespace(namespace, changed)
        if sets is not None:
            statuses = self._working_set.statuses
            self._refresh_sets(sets, {set_of(statuses[uid]) for uid in told if uid in statuses})
        if snapshot is not None:
            self._snapshot = snapshot

    def _refresh_sets(self, sets: Sequence[SetSummary], touched: Set[SetName | None]) -> None:
        """Make the files of sets anew: of those touched, and of those whose document changed."""
        now = {(found.spec.namespace, found.spec.name): found for found in sets}
        paths = {publication.set_path(*name) for name in now}
        for path in sorted({*self._working_set.published, *self._files} - paths):
            if publication.is_of_set(path):
                self._put(path, None)
        changed = [n for n, found in now.items() if n in touched or self._sets.get(n) != found]
        statuses = self._working_set.statuses.values() if changed else ()
        members = set_status.members_of(statuses)
        for name in changed:
            told = set_status.document(now[name], members.get(name, ()))
            self._put(publication.set_path(*name), publication.dump(told))
        self._sets = now

    def _refresh_ledger(self, uid: Uid) -> None:
        if self._working_set.entries.get(uid):
            run = mirroring.run_of(self._working_set, uid)
            self._put(publication.ledger_path(uid), mirror.run_file(run, key=self._key))

    def _refresh_namespace(self, namespace: str, changed: set[Uid]) -> None:
        statuses = self._working_set.statuses
        for path, uid in self._current(namespace).items():
            if uid in changed:
                is_told = uid not in self._untold
                self._put(path, publication.status_file(statuses[uid]) if is_told else None)
        mine = [u for u in statuses if self._working_set.identities[u].namespace == namespace]
        documents = newest([statuses[uid] for uid in mine])
        told = [d for d in documents if d["metadata"]["uid"] not in self._untold]
        self._put(publication.readme_path(namespace), publication.readme_file(namespace, told))

    def forget(self, uids: Iterable[Uid]) -> None:
        """Delete the files of runs that aren't told any more, while it is known whose they are."""
        for uid in uids:
            identity = self._working_set.identities[uid]
            self._put(publication.ledger_path(uid), None)
            path = publication.status_path(identity.namespace, identity.name, identity.run)
            # Runs that authors count share a file: it is the newest one's.
            if self._current(identity.namespace).get(path) == uid:
                self._put(path, None)

    def leave_out(self, uids: Set[Uid]) -> None:
        """Publish the statuses of these no more, and of all others; their facts stay there."""
        changed = (self._untold ^ uids) & self._working_set.statuses.keys()
        self._untold = uids
        by_namespace: dict[str, set[Uid]] = defaultdict(set)
        for uid in changed:
            by_namespace[self._working_set.identities[uid].namespace].add(uid)
        for namespace, mine in sorted(by_namespace.items()):
            self._refresh_namespace(namespace, mine)

    def post(self, letters: Mapping[str, Letter]) -> None:
        """Publish these letters by path and no others; one is sealed anew when its mark changes."""
        if self._sealer is None:
            return
        for path, letter in letters.items():
            mark = self._sealer.mark(letter)
            if mark != self._marks.get(path, self._working_set.published.get(path)):
                self._files[path], self._marks[path] = self._sealer.seal(letter), mark
        known = {*self._marks, *self._working_set.published}
        for path in sorted(known - letters.keys()):
            if path.startswith(f"{FOLDER}/") and self._files.get(path, b"") is not None:
                self._marks.pop(path, None)
                self._files[path] = None

    def mend(self, there: Mapping[str, bytes]) -> None:
        """Publish anew what isn't on the branch as we published it; ``there`` is all that is.

        A copy of the ledger that has holes would be noticed when it is needed: too late.
        """
        known = self._working_set
        others = mirroring.foreign(there, known.published)
        if not others:
            return
        log.warning("status branch is written anew", extra={"files": len(others)})
        head = there.get(mirror.HEAD_PATH, b"")
        # A leader that ended before it could store what it had pushed leaves a newer head.
        is_ours = mirror.HEAD_PATH in others and mirror.read_head_file(head, key=self._key)
        self.foreign = () if is_ours else others
        known.published |= dict.fromkeys(others, mirroring.UNSURE)
        self.refresh(known.statuses, snapshot=json.loads(known.snapshot or "null"))
        self._drop_leftovers()
        self._files.setdefault(mirror.HEAD_PATH, b"")  # it is made when it goes
        self.published_seq = 0

    @property
    def complaints(self) -> tuple[tuple[str, str], ...]:
        """What is wrong with the branch, by reason."""
        found = [(NOT_PUBLISHED, self.error)] if self.error else []
        if self.foreign:
            message = (
                f"{len(self.foreign)} files of the status branch weren't as they were published "
                f"(such as {self.foreign[0]}), and are written anew: let nobody else push there"
            )
            found.append((CHANGED, message))
        return tuple(found)

    def _drop_leftovers(self) -> None:
        """Delete the files of runs that were forgotten before that could be pushed."""
        known = {publication.ledger_path(uid) for uid in self._working_set.entries}
        known |= {
            publication.status_path(identity.namespace, identity.name, identity.run)
            for identity in self._working_set.identities.values()
        }
        for path in sorted(self._working_set.published.keys() - known):
            if publication.is_of_one_run(path):
                self._put(path, None)

    def _current(self, namespace: str) -> Mapping[str, Uid]:
        """Path -> uid of the run that has the file: of those that share one, the newest."""
        found: dict[str, Uid] = {}
        statuses = self._working_set.statuses
        for uid, document in statuses.items():
            identity = self._working_set.identities[uid]
            if identity.namespace != namespace:
                continue
            path = publication.status_path(namespace, identity.name, identity.run)
            known = found.get(path)
            if known is None or rank(statuses[known]) < rank(document):
                found[path] = uid
        return found

    def _put(self, path: str, data: bytes | None) -> None:
        is_there = self._working_set.published.get(path) == _digest(data)
        if is_there and self._flight is None:  # a push under way may be about to change that
            self._files.pop(path, None)
        else:
            self._files[path] = data

    def ahead(self, now: datetime, *, wait: bool = False) -> Mapping[str, str]:
        """Return the paths that ``flush`` is about to push, as unsure.

        Stored before the push, they are known to whoever leads after a crash in between, and to
        this one when the answer is lost. What isn't to be told any more by then would else stay on
        the branch for good, and so would what is to be told again as it was told before.
        """
        if not (wait or self._is_time(now)):
            return {}
        known = self._working_set.published
        there = (path for path, data in self._files.items() if data is not None or path in known)
        return {path: mirroring.UNSURE for path in there if known.get(path) != mirroring.UNSURE}

    def flush(self, now: datetime, *, wait: bool = False) -> Published | None:
        """Push if it is time to; return what an earlier push got through, once.

        Args:
            now: The time of this pass.
            wait: Push now and wait for it (the end of ``once``).
        """
        landed = self._landed(wait=wait)
        if self._files and self._flight is None and (wait or self._is_time(now)):
            self._last_push = now
            going = self._take_off()
            landed = _besides(landed, going)
            if wait:
                landed = _both(landed, self._landed(wait=True))
        return landed

    def _is_time(self, now: datetime) -> bool:
        return self._last_push is None or not is_within(self._interval, self._last_push, now)

    def close(self) -> None:
        """Wait for a push under way and stop."""
        self._pool.shutdown(wait=True)

    def _take_off(self) -> Published:
        files = dict(self._files)
        head = mirroring.head_of(self._working_set, deployment=self._deployment)
        files[mirror.HEAD_PATH] = mirror.head_file(head, key=self._key)
        if self._snapshot is not None:
            files[publication.SNAPSHOT_PATH] = publication.dump(self._snapshot)
        digests = {path: self._told_apart(path, data) for path, data in files.items()}
        going = Published(digests=digests, sequence=self._working_set.last_seq)
        self._flight = self._pool.submit(self._push, files, going)
        return going

    def _push(self, files: Mapping[str, bytes | None], going: Published) -> Published:
        self.before_push()
        self.sink.publish(
            files,
            message=_subject(files),
            sequence=going.sequence,
            still_leads=self.still_leads,
        )
        return going

    def _told_apart(self, path: str, data: bytes | None) -> str | None:
        """Return what a file is known by: a letter by its mark, since its bytes are of chance."""
        return self._marks.get(path, _digest(data)) if data is not None else None

    def _landed(self, *, wait: bool) -> Published | None:
        flight = self._flight
        if flight is None or not (wait or flight.done()):
            return None
        self._flight = None
        try:
            published = flight.result()
        except TransientError as error:
            if self.error != str(error):
                log.warning("status not published", extra={"error": str(error)})
            self.error = str(error)
            return None
        self.error, self.foreign = "", ()
        for path, digest in published.digests.items():
            is_head = path == mirror.HEAD_PATH  # it goes with each push
            if path in self._files and (
                is_head or self._told_apart(path, self._files[path]) == digest
            ):
                del self._files[path]
        self.published_seq = published.sequence
        reach(Point.STATUS_PUSHED)
        return published


def _besides(landed: Published | None, going: Published) -> Published | None:
    """Return what one push got through and the next one doesn't touch: that is unsure again."""
    if landed is None:
        return None
    left = {path: d for path, d in landed.digests.items() if path not in going.digests}
    return replace(landed, digests=left)


def _both(first: Published | None, second: Published | None) -> Published | None:
    """Return what two pushes in a row got through: nothing of the first may be lost."""
    if first is None or second is None:
        return second or first
    return Published(digests={**first.digests, **second.digests}, sequence=second.sequence)


def _digest(data: bytes | None) -> str | None:
    """Return what a file's content is told apart by; None: there is no file."""
    return None if data is None else mirroring.digest(data)


def _subject(files: Mapping[str, bytes | None]) -> str:
    kinds = Counter(path.split("/", 1)[0] for path in files if not path.endswith("README.md"))
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "tables"
    return f"status: {told} changed"
