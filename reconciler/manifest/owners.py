"""Platform and Namespace documents to what they set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from policy.model.resources import Resources
from policy.settings import Policy
from reconciler.manifest import quantities
from reconciler.manifest.build import Builder, constraints
from reconciler.manifest.diagnostic import Complaint, Path, Problem
from reconciler.manifest.spec import Namespace, Platform, PriorityClass

_DEFAULT = Platform()


def build_platform(document: Mapping[str, Any], builder: Builder) -> Platform:
    """Return what a valid Platform document sets; problems are left in ``builder``."""
    spec = document.get("spec", {})
    images, caps, defaults = (spec.get(part, {}) for part in ("images", "caps", "defaults"))
    baseline = spec.get("security", {}).get("baseline", {})
    classes = spec.get("priorityClasses")
    return Platform(
        policy=replace(_DEFAULT.policy, policy=Policy(spec.get("policy", "fifo"))),
        headroom=builder.resources(spec.get("headroom", {}), ("spec", "headroom")),
        node_selector=constraints(spec.get("nodes", {}).get("selector", ())),
        priority_classes=_DEFAULT.priority_classes if classes is None else _classes(classes),
        default_reservations=_reservations(defaults.get("reservations", {}), builder),
        default_lifetime_ms=_duration(defaults, "lifetime", ("spec", "defaults"), builder),
        maximum_lifetime_ms=_duration(caps, "lifetime", ("spec", "caps"), builder),
        maximum_replicas=caps.get("replicas", _DEFAULT.maximum_replicas),
        image_allow=tuple(images.get("allow", ())),
        image_rewrite=tuple(sorted(images.get("rewrite", {}).items())),
        baseline_zapps=tuple(baseline.get("zapps", ())),
        baseline_images=tuple(baseline.get("images", ())),
        published_ports=_published(spec.get("ports", {}).get("published"), builder),
        start_timeout_ms=_duration(spec, "startTimeout", ("spec",), builder)
        or _DEFAULT.start_timeout_ms,
        suspend=spec.get("suspend", False),
    )


def _classes(value: Mapping[str, int]) -> tuple[PriorityClass, ...]:
    ordered = sorted(value.items(), key=lambda item: (item[1], item[0]))
    return tuple(PriorityClass(name=name, value=rank) for name, rank in ordered)


def _reservations(value: Mapping[str, Any], builder: Builder) -> Resources:
    given = builder.resources(value, ("spec", "defaults", "reservations"))
    default = _DEFAULT.default_reservations
    return Resources.of(
        cpu_millis=given.cpu_millis or default.cpu_millis,
        memory_bytes=given.memory_bytes or default.memory_bytes,
    )


def _duration(value: Mapping[str, Any], key: str, path: Path, builder: Builder) -> int | None:
    if key not in value:
        return None
    return builder.measured(quantities.duration_ms, value[key], (*path, key), 0) or None


def _published(value: Mapping[str, int] | None, builder: Builder) -> tuple[int, int]:
    if value is None:
        return (0, 0)
    if value["first"] > value["last"]:
        complaint = Complaint("BadRange", "first is more than last", "swap the two")
        builder.problems.append(complaint.at(("spec", "ports", "published", "first")))
    return (value["first"], value["last"])


def build_namespace(document: Mapping[str, Any]) -> Namespace:
    """Return what a valid Namespace document sets."""
    spec = document.get("spec", {})
    return Namespace(
        name=document["metadata"]["name"],
        uid=spec.get("uid", 1000),
        gid=spec.get("gid", 1000),
        secrets=tuple(spec.get("secrets", ())),
    )


def check_priorities(platform: Platform) -> list[Problem]:
    """Return a problem if the class that manifests get by default isn't among the classes."""
    if any(entry.name == "normal" for entry in platform.priority_classes):
        return []
    complaint = Complaint("MissingKey", "the class normal is missing", "add normal: 0")
    return [complaint.at(("spec", "priorityClasses"), at_key=True)]
