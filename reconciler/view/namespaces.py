"""A namespace: what it may use, what it uses, what it used lately, who belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.view.line import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """One dimension: ``used`` now, ``guaranteed`` and ``maximum`` (None: not bounded).

    CPU in thousandths, memory in bytes, generic resources in pieces.
    """

    dimension: str
    used: int
    guaranteed: int | None = None
    maximum: int | None = None
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceView:
    """``share`` is what it used of the cluster lately, as the policy counts it, in a sentence."""

    name: str
    states: Mapping[str, int]
    weight: int = 1
    cohort: str = ""
    maximum_executions: int = 0
    quotas: tuple[Quota, ...] = ()
    share: str = ""
    workspace: str = ""
    members: tuple[str, ...] = ()
    shows_logs: bool = False
    lines: tuple[Line, ...] = ()
    more: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespaces:
    """All of them, by name, without their executions."""

    namespaces: tuple[NamespaceView, ...] = ()
