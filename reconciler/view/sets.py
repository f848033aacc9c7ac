"""A set: the executions that one manifest file holds. How many are ready, who is missing, why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    return Sets(sets=tuple(_view(key, members) for key, members in _members(documents)))


def one(documents: Iterable[Document], namespace: str, name: str) -> SetView | None:
    """Return all of a set; None if there is none of that name."""
    for key, members in _members(documents):
        if key[:2] == (namespace, name):
            lines = tuple(map(line.of, members))
            missing = tuple(one for one in lines if one.state not in _READY)
            return replace(_view(key, members), lines=lines, missing=missing)
    return None


def _members(
    documents: Iterable[Document],
) -> Iterator[tuple[tuple[str, str, str], list[Document]]]:
    """Yield (namespace, set, path) with the newest run of each name, where there are several."""
    found: defaultdict[tuple[str, str], list[Document]] = defaultdict(list)
    for document in newest(documents):
        path = document.get("source", {}).get("path", "")
        namespace, run = document["metadata"]["namespace"], document["metadata"]["run"]
        if path and not _is_gone(document) and not is_scheduled(run):
            found[namespace, path].append(document)
    taken: set[tuple[str, str]] = set()
    for namespace, path in sorted(found):
        if len(members := found[namespace, path]) > 1:
            file = PurePosixPath(path)
            # lab.yaml and lab.json may stand side by side.
            name = file.name if (namespace, file.stem) in taken else file.stem
            taken.add((namespace, name))
            yield (namespace, name, path), members


def _is_gone(document: Document) -> bool:
    return document["status"].get("reason") in _GONE


def _view(key: tuple[str, str, str], members: Sequence[Document]) -> SetView:
    """Return a set without its lines."""
    namespace, name, path = key
    states = Counter(document["status"]["phase"] for document in members)
    ready = sum(states[phase] for phase in _READY)
    return SetView(
        namespace=namespace,
        name=name,
        path=path,
        sentence=_sentence(ready, len(members), states),
        ready=ready,
        total=len(members),
    )


def _sentence(ready: int, total: int, states: Counter[str]) -> str:
    others = ", ".join(
        f"{count} {state}" for state, count in sorted(states.items()) if state not in _READY
    )
    return f"{ready} of {total} ready" + (f"; {others}" if others else "")
