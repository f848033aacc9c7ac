"""A set: the executions that one manifest file holds. How many are ready, who is missing, why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from reconciler.converge.ledger import EndReason
from reconciler.converge.newest import newest
from reconciler.converge.runs import is_scheduled
from reconciler.converge.status import Phase
from reconciler.view import line
from reconciler.view.line import Line

Document = Mapping[str, Any]

_READY = frozenset({Phase.RUNNING, Phase.SUCCEEDED, Phase.SCHEDULED})
# What left the file, or made room for a higher run, isn't asked for any more.
_GONE = frozenset({EndReason.DELETED, EndReason.SUPERSEDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class SetView:
    """``sentence``: ``23 of 25 ready``. ``missing`` are those that aren't, with why in each."""

    namespace: str
    name: str
    path: str
    sentence: str
    ready: int
    total: int
    missing: tuple[Line, ...] = ()
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sets:
    """All sets, by namespace and name, without their lines."""

    sets: tuple[SetView, ...] = ()


def of(documents: Iterable[Document]) -> Sets:
    """Return all sets among the executions that are asked for, in brief.

    ``documents`` are the statuses of all runs (``Picture.documents``).
    """
    found = (_view(key, members) for key, members in _members(documents))
    return Sets(sets=tuple(replace(view, missing=(), lines=()) for view in found))


def one(documents: Iterable[Document], namespace: str, name: str) -> SetView | None:
    """Return all of a set; None if there is none of that name."""
    for key, members in _members(documents):
        if key[:2] == (namespace, name):
            return _view(key, members)
    return None


def _members(
    documents: Iterable[Document],
) -> Iterable[tuple[tuple[str, str, str], list[Document]]]:
    """Yield (namespace, set, path) with the newest run of each name, where there are several."""
    found: defaultdict[tuple[str, str, str], list[Document]] = defaultdict(list)
    for document in newest(documents):
        path = document.get("source", {}).get("path", "")
        namespace, run = document["metadata"]["namespace"], document["metadata"]["run"]
        if path and not _is_gone(document) and not is_scheduled(run):
            found[namespace, PurePosixPath(path).stem, path].append(document)
    return ((key, found[key]) for key in sorted(found) if len(found[key]) > 1)


def _is_gone(document: Document) -> bool:
    return document["status"].get("reason") in _GONE


def _view(key: tuple[str, str, str], members: Sequence[Document]) -> SetView:
    namespace, name, path = key
    lines = tuple(map(line.of, members))
    missing = tuple(one for one in lines if one.state not in _READY)
    ready = len(lines) - len(missing)
    return SetView(
        namespace=namespace,
        name=name,
        path=path,
        sentence=_sentence(ready, len(lines), missing),
        ready=ready,
        total=len(lines),
        missing=missing,
        lines=lines,
    )


def _sentence(ready: int, total: int, missing: Sequence[Line]) -> str:
    states = Counter(one.state for one in missing)
    others = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    return f"{ready} of {total} ready" + (f"; {others}" if others else "")
