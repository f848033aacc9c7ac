"""What Platform and Namespace make of an execution: defaults, caps, mirrors, permissions."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from policy.model.resources import Resources
from reconciler.manifest.diagnostic import Complaint, Path, Problem, Severity, quoted
from reconciler.manifest.platform import Namespace, Platform, PriorityClass
from reconciler.manifest.quantities import duration_text
from reconciler.manifest.spec import ExecutionSpec, Service
from reconciler.manifest.suggest import did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What this installation has: names that the operator's settings define.

    ``storages`` are those with the namespaces that may mount them (empty = any).
    """

    security_profiles: Collection[str]
    storages: Mapping[str, Collection[str]]


def grant(
    spec: ExecutionSpec, *, platform: Platform, namespace: Namespace, offer: Offer, path: Path
) -> tuple[ExecutionSpec, list[Problem]]:
    """Return the spec as the platform runs it, and what it doesn't permit.

    ``path`` is where the services stand in the document.
    """
    problems: list[Problem] = []
    for service in spec.services:
        place = (*path, service.name)
        problems += _check_image(service, platform, place)
        problems += _check_profile(service, spec.zapp, platform, offer, place)
        problems += _check_mounts(service, namespace, offer, place)
        problems += _check_published(service, platform, place)
    problems += _check_replicas(spec, platform, path)
    lifetime_ms, found = _lifetime(spec, platform, namespace)
    priority, wrong = _priority(spec, platform)
    granted = replace(
        spec,
        services=tuple(_settle(service, platform) for service in spec.services),
        lifetime_ms=lifetime_ms,
        priority_value=priority.value,
        is_preemptible=priority.preemptible,
        is_filler=priority.filler,
    )
    return granted, problems + found + wrong


def _settle(service: Service, platform: Platform) -> Service:
    default = platform.default_reservations
    reserved = Resources.of(
        cpu_millis=service.reservations.cpu_millis
        or _within(default.cpu_millis, service.limits.cpu_millis),
        memory_bytes=service.reservations.memory_bytes
        or _within(default.memory_bytes, service.limits.memory_bytes),
        generic=service.reservations.generic,
    )
    limits = replace(
        service.limits, memory_bytes=service.limits.memory_bytes or reserved.memory_bytes
    )
    image = rewritten(service.image, platform.image_rewrite)
    return replace(service, reservations=reserved, limits=limits, image=image)


def _within(default: int, limit: int) -> int:
    """Return a default that doesn't exceed the limit that the author set (0 = none)."""
    return min(default, limit) if limit else default


def rewritten(image: str, rules: tuple[tuple[str, str], ...]) -> str:
    """Return the image reference with its longest known beginning replaced."""
    known = [rule for rule in rules if image.startswith(rule[0])]
    if not known:
        return image
    beginning, replacement = max(known, key=lambda rule: len(rule[0]))
    return replacement + image.removeprefix(beginning)


def matches(image: str, patterns: Collection[str]) -> bool:
    """Tell whether an image is one of ``patterns``: its repository, or a beginning with ``*``."""
    repository = image.partition("@")[0]
    head, slash, last = repository.rpartition("/")
    repository = head + slash + last.partition(":")[0]
    return any(
        image.startswith(pattern[:-1]) if pattern.endswith("*") else pattern in (repository, image)
        for pattern in patterns
    )


def is_allowed(image: str, platform: Platform) -> bool:
    """Tell whether the platform lets an image run: what it names, else any registry by its name."""
    if platform.image_allow:
        return matches(image, platform.image_allow)
    return not is_address(image)


def is_address(image: str) -> bool:
    """Tell whether an image's registry is a number or this machine, in whatever form.

    The engine that pulls it stands where authors don't: such names lead to what only it can reach.
    """
    first, slash, _ = image.partition("/")
    if not slash or not ("." in first or ":" in first or first.lower() == "localhost"):
        return False
    last = first.partition(":")[0].lower().rstrip(".").rpartition(".")[2]
    return last == "localhost" or _NUMBER.fullmatch(last) is not None


_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def refuse_image(image: str, platform: Platform) -> Complaint:
    """Return the complaint about an image that the platform doesn't let run."""
    if not platform.image_allow:
        message = f"{quoted(image)} names its registry by an address"
        remedy = "write the registry's name, or ask the operator for images.allow in platform.yaml"
        return Complaint("ImageNotAllowed", message, remedy)
    allowed = ", ".join(platform.image_allow[:8])
    message = f"the platform doesn't allow the image {quoted(image)}"
    return Complaint("ImageNotAllowed", message, f"use one of {allowed}, or ask the operator")


def _check_image(service: Service, platform: Platform, path: Path) -> Iterator[Problem]:
    if not is_allowed(service.image, platform):
        yield refuse_image(service.image, platform).at((*path, "image"))


def _check_profile(
    service: Service, zapp: str, platform: Platform, offer: Offer, path: Path
) -> Iterator[Problem]:
    profile = service.security_profile
    if profile == "restricted":
        return
    place = (*path, "security_profile")
    if profile not in offer.security_profiles:
        remedy = did_you_mean(profile, offer.security_profiles, otherwise="write restricted")
        yield Complaint("UnknownProfile", f"no profile {quoted(profile)}", remedy).at(place)
    elif not (
        (zapp and zapp in platform.baseline_zapps)
        or matches(service.image, platform.baseline_images)
    ):
        message = f"the platform doesn't grant {profile} to this ZApp or image"
        remedy = "remove it, or ask the operator for security.baseline in platform.yaml"
        yield Complaint("ProfileNotGranted", message, remedy).at(place)


def _check_mounts(
    service: Service, namespace: Namespace, offer: Offer, path: Path
) -> Iterator[Problem]:
    for index, volume in enumerate(service.volumes):
        name = "workspace" if volume.type == "workspace" else volume.source
        is_misnamed = volume.type == "volume" and name == "workspace"
        if name and (name not in offer.storages or is_misnamed):
            others = [storage for storage in offer.storages if storage != "workspace"]
            remedy = did_you_mean(name, others, otherwise="write type: workspace")
            complaint = Complaint("UnknownStorage", f"no storage {quoted(name)} here", remedy)
            yield complaint.at((*path, "volumes", index))
        elif (users := offer.storages.get(name, ())) and namespace.name not in users:
            message = f"the storage {name} isn't for {namespace.name}, but for others"
            complaint = Complaint("StorageNotGranted", message, "remove it, or ask the operator")
            yield complaint.at((*path, "volumes", index))
    for index, secret in enumerate(service.secrets):
        if secret.swarm_name and secret.swarm_name not in namespace.secrets:
            message = (
                f"namespaces/{namespace.name}.yaml doesn't grant the secret "
                f"{quoted(secret.swarm_name)}: it waits unless a label on the secret does"
            )
            remedy = did_you_mean(
                secret.swarm_name, namespace.secrets, otherwise="ask the operator to grant it"
            )
            complaint = Complaint("SecretNotGranted", message, remedy)
            yield replace(complaint.at((*path, "secrets", index)), severity=Severity.WARNING)


def _check_published(service: Service, platform: Platform, path: Path) -> Iterator[Problem]:
    first, last = platform.published_ports
    for index, port in enumerate(service.ports):
        if port.published and not first <= port.published <= last:
            place = (*path, "ports", index, "published")
            message = f"{port.published} isn't a port that may be fixed here"
            remedy = f"write {first} to {last}, or leave it out" if first else "leave it out"
            yield Complaint("PortNotAllowed", message, remedy).at(place)


def _check_replicas(spec: ExecutionSpec, platform: Platform, path: Path) -> list[Problem]:
    total = sum(service.maximum for service in spec.services)
    if total <= platform.maximum_replicas:
        return []
    message = f"{total} replicas are more than the platform's {platform.maximum_replicas}"
    remedy = f"write {platform.maximum_replicas} or fewer for all services together"
    return [Complaint("TooManyReplicas", message, remedy).at(path, at_key=True)]


def _lifetime(
    spec: ExecutionSpec, platform: Platform, namespace: Namespace
) -> tuple[int | None, list[Problem]]:
    asked = spec.lifetime_ms
    caps = [
        (cap, whose)
        for cap, whose in (
            (platform.maximum_lifetime_ms, "the platform's"),
            (namespace.maximum_lifetime_ms, f"the namespace {namespace.name}'s"),
        )
        if cap is not None
    ]
    if asked is None:
        bounds = [cap for cap, _ in caps]
        if platform.default_lifetime_ms is not None:
            bounds.append(platform.default_lifetime_ms)
        return min(bounds, default=None), []
    if caps and asked > min(caps)[0]:
        cap, whose = min(caps)
        message = f"{duration_text(asked)} is more than {whose} {duration_text(cap)}"
        complaint = Complaint("LifetimeOverCap", message, f"write {duration_text(cap)} or less")
        return asked, [complaint.at(("spec", "lifetime"))]
    return asked, []


def _priority(spec: ExecutionSpec, platform: Platform) -> tuple[PriorityClass, list[Problem]]:
    classes = {entry.name: entry for entry in platform.priority_classes}
    if spec.priority in classes:
        return classes[spec.priority], []
    remedy = did_you_mean(spec.priority, classes, otherwise="leave it out")
    complaint = Complaint("UnknownPriority", f"no priority {quoted(spec.priority)}", remedy)
    return PriorityClass(name=spec.priority, value=0), [complaint.at(("spec", "priority"))]
