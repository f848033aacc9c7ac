"""Keeps the status branch up to date, beside the loop: convergence never waits for it.

Files are made from what the pass has just committed; only those whose digest differs from what
was last pushed are pushed, coalesced to a few pushes a minute.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from policy.model.execution import Uid
from reconciler.converge import mirror, publication, snapshots
from reconciler.converge.instants import is_within
from reconciler.converge.letters import FOLDER, Letter
from reconciler.errors import TransientError
from reconciler.failpoints import Point, reach
from reconciler.manifest.spec import SetSummary
from reconciler.publishing import mirroring
from reconciler.publishing.status_files import StatusFiles
from reconciler.publishing.status_sink import StatusSink, unasked
from reconciler.reporting.alerts import CHANGED, NOT_PUBLISHED
from reconciler.side import one_thread
from reconciler.working_set import WorkingSet

log = logging.getLogger(__name__)

MINIMUM_INTERVAL = timedelta(seconds=15)
SNAPSHOT_INTERVAL = timedelta(minutes=10)
_LARGE = 256 * 1024
"""From this size on, in characters, a snapshot doesn't go with each push: all of it is sent."""


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
        self._made_from = StatusFiles(working_set, key=ledger_key)
        self._letters = {path for path in working_set.published if _is_letter(path)}
        self._snapshot: str | None = None
        self._snapshot_there = _if_there(working_set)
        self._snapshot_going: str | None = None
        self._snapshot_at: datetime | None = None
        self._is_snapshot_put_off = False
        self._last_push: datetime | None = None
        self._pool = executor or one_thread("publish")
        self._flight: Future[Published] | None = None
        self._going: Set[str] = set()
        self.error = ""
        self.foreign: tuple[str, ...] = ()
        """What somebody else had changed, until it is pushed anew."""
        self.before_push: Callable[[], None] = unasked
        """What must be settled before anything is pushed; called in the thread that pushes."""
        self.still_leads: Callable[[], None] = unasked
        """Asked by the sink before it moves the branch, in the same thread."""
        self._make()
        self._drop_leftovers()
        self.published_seq = 0 if self._files else working_set.last_seq

    @property
    def is_dirty(self) -> bool:
        """Whether something waits to be pushed."""
        return bool(self._files) or self._made_from.is_waiting or self._flight is not None

    def refresh(
        self,
        uids: Iterable[Uid],
        *,
        snapshot: str | None = None,
        sets: Sequence[SetSummary] | None = None,
    ) -> None:
        """Note that these executions changed; their files are made when they are to be pushed.

        ``snapshot`` is a newer one; ``sets`` are those in force, without them nothing is said of
        sets.
        """
        self._made_from.touch(uids, sets=sets)
        if snapshot is not None:
            self._snapshot = snapshot

    def _make(self) -> None:
        """Make the files of what changed, and remember those that aren't as they are there."""
        for path, data in self._made_from.make():
            self._put(path, data)

    def forget(self, uids: Iterable[Uid]) -> None:
        """Delete the files of runs that aren't told any more, while it is known whose they are."""
        for uid in uids:
            self._made_from.forget(uid)

    def leave_out(self, uids: Set[Uid]) -> None:
        """Publish the statuses of these no more, and of all others; their facts stay there."""
        self._made_from.leave_out(uids)

    def post(self, letters: Mapping[str, Letter]) -> None:
        """Publish these letters by path and no others; one is sealed anew when its mark changes."""
        if self._sealer is None:
            return
        for path, letter in letters.items():
            mark = self._sealer.mark(letter)
            if mark != self._marks.get(path, self._working_set.published.get(path)):
                self._files[path], self._marks[path] = self._sealer.seal(letter), mark
                self._letters.add(path)
        for path in sorted(self._letters - letters.keys()):
            self._letters.discard(path)
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
        self._snapshot_there = self._snapshot_at = None
        self.refresh(known.statuses, snapshot=known.snapshot)
        self._make()
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

    def _put(self, path: str, data: bytes | None) -> None:
        is_there = self._working_set.published.get(path) == _digest(data)
        if is_there and path not in self._going:  # a push under way may be about to change that
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
        self._make()
        known = self._working_set.published
        there = (path for path, data in self._files.items() if data is not None or path in known)
        return {path: mirroring.UNSURE for path in there if known.get(path) != mirroring.UNSURE}

    def flush(self, now: datetime, *, wait: bool = False) -> Published | None:
        """Push if it is time to; return what an earlier push got through, once.

        Args:
            now: The time of this pass.
            wait: Push now and wait for it (the end of ``once``).
        """
        if wait or self._is_time(now):
            self._make()
        landed = self._landed(wait=wait)
        if (
            (self._files or self._goes_alone(now))
            and self._flight is None
            and (wait or self._is_time(now))
        ):
            self._last_push = now
            going = self._take_off(now)
            landed = _besides(landed, going)
            if wait:
                landed = _both(landed, self._landed(wait=True))
        return landed

    def _is_time(self, now: datetime) -> bool:
        return self._last_push is None or not is_within(self._interval, self._last_push, now)

    def close(self) -> None:
        """Wait for a push under way and stop."""
        self._pool.shutdown(wait=True)

    def _take_off(self, now: datetime) -> Published:
        files = dict(self._files)
        head = self._made_from.head(deployment=self._deployment)
        files[mirror.HEAD_PATH] = mirror.head_file(head, key=self._key)
        self._snapshot_going = self._due_snapshot(now)
        self._is_snapshot_put_off = self._snapshot_going is None and (
            self._snapshot is not self._snapshot_there
        )
        if self._snapshot_going is not None:
            files[publication.SNAPSHOT_PATH] = self._snapshot_going.encode()
        digests = {path: self._told_apart(path, data) for path, data in files.items()}
        going = Published(digests=digests, sequence=self._working_set.last_seq)
        self._going = digests.keys()
        self._flight = self._pool.submit(self._push, files, going)
        return going

    def _due_snapshot(self, now: datetime) -> str | None:
        """Return the snapshot, if it goes with a push: a large one does so from time to time."""
        text, at = self._snapshot, self._snapshot_at
        if text is None or text is self._snapshot_there:
            return None
        may_wait = len(text) > _LARGE and at is not None and is_within(SNAPSHOT_INTERVAL, at, now)
        return None if may_wait else text

    def _goes_alone(self, now: datetime) -> bool:
        """Tell whether the snapshot is a reason to push: it was put off, and is due now.

        That another commit led to the same, or that time has passed, is no news.
        """
        due = self._due_snapshot(now) if self._is_snapshot_put_off else None
        there = self._snapshot_there or ""
        return due is not None and snapshots.content(due) != snapshots.content(there)

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
        self._flight, self._going = None, set()
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
        if self._snapshot_going is not None:
            self._snapshot_there, self._snapshot_at = self._snapshot_going, self._last_push
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


def _if_there(known: WorkingSet) -> str | None:
    """Return the stored snapshot, if it is the one on the branch."""
    text = known.snapshot
    is_there = text and known.published.get(publication.SNAPSHOT_PATH) == _digest(text.encode())
    return text if is_there else None


def _is_letter(path: str) -> bool:
    return path.startswith(f"{FOLDER}/")


def _subject(files: Mapping[str, bytes | None]) -> str:
    kinds = Counter(path.split("/", 1)[0] for path in files if not path.endswith("README.md"))
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "tables"
    return f"status: {told} changed"
