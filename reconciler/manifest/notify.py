"""Who is told of what: the targets of the platform, and what executions ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.manifest.build import Builder
from reconciler.manifest.diagnostic import Complaint, Path, Problem, quoted
from reconciler.manifest.platform import NotifyTarget, Platform
from reconciler.manifest.spec import Notification
from reconciler.manifest.suggest import did_you_mean

_TARGETS: Path = ("spec", "notifyTargets")


def build_targets(value: Mapping[str, Any], builder: Builder) -> tuple[NotifyTarget, ...]:
    """Return the targets of a valid Platform document; problems are left in ``builder``."""
    for name, said in value.items():
        builder.problems += _misfits(said, (*_TARGETS, name))
    return tuple(
        NotifyTarget(
            name=name,
            type=said["type"],
            url=said.get("url", ""),
            recipients=tuple(said.get("to", ())),
            namespaces=tuple(said.get("namespaces", ())),
        )
        for name, said in sorted(value.items())
    )


def _misfits(said: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    if said["type"] == "email":
        if "to" not in said:
            complaint = Complaint("MissingKey", "to is missing", "add to: [ada@example.org]")
            yield complaint.at(path, at_key=True)
    elif "to" in said:
        message = f"to is for mail, and this is a {said['type']}"
        yield Complaint("Contradiction", message, "remove it").at((*path, "to"), at_key=True)
    if said["type"] != "webhook" and "url" in said:
        message = f"url is for a webhook, and this is {said['type']}"
        remedy = "remove it"
        if said["type"] == "slack":
            remedy = f"remove it: that address is a secret, so url_file in [notify.{path[-1]}]"
        yield Complaint("Contradiction", message, remedy).at((*path, "url"), at_key=True)


def notifications(spec: Mapping[str, Any]) -> tuple[Notification, ...]:
    """Return what an Execution's spec asks for."""
    return tuple(
        Notification(on=tuple(entry["on"]), to=entry["to"]) for entry in spec.get("notify", ())
    )


def refuse_targets(
    spec: Mapping[str, Any], namespace: str, platform: Platform
) -> Iterator[Problem]:
    """Yield a problem for each target that isn't there, or isn't for this namespace."""
    known = {target.name: target for target in platform.notify_targets}
    for index, entry in enumerate(spec.get("notify", ())):
        place = ("spec", "notify", index, "to")
        target = known.get(entry["to"])
        if target is None:
            otherwise = "remove it, or ask the operator for it in notifyTargets of platform.yaml"
            remedy = did_you_mean(entry["to"], known, otherwise=otherwise)
            message = f"no target {quoted(entry['to'])} for notifications"
            yield Complaint("UnknownTarget", message, remedy).at(place)
        elif target.namespaces and namespace not in target.namespaces:
            users = ", ".join(target.namespaces[:8])
            message = f"the target {target.name} isn't for {namespace}, but for {users}"
            complaint = Complaint("TargetNotGranted", message, "remove it, or ask the operator")
            yield complaint.at(place)
