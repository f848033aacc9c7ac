"""Amounts of CPU, memory and generic resources, to and from the Docker API. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policy.model.resources import Resources
from reconciler.cluster.dictionary import NANOS_PER_MILLI, Json, items, section, up
from reconciler.converge.state import ServiceSpec


def to_resources(spec: ServiceSpec) -> Json:
    """Return a task template's limits and reservations."""
    limits = _to_amounts(spec.limits)
    if spec.pids_limit:
        limits["Pids"] = spec.pids_limit
    reservations = _to_amounts(spec.reservations)
    if spec.reservations.generic:
        reservations["GenericResources"] = [
            {"DiscreteResourceSpec": {"Kind": kind, "Value": count}}
            for kind, count in spec.reservations.generic
        ]
    return {"Limits": limits, "Reservations": reservations}


def from_amounts(data: Mapping[str, Any]) -> Resources:
    """Return an API resources object; parts of a milli-CPU count as a whole one."""
    return Resources.of(
        cpu_millis=up(data.get("NanoCPUs", 0)),
        memory_bytes=data.get("MemoryBytes", 0),
        generic=[_generic(item) for item in items(data, "GenericResources")],
    )


def _to_amounts(amounts: Resources) -> Json:
    body: Json = {}
    if amounts.cpu_millis:
        body["NanoCPUs"] = amounts.cpu_millis * NANOS_PER_MILLI
    if amounts.memory_bytes:
        body["MemoryBytes"] = amounts.memory_bytes
    return body


def _generic(data: Mapping[str, Any]) -> tuple[str, int]:
    named = section(data, "NamedResourceSpec")
    if named:
        return named.get("Kind", ""), 1  # one device by name
    discrete = section(data, "DiscreteResourceSpec")
    return discrete.get("Kind", ""), discrete.get("Value", 0)
