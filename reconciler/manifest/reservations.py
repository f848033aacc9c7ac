"""Reservation documents: what they keep, and how that fits the platform and its namespaces."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from policy.model.resources import NOTHING
from reconciler.manifest.build import Builder, constraints
from reconciler.manifest.diagnostic import Complaint, Path, Problem, Severity, quoted
from reconciler.manifest.grants import is_allowed, refuse_image, rewritten
from reconciler.manifest.platform import Platform, Reservation
from reconciler.manifest.suggest import did_you_mean
from reconciler.manifest.windows import build_window

_SPEC: Path = ("spec",)


def build_reservation(document: Mapping[str, Any], builder: Builder) -> Reservation:
    """Return what a valid Reservation document keeps; problems are left in ``builder``."""
    spec = document["spec"]
    slots = spec.get("slots")
    if slots is None and "nodes" not in spec:
        remedy = "add slots: {count: 4, cpus: 2, memory: 4GiB}, or nodes: {selector: [...]}"
        complaint = Complaint("MissingKey", "neither slots nor nodes is there", remedy)
        builder.problems.append(complaint.at(_SPEC, at_key=True))
    slot = builder.resources(slots or {}, (*_SPEC, "slots"))
    if slots is not None and slot == NOTHING:
        complaint = Complaint("MissingKey", "a slot of nothing", "add cpus: 2 or memory: 4GiB")
        builder.problems.append(complaint.at((*_SPEC, "slots"), at_key=True))
    return Reservation(
        name=document["metadata"]["name"],
        window=build_window(spec["window"], builder, (*_SPEC, "window")),
        slots=0 if slots is None else slots.get("count", 1),
        slot=slot,
        constraints=constraints(spec.get("nodes", {}).get("selector", ())),
        namespaces=tuple(spec.get("namespaces", ())),
        prefetch=tuple(spec.get("prefetch", ())),
    )


def check_reservation(
    reservation: Reservation,
    *,
    platform: Platform,
    namespaces: Collection[str],
    now: datetime,
) -> Iterator[Problem]:
    """Yield what of a reservation doesn't fit the rest of the repository.

    A window that is over at ``now`` is only warned of: nothing comes of it.
    """
    for index, name in enumerate(reservation.namespaces):
        if name not in namespaces:
            remedy = did_you_mean(name, namespaces, otherwise=f"add namespaces/{name}.yaml")
            message = f"nobody declared the namespace {quoted(name)}"
            complaint = Complaint("UnknownNamespace", message, remedy)
            yield complaint.at((*_SPEC, "namespaces", index))
    for index, image in enumerate(reservation.prefetch):
        if not is_allowed(image, platform):
            yield refuse_image(image, platform).at((*_SPEC, "prefetch", index))
    window = reservation.window
    if window.start and window.start + timedelta(milliseconds=window.duration_ms) <= now:
        message = "it is over already: nothing will be kept"
        complaint = Complaint("WindowInThePast", message, "correct the date, or delete the file")
        problem = complaint.at((*_SPEC, "window", "start"))
        yield replace(problem, severity=Severity.WARNING)


def settle(reservation: Reservation, platform: Platform) -> Reservation:
    """Return the reservation with the images that may run, from where they are pulled."""
    images = (image for image in reservation.prefetch if is_allowed(image, platform))
    pulled = tuple(dict.fromkeys(rewritten(image, platform.image_rewrite) for image in images))
    return replace(reservation, prefetch=pulled)
