"""Everything that can be fetched from ``zoe web``: whatever pages link to, the API, the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from tests.e2e.page.mouths import fetch
from tests.e2e.page.reading import Document

MOST = 600
NOWHERE = "/nowhere"
STARTS = ("/", "/executions", "/queue", "/sets", "/namespaces", "/cluster", "/history", "/usage")
STARTS += ("/calendar", "/commits", "/pulls", "/zapps", "/reference", NOWHERE)
OTHERS = ("/metrics", "/healthz", "/readyz", "/api/v1/openapi.json", "/api/v1/usage.csv")


def pages(address: str) -> dict[str, str]:
    """Return the text of each page by its path, found as a reader would: by links."""
    found: dict[str, str] = {}
    todo = list(STARTS)
    while todo and len(found) < MOST:
        path = todo.pop(0)
        if path in found or path.startswith("/api/"):
            continue
        _, fields, body = fetch(address + path)
        found[path] = body.decode("utf-8", errors="replace")
        if fields.get_content_type() == "text/html":  # type: ignore[attr-defined]
            todo += sorted(Document.of(found[path]).links - found.keys())
    return found


def answers(address: str) -> dict[str, str]:
    """Return all that the API and the rest say, by path."""
    names = dict(_names(address))
    paths = [*OTHERS]
    for template in json.loads(fetch(f"{address}/api/v1/openapi.json")[2])["paths"]:
        if template.startswith("/hooks/"):
            continue
        paths += _filled(template, names)
    for namespace, name in names["execution"]:
        paths.append(f"/badge/{namespace}/{name}.svg")
    return {path: fetch(address + path)[2].decode("utf-8", errors="replace") for path in paths}


def _names(address: str) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    def listed(what: str, key: str) -> list[dict[str, str]]:
        body = json.loads(fetch(f"{address}/api/v1/{what}")[2])
        found: list[dict[str, str]] = body[key]
        return found

    lines = listed("executions?limit=500", "lines")
    yield "execution", [(line["namespace"], line["name"]) for line in lines]
    yield "commit", [(line["id"],) for line in listed("commits", "lines")]
    yield "namespace", [(line["name"],) for line in listed("namespaces", "namespaces")]
    yield "zapp", [(line["name"],) for line in listed("zapps", "zapps")]


_KINDS = {"commits": "commit", "namespaces": "namespace", "zapps": "zapp", "pulls": ""}


def _filled(template: str, names: dict[str, list[tuple[str, ...]]]) -> list[str]:
    """Return the template's paths, with every name that there is."""
    places = re.findall(r"\{[^}]*\}", template)
    if not places:
        return [template]
    kind = next((kind for word, kind in _KINDS.items() if f"/{word}/" in template), "execution")
    filled = []
    for name in names.get(kind, []):
        path = template
        for place, value in zip(places, name, strict=True):
            path = path.replace(place, value)
        filled.append(path)
    return filled
