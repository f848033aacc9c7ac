"""What is red: the things that somebody must look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.view import answer, freshness, line
from reconciler.view.cluster import ClusterView
from reconciler.view.picture import Document, Picture, of_states

LATELY = timedelta(hours=24)
_STUCK = frozenset({"ActionFailed", "NameConflict"})
_SETTLED = frozenset({"Succeeded", "Failed", "Stopped", "Invalid"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that somebody must look at. ``name`` is NAMESPACE/NAME, "" where it is no one's.

    ``place`` is FILE:LINE of an invalid manifest. ``kind``: invalid, failed, stuck, held, node,
    source, platform, or loop. ``code`` is the reason, where it has one (docs/reasons.md).
    """

    kind: str
    told: str
    name: str = ""
    place: str = ""
    since: datetime | None = None
    code: str = ""


_OF_ALL = frozenset({"loop", "source", "platform", "node"})


def of(
    picture: Picture,
    found: Mapping[str, Sequence[Document]],
    *,
    cluster: ClusterView | None,
    now: datetime,
) -> Iterator[Alert]:
    """Yield what somebody must look at, the worst for all first.

    ``found`` are the status documents that are asked about, the newest run of each name, by state.
    """
    if told := freshness.of(picture, now=now).told:
        yield Alert(kind="loop", told=told)
    elif picture.pulse is not None and _is_news(picture.pulse.problem, picture.board.alerts):
        yield Alert(kind="source", told=picture.pulse.problem, since=picture.pulse.at)
    yield from map(_standing, picture.board.alerts)
    yield from _invalid(picture, found.get("Invalid", ()))
    yield from map(_failed, lately(of_states(found, "Failed", "Unknown"), now))
    for document in of_states(found, *sorted(found.keys() - _SETTLED)):
        yield from _conditions(document)
    for hostname in cluster.down if cluster else ():
        told = f"node {hostname} is down"
        if not any(one["message"].startswith(told) for one in picture.board.alerts):
            yield Alert(kind="node", told=told)


def of_all(found: Iterable[Alert]) -> tuple[Alert, ...]:
    """Return those that concern no single execution."""
    return tuple(alert for alert in found if alert.kind in _OF_ALL)


def _is_news(problem: str, standing: Iterable[Mapping[str, Any]]) -> bool:
    return bool(problem) and not any(told["message"] in problem for told in standing)


def _standing(told: Mapping[str, Any]) -> Alert:
    since = datetime.fromisoformat(told["since"])
    kind = told.get("kind", "platform")  # an older version wrote none
    return Alert(kind=kind, told=told["message"], since=since, code=told["reason"])


def _invalid(picture: Picture, invalid: Sequence[Document]) -> Iterator[Alert]:
    """Yield the errors of the accepted commit; what else is known to be invalid, by its status."""
    told: set[str] = set()
    broken = {line.of_name(document): document for document in invalid}
    for problem in picture.board.problems:
        if problem.get("severity", "error") != "error":
            continue
        place = f"{problem['path']}:{problem['line']}"
        about = [n for n, d in broken.items() if _message(d).startswith(f"{problem['path']}:")]
        told |= set(about)
        remedy = problem.get("remedy", "")
        words = problem["message"] + (f": {remedy}" if remedy else "")
        yield Alert(kind="invalid", told=words, place=place, name=about[0] if about else "")
    for name in sorted(broken.keys() - told):
        message = _message(broken[name]) or "its manifest has errors"
        yield Alert(kind="invalid", told=message, name=name)


def _failed(document: Document) -> Alert:
    own = line.of(document)
    told = answer.of(answer.Told(line=own, status=document["status"]))
    return Alert(kind="failed", told=told.why, name=own.full_name, since=own.ended_at)


def _conditions(document: Document) -> Iterator[Alert]:
    """Yield what isn't carried out although Git asks for it, and what the engine refuses."""
    for condition in document["status"].get("conditions", ()):
        kind, reason = condition["type"], condition["reason"]
        is_stuck = kind == "Reconciling" and reason in _STUCK
        if condition["status"] == "True" and (kind == "Held" or is_stuck):
            yield Alert(
                kind="stuck" if is_stuck else "held",
                told=condition.get("message") or "something that Git asks for isn't carried out",
                name=line.of_name(document),
                since=line.time(condition, "lastTransitionTime"),
                code=reason,
            )


def lately(found: Iterable[Document], now: datetime) -> Iterator[Document]:
    """Yield those that ended lately, or haven't."""
    since = (now - LATELY).astimezone(UTC).isoformat(timespec="seconds")
    for document in found:
        if document["status"].get("endedAt", since) >= since:  # both in UTC, so as text
            yield document


def _message(document: Document) -> str:
    return str(document["status"].get("message", ""))
