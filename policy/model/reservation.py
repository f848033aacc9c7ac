"""Capacity that the calendar keeps for somebody."""

from __future__ import annotations

from dataclasses import dataclass

from policy.model.execution import Constraint
from policy.model.resources import NOTHING, Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """One window of a reservation, from ``starts_ms`` to before ``ends_ms`` (since the epoch).

    It keeps ``slots`` times ``slot``, each slot whole on one node that meets ``constraints``; or,
    with no slots, those nodes altogether. Executions that name it may use it, if their namespace
    is among ``namespaces`` (empty = any).
    """

    name: str
    starts_ms: int
    ends_ms: int
    slots: int = 0
    slot: Resources = NOTHING
    constraints: tuple[Constraint, ...] = ()
    namespaces: frozenset[str] = frozenset()
