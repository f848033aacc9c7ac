"""Namespace documents to what they set: members, who owns the workspace, and the quota."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from policy.model.tenant import Amounts
from reconciler.manifest import quantities
from reconciler.manifest.build import Builder, bound
from reconciler.manifest.diagnostic import Complaint, Path, Problem, quoted
from reconciler.manifest.members import build_members
from reconciler.manifest.platform import Namespace
from reconciler.manifest.quantities import cpus_text, memory_text
from reconciler.manifest.rules import LEAST_MEMORY_BYTES

_SPEC: Path = ("spec",)
# What policy calls the dimensions that have a key of their own here.
_KEYS = {"cpu": "cpus", "memory": "memory"}
_TAKEN = frozenset({*_KEYS, *_KEYS.values()})


def build_namespace(document: Mapping[str, Any], builder: Builder) -> Namespace:
    """Return what a valid Namespace document sets; problems are left in ``builder``."""
    spec = document.get("spec", {})
    return replace(
        build_terms(document["metadata"]["name"], spec, builder, _SPEC),
        uid=spec.get("uid", 1000),
        gid=spec.get("gid", 1000),
        secrets=tuple(spec.get("secrets", ())),
        members=build_members(spec.get("members", ()), builder, (*_SPEC, "members")),
    )


def build_terms(name: str, spec: Mapping[str, Any], builder: Builder, path: Path) -> Namespace:
    """Return a namespace with what may be said for many at once: its share, its quota, its page."""
    quota, place = spec.get("quota", {}), (*path, "quota")
    namespace = Namespace(
        name=name,
        weight=spec.get("weight", 1),
        cohort=spec.get("cohort", ""),
        guaranteed=_amounts(quota.get("guaranteed", {}), builder, (*place, "guaranteed")),
        maximum=_amounts(quota.get("maximum", {}), builder, (*place, "maximum")),
        maximum_executions=quota.get("executions", 0),
        maximum_lifetime_ms=bound(quota, "lifetime", builder, place),
        shows_logs=spec.get("page", {}).get("logs", False),
        sources=tuple(spec.get("sources", ())),
        gateway_http=spec.get("gateway", {}).get("http", True),
        gateway_socks=spec.get("gateway", {}).get("socks", True),
    )
    builder.problems += _check_quota(namespace, place)
    return namespace


def _amounts(value: Mapping[str, Any], builder: Builder, path: Path) -> Amounts:
    """Return the dimensions that are named, those of 0 too: a bound of 0 isn't no bound."""
    amounts: dict[str, int | None] = {}
    for name, count in value.get("generic", {}).items():
        if name in _TAKEN:
            message = f"{quoted(name)} isn't a generic resource"
            complaint = Complaint("BadValue", message, "write it beside generic")
            builder.problems.append(complaint.at((*path, "generic", name), at_key=True))
        else:
            amounts[name] = count
    if "cpus" in value:
        place = (*path, "cpus")
        amounts["cpu"] = builder.measured(quantities.cpu_millis, value["cpus"], place, None)
    if "memory" in value:
        place = (*path, "memory")
        amounts["memory"] = builder.measured(quantities.memory_bytes, value["memory"], place, None)
    # What can't be read is told by itself, and compared with nothing.
    return tuple(sorted((name, count) for name, count in amounts.items() if count is not None))


def _check_quota(namespace: Namespace, quota: Path) -> Iterator[Problem]:
    maximum = dict(namespace.maximum)
    for name, amount in namespace.guaranteed:
        if name in maximum and amount > maximum[name]:
            message = f"{_text(name, amount)} is more than the maximum {_text(name, maximum[name])}"
            remedy = f"write {_text(name, maximum[name])} or less, or raise the maximum"
            complaint = Complaint("ImpossibleQuota", message, remedy)
            yield complaint.at(_place(quota, "guaranteed", name))
    for name, least in (("cpu", 1), ("memory", LEAST_MEMORY_BYTES)):
        if maximum.get(name, least) < least:
            message = f"nothing could ever run with {_text(name, maximum[name])}"
            remedy = "write more, or leave it out for no bound"
            yield Complaint("ImpossibleQuota", message, remedy).at(_place(quota, "maximum", name))


def _place(quota: Path, part: str, name: str) -> Path:
    inner = (_KEYS[name],) if name in _KEYS else ("generic", name)
    return (*quota, part, *inner)


def _text(name: str, amount: int) -> str:
    match name:
        case "cpu":
            return cpus_text(amount)
        case "memory":
            return memory_text(amount)
        case _:
            return str(amount)
