"""A set: the executions that one manifest file holds. How many are ready, who is missing, why."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.view.line import Line


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
