"""Platform documents to what they set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policy.model.resources import Resources
from reconciler.manifest.build import Builder, bound, constraints
from reconciler.manifest.diagnostic import Complaint, Problem
from reconciler.manifest.members import build_trust
from reconciler.manifest.namespace_defaults import build_defaults
from reconciler.manifest.notify import build_targets
from reconciler.manifest.platform import Platform, PriorityClass
from reconciler.manifest.policies import build_policy
from reconciler.manifest.windows import build_window

_DEFAULT = Platform()
_FILLER = "filler"


def build_platform(document: Mapping[str, Any], builder: Builder) -> Platform:
    """Return what a valid Platform document sets; problems are left in ``builder``."""
    spec = document.get("spec", {})
    images, caps, defaults = (spec.get(part, {}) for part in ("images", "caps", "defaults"))
    baseline = spec.get("security", {}).get("baseline", {})
    return Platform(
        policy=build_policy(spec.get("policy", {}), builder),
        headroom=builder.resources(spec.get("headroom", {}), ("spec", "headroom")),
        node_selector=constraints(spec.get("nodes", {}).get("selector", ())),
        priority_classes=_classes(spec.get("priorityClasses"), builder),
        default_reservations=_reservations(defaults.get("reservations", {}), builder),
        default_lifetime_ms=bound(defaults, "lifetime", builder, ("spec", "defaults")),
        maximum_lifetime_ms=bound(caps, "lifetime", builder, ("spec", "caps")),
        maximum_replicas=caps.get("replicas", _DEFAULT.maximum_replicas),
        image_allow=tuple(images.get("allow", ())),
        image_rewrite=tuple(sorted(images.get("rewrite", {}).items())),
        baseline_zapps=tuple(baseline.get("zapps", ())),
        baseline_images=tuple(baseline.get("images", ())),
        published_ports=_published(spec.get("ports", {}).get("published"), builder),
        start_timeout_ms=bound(spec, "startTimeout", builder, ("spec",))
        or _DEFAULT.start_timeout_ms,
        suspend=spec.get("suspend", False),
        change_windows=tuple(
            build_window(window, builder, ("spec", "changeWindows", index))
            for index, window in enumerate(spec.get("changeWindows", ()))
        ),
        notify_targets=build_targets(spec.get("notifyTargets", {}), builder),
        namespace_defaults=build_defaults(spec["namespaceDefaults"], builder)
        if "namespaceDefaults" in spec
        else None,
        trust=build_trust(spec.get("trust", {}), builder),
        secret_recipients=tuple(spec.get("secrets", {}).get("recipients", ())),
        secret_deployment=spec.get("secrets", {}).get("deployment", _DEFAULT.secret_deployment),
    )


def _classes(value: Mapping[str, Any] | None, builder: Builder) -> tuple[PriorityClass, ...]:
    if value is None:
        return _DEFAULT.priority_classes
    classes = (_class(name, said, builder) for name, said in value.items())
    return tuple(sorted(classes, key=lambda entry: (entry.value, entry.name)))


def _class(name: str, value: int | Mapping[str, Any], builder: Builder) -> PriorityClass:
    said: Mapping[str, Any] = {"value": value} if isinstance(value, int) else value
    is_filler = bool(said.get("filler", name == _FILLER))
    is_preemptible = bool(said.get("preemptible", is_filler))
    if is_filler and not is_preemptible:
        message = f"a filler yields to everybody, but {name} isn't preemptible"
        other = "remove filler" if "filler" in said else "add filler: false"
        complaint = Complaint("Contradiction", message, f"remove preemptible, or {other}")
        place = ("spec", "priorityClasses", name, "preemptible")
        builder.problems.append(complaint.at(place, at_key=True))
    return PriorityClass(
        name=name, value=said["value"], preemptible=is_preemptible, filler=is_filler
    )


def _reservations(value: Mapping[str, Any], builder: Builder) -> Resources:
    given = builder.resources(value, ("spec", "defaults", "reservations"))
    default = _DEFAULT.default_reservations
    return Resources.of(
        cpu_millis=given.cpu_millis or default.cpu_millis,
        memory_bytes=given.memory_bytes or default.memory_bytes,
    )


def _published(value: Mapping[str, int] | None, builder: Builder) -> tuple[int, int]:
    if value is None:
        return (0, 0)
    if value["first"] > value["last"]:
        complaint = Complaint("BadRange", "first is more than last", "swap the two")
        builder.problems.append(complaint.at(("spec", "ports", "published", "first")))
    return (value["first"], value["last"])


def check_priorities(platform: Platform) -> list[Problem]:
    """Return a problem if the class that manifests get by default isn't among the classes."""
    if any(entry.name == "normal" for entry in platform.priority_classes):
        return []
    complaint = Complaint("MissingKey", "the class normal is missing", "add normal: 0")
    return [complaint.at(("spec", "priorityClasses"), at_key=True)]
