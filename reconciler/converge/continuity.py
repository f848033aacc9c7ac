"""Is this database the one that the world was made from, and all of it?

A database that is empty, or was restored from a backup, knows less than what was done with it: what
has run would run again, and what runs would be nobody's. What was published and what is there tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.converge.ledger import Entry
from reconciler.converge.mirror import Head
from reconciler.converge.state import LABEL_EPOCH, LABEL_UID, ObservedState

REMEDY = "nothing is changed until: zoe rebuild"
DIVERGED = (
    "nothing is changed until database_url names the right one, or an empty one and: zoe rebuild"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What the status branch has of the ledger.

    ``head`` is None where there is none, or it isn't ours (``is_there`` tells the two apart).
    """

    head: Head | None = None
    is_there: bool = False


def breach(
    facts: Mapping[int, Entry],
    *,
    last_seq: int,
    epoch: int,
    published: Published,
    observed: ObservedState,
) -> str:
    """Return why a database can't be trusted to know all that was done, or "".

    Args:
        facts: Its facts by number; those of runs that aren't told any more may be missing.
        last_seq: The number of its newest fact; 0 where it has none.
        epoch: That of the lease, which was just taken.
        published: What the status branch has, as far as that could be read.
        observed: What the Swarm has.
    """
    if not last_seq:
        return _empty(published, observed)
    head = published.head
    if head is not None and head.seq > last_seq:
        return (
            f"the database ends at fact {last_seq}, the status branch at {head.seq}: it is older "
            f"than what was done with it (restored from a backup?); {REMEDY}"
        )
    if head is not None and head.last is not None and facts.get(head.seq, head.last) != head.last:
        return (
            f"fact {head.seq} of the database isn't the one on the status branch: it is another "
            f"database, or one that was restored and went on; {DIVERGED}"
        )
    newest = newest_epoch(observed)
    if newest > epoch:
        return (
            f"services of the Swarm were made under epoch {newest}, the database is at {epoch}: it "
            f"is older than what was done with it (restored from a backup?); {REMEDY}"
        )
    return ""


def _empty(published: Published, observed: ObservedState) -> str:
    ours = sum(LABEL_UID in service.spec.labels for service in observed.services)
    if ours:
        return (
            f"the database is empty, but the Swarm has {ours} services of this deployment; {REMEDY}"
        )
    if published.is_there:
        return f"the database is empty, but the status branch holds a ledger; {REMEDY}"
    return ""


def newest_epoch(observed: ObservedState) -> int:
    """Return the highest epoch under which a service of an execution was made.

    Networks and files may have been left by an installation that is gone for good.
    """
    labelled = (service.spec.labels for service in observed.services)
    return max(_epochs(labels for labels in labelled if LABEL_UID in labels), default=0)


def _epochs(labels: Iterable[Mapping[str, str]]) -> Iterable[int]:
    texts = (told.get(LABEL_EPOCH, "") for told in labels)
    return (int(text) for text in texts if text.isdecimal() and text.isascii())
