"""Ports of a service: short and long syntax, ranges. Which ones a browser can open is a guess."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from reconciler.importing import naming
from reconciler.importing.compose.context import Context
from reconciler.importing.compose.reading import plain_text

_SHORT = re.compile(
    r"(?:(?P<ip>\[[0-9a-fA-F:.]+\]|[0-9A-Za-z.*-]+(?=:[^:]*:)):)?"
    r"(?:(?P<published>[0-9-]*):)?(?P<first>[0-9]{1,5})(?:-(?P<last>[0-9]{1,5}))?"
    r"(?:/(?P<protocol>[a-z]+))?"
)
_MOST = 32
# What people put on these, by far: a link that leads nowhere costs nobody anything.
_HTTP = frozenset(
    {80, 1080, 3000, 3001, 3100, 4000, 4040, 4200, 5000, 5001, 5173, 5601, 6006, 7860}
    | {8000, 8001, 8008, 8065, 8069, 8080, 8081, 8082, 8083, 8085, 8086, 8088, 8090, 8096, 8123}
    | {8200, 8787, 8888, 9000, 9001, 9090, 9091, 9093, 9100, 9200, 9411, 10000, 15672, 16686}
    | {18080, 19999, 50070, 2368, 5678, 8161, 8500, 8989, 9696, 7474}
)
_HTTPS = frozenset({443, 8443, 9443})


def convert(value: Any, context: Context) -> list[dict[str, Any]]:
    """Return the ports of a service, each once, named after what they are for."""
    found: dict[tuple[int, str], dict[str, Any]] = {}
    is_fixed = False
    for index, item in enumerate(context.items(value, "ports")):
        entries = (
            _long(item, index, context) if isinstance(item, dict) else _short(item, index, context)
        )
        for published, entry in entries:
            is_fixed = is_fixed or published
            found.setdefault((entry["target"], entry.get("protocol", "tcp")), entry)
    ports = list(found.values())
    if len(ports) > _MOST:
        message = f"{len(ports)} ports are more than {_MOST}; the first ones are kept"
        context.notes.dropped(context.at("ports"), message)
    if is_fixed:
        context.notes.dropped(
            context.at("ports"),
            "ports of the node are any free ones, shown with the link",
            "write published: where platform.yaml allows a fixed one (ports)",
        )
    return _named(ports[:_MOST])


def _named(ports: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = naming.ports()
    named: list[dict[str, Any]] = []
    for port in ports:
        wish = port.pop("name", "") or _name(port)
        taken = {other["name"] for other in named}
        name = names.name(wish)
        if name in taken:
            name = names.name(f"{wish} {port['target']} {port.get('protocol', 'tcp')}")
        named.append({"name": name, **port})
    return named


def _name(port: dict[str, Any]) -> str:
    if port.get("app_protocol") in ("http", "https"):
        return str(port["app_protocol"])
    return f"port-{port['target']}" + ("-udp" if port.get("protocol") == "udp" else "")


def _short(item: Any, index: int, context: Context) -> Iterator[tuple[bool, dict[str, Any]]]:
    if isinstance(item, list):
        context.refuse(item, "a port", "ports", index)
        return
    text = context.value(item, "ports", index).strip().lower()
    match = _SHORT.fullmatch(text)
    if match is None:
        context.notes.dropped(
            context.at("ports", index),
            f"{plain_text(item)} isn't a port",
            "write {name: web, target: 8080}",
        )
        return
    first, last = int(match["first"]), int(match["last"] or match["first"])
    for target in range(first, min(last, first + _MOST) + 1):
        entry = _entry(target, match["protocol"] or "tcp", index, context)
        if entry:
            yield bool(match["published"]), entry


def _long(
    item: dict[str, Any], index: int, context: Context
) -> Iterator[tuple[bool, dict[str, Any]]]:
    text = context.value(item.get("target"), "ports", index, "target").strip()
    if not text.isdecimal() or len(text) > 5:
        context.refuse(item.get("target"), "a port", "ports", index, "target")
        return
    protocol = plain_text(item.get("protocol") or "tcp").lower()
    entry = _entry(int(text), protocol, index, context)
    if entry is None:
        return
    if item.get("app_protocol"):
        entry["app_protocol"] = plain_text(item["app_protocol"])
    if item.get("name"):
        entry["name"] = plain_text(item["name"])
    if context.value(item.get("mode") or "host", "ports", index, "mode").strip() != "host":
        # Without a fixed port of the mesh nobody would be told which one it became.
        context.notes.dropped(
            context.at("ports", index, "mode"),
            "the port is the node's on which a replica runs, not every node's",
            "write mode: ingress with published, where platform.yaml allows that port and the "
            "nodes' kernels have IPVS",
        )
    yield item.get("published") is not None, entry


def _entry(target: int, protocol: str, index: int, context: Context) -> dict[str, Any] | None:
    if not 0 < target < 65_536 or protocol not in ("tcp", "udp"):
        what = "a port" if protocol in ("tcp", "udp") else "tcp or udp"
        context.refuse(target if what == "a port" else protocol, what, "ports", index)
        return None
    entry: dict[str, Any] = {"target": target}
    if protocol == "udp":
        entry["protocol"] = "udp"
    elif target in _HTTP | _HTTPS:
        entry["app_protocol"] = "https" if target in _HTTPS else "http"
    return entry
