"""Which of a name's runs stands for it, by the status documents alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.converge.runs import SCHEDULE, is_scheduled


def rank(document: Mapping[str, Any]) -> tuple[bool, bool, int]:
    """Return by what the newest of a name's runs is found.

    A schedule counts as run 0: while it is in force it outranks what the name ran before. Where a
    name went from one source to another, each counts its runs by itself: so what goes on
    outranks what has ended.
    """
    run, goes_on = document["metadata"]["run"], "endedAt" not in document["status"]
    return (run == SCHEDULE and goes_on, goes_on, run)


def newest(documents: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the newest run of each name, and before it the schedule where it has one."""
    found: dict[tuple[str, str, bool], Mapping[str, Any]] = {}
    for document in documents:
        metadata = document["metadata"]
        key = (metadata["namespace"], metadata["name"], is_scheduled(metadata["run"]))
        if key not in found or rank(found[key]) < rank(document):
            found[key] = document
    return [found[key] for key in sorted(found)]
