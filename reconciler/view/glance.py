"""The first page: one sentence, what is red, who runs, who waits, what ended lately."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nlargest, nsmallest

from reconciler.view import alerts, freshness, line
from reconciler.view.alerts import Alert as Alert
from reconciler.view.cluster import ClusterView, percent
from reconciler.view.freshness import Freshness as Freshness
from reconciler.view.labels import Selector
from reconciler.view.line import Line
from reconciler.view.listing import admitting
from reconciler.view.picture import Document, Picture, by_state, of_states

MOST = 20
LAST = 10**9
_RUNNING = ("Running", "Starting", "Terminating")
_WAITING = ("Queued", "Pending")
_ENDED = ("Succeeded", "Failed", "Stopped")
_SCHEDULED = ("Scheduled",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """``more`` counts what each list leaves out, by its name."""

    sentence: str
    freshness: Freshness
    alerts: tuple[Alert, ...] = ()
    running: tuple[Line, ...] = ()
    waiting: tuple[Line, ...] = ()
    ended: tuple[Line, ...] = ()
    scheduled: tuple[Line, ...] = ()
    states: Mapping[str, int]
    more: Mapping[str, int]


def of(
    picture: Picture,
    *,
    now: datetime,
    cluster: ClusterView | None = None,
    selector: Selector = (),
) -> Glance:
    """Return the first page: of everything, or of those whose labels meet a selector.

    ``cluster`` is None where it hasn't been worked out yet: nothing is said of it then.
    """
    found = picture.by_state
    if selector:
        found = by_state(filter(admitting(selector), picture.newest))
    red = list(alerts.of(picture, found, cluster=cluster, now=now))
    lists: Mapping[str, list[Document]] = {
        "running": of_states(found, *_RUNNING),
        "waiting": of_states(found, *_WAITING),
        "ended": list(alerts.lately(of_states(found, *_ENDED), now)),
        "scheduled": of_states(found, *_SCHEDULED),
    }
    whole: Mapping[str, Sequence[object]] = {**lists, "alerts": red}
    counts = {state: len(documents) for state, documents in found.items()}
    return Glance(
        sentence=_sentence(counts, cluster),
        freshness=freshness.of(picture, now=now),
        alerts=tuple(red[:MOST]),
        running=_lines(nlargest(MOST, lists["running"], key=_begun)),
        waiting=_lines(nsmallest(MOST, lists["waiting"], key=_turn)),
        ended=_lines(nlargest(MOST, lists["ended"], key=_ended)),
        scheduled=_lines(nsmallest(MOST, lists["scheduled"], key=_due)),
        states=counts,
        more={name: len(all_) - MOST for name, all_ in whole.items() if len(all_) > MOST},
    )


def _sentence(counts: Mapping[str, int], cluster: ClusterView | None) -> str:
    running = sum(counts.get(state, 0) for state in _RUNNING)
    waiting = sum(counts.get(state, 0) for state in _WAITING)
    told = [f"{running} running", f"{waiting} waiting"]
    invalid = counts.get("Invalid", 0)
    told += [f"{invalid} invalid"] if invalid else []
    said = [", ".join(told)]
    if cluster is not None and cluster.cpu.capacity:
        said.append(f"{percent(cluster.cpu)} % of the CPUs are reserved")
    return "; ".join(said)


def _lines(documents: Iterable[Document]) -> tuple[Line, ...]:
    return tuple(map(line.of, documents))


def _begun(document: Document) -> str:
    """The newest start first; times are UTC, so they compare as text."""
    return str(document["status"].get("startedAt", document["status"].get("queuedAt", "")))


def _turn(document: Document) -> tuple[int, str]:
    """Who has a place in the queue comes first, then who came first."""
    status = document["status"]
    return status.get("position") or LAST, status.get("queuedAt", "")


def _ended(document: Document) -> str:
    return str(document["status"].get("endedAt", ""))


def _due(document: Document) -> tuple[bool, str]:
    status = document["status"]
    return "nextRunAt" not in status, status.get("nextRunAt", "")
