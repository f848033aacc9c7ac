"""What may be written in a manifest, and which rules are in force: named as in platform.yaml."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from policy.model.resources import format_amount
from policy.settings import Policy
from policy.standing import RULES
from reconciler.manifest.policies import USED_BY
from reconciler.manifest.quantities import duration_text
from reconciler.reporting.records import Board
from reconciler.view.recurrence import words
from reconciler.view.schema_tables import KindView, kinds
from reconciler.view.words import instant

_POLICY = "policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """A rule in force: what it is called, its value, what that means."""

    name: str
    value: str
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The contract of manifests, and the policy of the accepted commit."""

    kinds: tuple[KindView, ...]
    policy: str
    rule: str
    rules: tuple[RuleLine, ...] = ()


def of(board: Board) -> Reference:
    """Return the contract of manifests with the rules in force (``Picture.board``).

    Before a first commit is accepted there are no rules: ``policy`` is "".
    """
    platform = board.platform
    settings = platform.get(_POLICY) or {}
    name = settings.get(_POLICY, "")
    policy = Policy(name) if name in list(Policy) else None
    return Reference(
        kinds=kinds(),
        policy=name,
        rule="" if policy is None else RULES[policy],
        rules=tuple(_lines(platform, settings, policy)),
    )


def _lines(
    platform: Mapping[str, Any], settings: Mapping[str, Any], policy: Policy | None
) -> Iterator[RuleLine]:
    told = _descriptions()
    for field, (name, write) in _SETTINGS.items():
        if settings.get(field) is not None and policy in USED_BY[name]:
            path = f"policy.{name}"
            yield RuleLine(name=path, value=write(settings[field]), told=told.get(path, ""))
    for field, (name, write) in _PLATFORM.items():
        if field in platform and (value := write(platform[field])):
            yield RuleLine(name=name, value=value, told=told.get(name, ""))


def _descriptions() -> Mapping[str, str]:
    """Return what platform.yaml's fields mean, by their path in its spec."""
    (platform,) = (kind for kind in kinds() if kind.kind == "Platform")
    return {line.path.removeprefix("spec."): line.told for line in platform.fields}


def _per_cent(permille: int) -> str:
    return f"{permille // 10} %"


def _yes(value: bool) -> str:
    return "true" if value else "false"


def _duration(amount_ms: int | None) -> str:
    return "none" if amount_ms is None else duration_text(amount_ms)


def _amounts(amounts: Mapping[str, int]) -> str:
    return ", ".join(format_amount(name, n) for name, n in amounts.items() if n) or "nothing"


def _priorities(classes: list[Mapping[str, Any]]) -> str:
    """Return the classes, the highest first: ``high 10, filler -100 (filler)``."""
    ordered = sorted(classes, key=lambda one: (-one["value"], one["name"]))
    return ", ".join(f"{one['name']} {one['value']}{_giving_way(one)}" for one in ordered)


def _giving_way(one: Mapping[str, Any]) -> str:
    if one.get("filler"):
        return " (filler)"
    return " (preemptible)" if one.get("preemptible") else ""


def _ports(ports: list[int]) -> str:
    return f"{ports[0]} to {ports[1]}" if any(ports) else "none"


def _windows(windows: list[Mapping[str, Any]]) -> str:
    return "; ".join(map(_window, windows)) or "always"


def _window(window: Mapping[str, Any]) -> str:
    length = duration_text(window["durationMs"])
    if window.get("start"):
        return f"{instant(datetime.fromisoformat(window['start']))} for {length}"
    return f"{words(window['cron'], window.get('timezone') or 'UTC')}, for {length}"


_Write = Callable[[Any], str]

_SETTINGS: Mapping[str, tuple[str, _Write]] = {
    "ageing_ms": ("ageing", _duration),
    "interactive_permille": ("interactiveShare", _per_cent),
    "half_life_ms": ("halfLife", _duration),
    "entry_penalty_ms": ("entryPenalty", _duration),
    "size": ("size", str),
    "dimensions": ("dimensions", str),
    "preempts_elastic": ("preemptElastic", _yes),
    "score": ("score", str),
    "grant_ms": ("minimumGrant", _duration),
    "regrow_ms": ("regrowAfter", _duration),
    "slack_permille": ("slack", _per_cent),
    "gain_permille": ("minimumGain", _per_cent),
    "reservation_lead_ms": ("reservationLead", _duration),
    "backfill_depth": ("backfillDepth", str),
}
"""What is called how in platform.yaml, and how it is written there."""

_PLATFORM: Mapping[str, tuple[str, _Write]] = {
    "suspend": ("suspend", _yes),
    "priorities": ("priorityClasses", _priorities),
    "headroom": ("headroom", _amounts),
    "defaultReservations": ("defaults.reservations", _amounts),
    "defaultLifetimeMs": ("defaults.lifetime", _duration),
    "maximumLifetimeMs": ("caps.lifetime", _duration),
    "maximumReplicas": ("caps.replicas", str),
    "publishedPorts": ("ports.published", _ports),
    "startTimeoutMs": ("startTimeout", _duration),
    "changeWindows": ("changeWindows", _windows),
    "requiresSignatures": ("trust.signatures", lambda it: "required" if it else "optional"),
}
