"""How many, how large and where: ``deploy`` of Compose, and the older keys beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reconciler.importing.compose import amounts
from reconciler.importing.compose.context import Context
from reconciler.importing.compose.reading import plain_text

Convert = Callable[[Any, Context], Mapping[str, Any]]

_TOLD: Mapping[str, str] = {
    "restart_policy": "the type and retries decide what is started again",
    "update_config": "updates go replica by replica, and back where they fail",
    "rollback_config": "updates go replica by replica, and back where they fail",
    "endpoint_mode": "a name stands for all replicas (dnsrr)",
    "labels": "labels of the service are labels: beside image:",
}


def convert(value: Any, context: Context) -> dict[str, Any]:
    """Return replicas, resources and placement."""
    deploy = context.mapping(value, "deploy")
    found: dict[str, Any] = {
        "resources": _resources(deploy.get("resources"), context),
        "placement": _placement(deploy.get("placement"), context),
    }
    if plain_text(deploy.get("mode")).startswith("global"):
        why = "there is no replica per node"
        remedy = "write replicas: NODES and placement: {max_replicas_per_node: 1}"
        context.notes.dropped(context.at("deploy", "mode"), why, remedy)
    elif deploy.get("replicas") is not None:
        found["replicas"] = _replicas(deploy["replicas"], context, "deploy", "replicas")
    for key in sorted(deploy):
        if key in _TOLD:
            context.notes.dropped(context.at("deploy", key), _TOLD[key])
        elif key not in ("resources", "placement", "mode", "replicas") and not key.startswith("x-"):
            context.notes.dropped(context.at("deploy", key), "it isn't honoured here")
    return {key: part for key, part in found.items() if part}


def _replicas(value: Any, context: Context, *parts: str | int) -> int | None:
    count = context.measured(amounts.count, value, *parts, what="a count")
    if count == 0:
        context.notes.add(context.at(*parts), "0 replicas became 1: a service runs", "remove it")
        return 1
    return count


def _resources(value: Any, context: Context) -> dict[str, Any]:
    resources = context.mapping(value, "deploy", "resources")
    found: dict[str, dict[str, Any]] = {}
    for part in ("reservations", "limits"):
        place = ("deploy", "resources", part)
        given = context.mapping(resources.get(part), *place)
        found[part] = {
            "cpus": _cpus(given.get("cpus"), context, *place, "cpus"),
            "memory": _memory(given.get("memory"), context, *place, "memory"),
            "pids": _pids(given.get("pids"), context, *place, "pids") if part == "limits" else None,
        }
        if part == "reservations":
            found[part]["generic"] = dict(_generic(given, context)) or None
        for key in sorted(
            given.keys() - {"cpus", "memory", "pids", "devices", "generic_resources"}
        ):
            context.notes.dropped(context.at(*place, key), "it isn't honoured here")
    return _without_empty(found)


def _without_empty(parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    kept = {
        name: {key: item for key, item in part.items() if item is not None}
        for name, part in parts.items()
    }
    return {name: part for name, part in kept.items() if part}


def _generic(given: Mapping[str, Any], context: Context) -> Iterator[tuple[str, int]]:
    """Yield generic resources: those that are named, and GPUs for devices that can do that."""
    place = ("deploy", "resources", "reservations")
    for index, item in enumerate(context.items(given.get("generic_resources"), *place)):
        spec = item.get("discrete_resource_spec") if isinstance(item, dict) else None
        spec = spec if isinstance(spec, dict) else {}
        count = amounts.count(spec.get("value", 1))
        if spec.get("kind") and count:
            yield plain_text(spec["kind"]), count
        else:
            context.refuse(item, "a generic resource", *place, "generic_resources", index)
    for index, item in enumerate(context.items(given.get("devices"), *place)):
        device = item if isinstance(item, dict) else {}
        capabilities = device.get("capabilities")
        if isinstance(capabilities, list) and "gpu" in str(capabilities):
            yield "gpu", _gpus(device.get("count"), context, *place, "devices", index)
        else:
            why = "devices other than GPUs can't be asked for"
            context.notes.dropped(context.at(*place, "devices", index), why)


def _gpus(count: Any, context: Context, *parts: str | int) -> int:
    """Return how many GPUs; "all" is one, since how many a node has isn't known here."""
    number = amounts.count(count) if count is not None else None
    context.notes.add(
        context.at(*parts),
        f"GPUs are the generic resource gpu: {number or 1}",
        "the nodes must advertise it (docker's node-generic-resources)",
    )
    return number or 1


def _placement(value: Any, context: Context) -> dict[str, Any]:
    placement = context.mapping(value, "deploy", "placement")
    found: dict[str, Any] = {}
    rules = context.items(placement.get("constraints"), "deploy", "placement", "constraints")
    if texts := [
        context.value(rule, "deploy", "placement", "constraints", index)
        for index, rule in enumerate(rules)
        if not isinstance(rule, (dict, list))
    ]:
        found["constraints"] = texts
    preferences = placement.get("preferences")
    for item in context.items(preferences, "deploy", "placement", "preferences")[:1]:
        if isinstance(item, dict) and item.get("spread"):
            found["spread"] = plain_text(item["spread"])
    most = placement.get("max_replicas_per_node")
    place = ("deploy", "placement", "max_replicas_per_node")
    if (count := context.measured(amounts.count, most, *place, what="a count")) is not None:
        found["max_replicas_per_node"] = count
    return found


def _cpus(value: Any, context: Context, *parts: str | int) -> Any:
    return context.measured(amounts.cpus, value, *parts, what="a number of CPUs") or None


def _memory(value: Any, context: Context, *parts: str | int) -> str | None:
    return context.measured(amounts.memory, value, *parts, what="an amount of memory")


def _pids(value: Any, context: Context, *parts: str | int) -> int | None:
    if plain_text(value) in ("-1", "0"):
        context.notes.dropped(context.at(*parts), "there is always a limit", "at most 65536")
        return None
    return context.measured(amounts.count, value, *parts, what="a count")


def _within(part: str, key: str, read: Callable[..., Any], own: str) -> Convert:
    def amount(value: Any, context: Context) -> Mapping[str, Any]:
        found = read(value, context, own)
        return {"resources": {part: {key: found}}} if found is not None else {}

    return amount


def _scale(value: Any, context: Context) -> Mapping[str, Any]:
    return {"replicas": _replicas(value, context, "scale")}


def _gpus_key(value: Any, context: Context) -> Mapping[str, Any]:
    items = value if isinstance(value, list) else [{"count": value}]
    first = items[0] if items and isinstance(items[0], dict) else {}
    number = _gpus(first.get("count"), context, "gpus")
    return {"resources": {"reservations": {"generic": {"gpu": number}}}}


SHORT: Mapping[str, Convert] = {
    "mem_limit": _within("limits", "memory", _memory, "mem_limit"),
    "mem_reservation": _within("reservations", "memory", _memory, "mem_reservation"),
    "cpus": _within("limits", "cpus", _cpus, "cpus"),
    "cpu_count": _within("limits", "cpus", _cpus, "cpu_count"),
    "pids_limit": _within("limits", "pids", _pids, "pids_limit"),
    "scale": _scale,
    "gpus": _gpus_key,
}
"""Keys that are said in ``deploy`` nowadays, by what they become."""
