"""Before anything is done: does the database know all that was done with it?

Asked at the start of each leadership, of the status branch and of the Swarm. Where the branch can't
be reached, what was last seen of it counts, and it is asked again before it is written to.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial

from reconciler.converge import continuity, mirror
from reconciler.converge.continuity import Published
from reconciler.errors import DatabaseBehind, SourceUnavailable
from reconciler.loop import Loop
from reconciler.status_sink import StatusSink

Read = Callable[[tuple[str, ...]], Mapping[str, bytes]]

log = logging.getLogger(__name__)


def verify(loop: Loop, sink: StatusSink, *, key: bytes) -> None:
    """Make sure that a loop may begin.

    Raises:
        DatabaseBehind: It may not: the database is empty, older, or another one.
        SourceUnavailable: The database is empty, and the branch can't be asked why.
        ClusterUnavailable: The Swarm can't be read whole.
    """
    known, observed = loop.working_set, loop.cluster.observe()
    begun = partial(
        continuity.breach,
        {entry.seq: entry for entries in known.entries.values() for entry in entries},
        last_seq=known.last_seq,
        epoch=loop.lease.epoch,
        observed=observed,
    )

    def check(read: Read) -> None:
        if told := begun(published=_published(read, key=key, is_empty=not known.last_seq)):
            raise DatabaseBehind(told)

    try:
        check(sink.read)
    except SourceUnavailable as error:
        if not known.last_seq:
            raise
        log.warning("the status branch can't be asked", extra={"error": str(error)})
        check(sink.read_last)
        loop.publisher.before_push = _Once(lambda: check(sink.read))


def _published(read: Read, *, key: bytes, is_empty: bool) -> Published:
    """Return what is published; where the database knows nothing, a single file of a run counts."""
    data = read((mirror.HEAD_PATH,)).get(mirror.HEAD_PATH)
    head = mirror.read_head_file(data, key=key) if data is not None else None
    is_there = data is not None or (is_empty and bool(read((mirror.FOLDER,))))
    return Published(head=head, is_there=is_there)


class _Once:
    """A check that is made until it succeeds, and then no more."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check: Callable[[], None] | None = check

    def __call__(self) -> None:
        """Make it, if it hasn't succeeded yet."""
        if self._check is not None:
            self._check()
            self._check = None
