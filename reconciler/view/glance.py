"""The first page: one sentence, what is red, who runs, who waits, what ended lately."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciler.view import alerts, freshness, line
from reconciler.view.alerts import Alert as Alert
from reconciler.view.cluster import ClusterView, percent
from reconciler.view.freshness import Freshness as Freshness
from reconciler.view.labels import Selector
from reconciler.view.line import Line
from reconciler.view.listing import admitting, states
from reconciler.view.picture import Document, Picture
from reconciler.view.words import instant

MOST = 20
LAST = 10**9
_RUNNING = frozenset({"Running", "Starting", "Terminating"})
_WAITING = frozenset({"Queued", "Pending"})
_ENDED = frozenset({"Succeeded", "Failed", "Stopped"})
_SCHEDULED = frozenset({"Scheduled"})


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
    found = list(filter(admitting(selector), picture.newest)) if selector else picture.newest
    red = list(alerts.of(picture, found, cluster=cluster, now=now))
    lists: Mapping[str, list[Document]] = {
        "running": _in_state(found, _RUNNING, _begun, reverse=True),
        "waiting": _in_state(found, _WAITING, _turn),
        "ended": _in_state(alerts.lately(found, now), _ENDED, _ended, reverse=True),
        "scheduled": _in_state(found, _SCHEDULED, _due),
    }
    whole: Mapping[str, Sequence[object]] = {**lists, "alerts": red}
    counts = states(found)
    return Glance(
        sentence=_sentence(picture, counts, cluster),
        freshness=freshness.of(picture, now=now),
        alerts=tuple(red[:MOST]),
        running=_lines(lists["running"]),
        waiting=_lines(lists["waiting"]),
        ended=_lines(lists["ended"]),
        scheduled=_lines(lists["scheduled"]),
        states=counts,
        more={name: len(all_) - MOST for name, all_ in whole.items() if len(all_) > MOST},
    )


def _sentence(picture: Picture, counts: Mapping[str, int], cluster: ClusterView | None) -> str:
    running = sum(counts.get(state, 0) for state in _RUNNING)
    waiting = sum(counts.get(state, 0) for state in _WAITING)
    told = [f"{running} running", f"{waiting} waiting"]
    invalid = counts.get("Invalid", 0)
    told += [f"{invalid} invalid"] if invalid else []
    said = [", ".join(told)]
    if cluster is not None and cluster.cpu.capacity:
        said.append(f"{percent(cluster.cpu)} % of the CPUs are reserved")
    if (pulse := picture.pulse) is not None:
        at = f"at commit {pulse.commit[:7]}, " if pulse.commit else ""
        said.append(f"{at}looked at {instant(pulse.at)}")
    return "; ".join(said)


def _lines(documents: Sequence[Document]) -> tuple[Line, ...]:
    return tuple(map(line.of, documents[:MOST]))


def _in_state(
    found: Iterable[Document],
    wanted: frozenset[str],
    key: Callable[[Mapping[str, Any]], tuple[int, str]],
    *,
    reverse: bool = False,
) -> list[Document]:
    mine = [document for document in found if document["status"]["phase"] in wanted]
    mine.sort(key=lambda document: key(document["status"]), reverse=reverse)
    return mine


def _begun(status: Mapping[str, Any]) -> tuple[int, str]:
    return 0, status.get("startedAt") or status.get("queuedAt") or ""


def _turn(status: Mapping[str, Any]) -> tuple[int, str]:
    """Who has a place in the queue comes first, then who came first."""
    return status.get("position") or LAST, status.get("queuedAt", "")


def _ended(status: Mapping[str, Any]) -> tuple[int, str]:
    return 0, status.get("endedAt", "")


def _due(status: Mapping[str, Any]) -> tuple[int, str]:
    return int("nextRunAt" not in status), status.get("nextRunAt", "")
