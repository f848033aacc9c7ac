"""What policy knows of a namespace: its quota, its weight, and what it used lately."""

from __future__ import annotations

from dataclasses import dataclass

Amounts = tuple[tuple[str, int], ...]
"""Bounds by dimension, sorted: ``cpu`` in milli-CPUs, ``memory`` in bytes, generic resources in
pieces. A dimension that isn't named isn't bounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a namespace had reserved lately, the older the less: halved every half-life.

    ``amounts`` are (dimension, amount times milliseconds) as of ``as_of_ms``.
    """

    as_of_ms: int = 0
    amounts: Amounts = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A namespace as an owner of capacity.

    It may always have ``guaranteed``; beyond that it borrows what its ``cohort`` leaves idle
    (namespaces of one name lend to each other what they are guaranteed; without a cohort it
    borrows whatever is free), never more than ``maximum``. ``maximum_executions`` of 0 means no
    bound. A namespace of weight 2 may use twice as much as one of weight 1 before it counts as
    having used as much.
    """

    name: str
    weight: int = 1
    cohort: str = ""
    guaranteed: Amounts = ()
    maximum: Amounts = ()
    maximum_executions: int = 0
    usage: Usage = Usage()
