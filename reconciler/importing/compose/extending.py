"""``extends`` within a file: a service with what it takes over from others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.importing.compose.reading import kind_of
from reconciler.importing.notes import Notes, Refused

RESOLVE = "import what `docker compose config` prints: it has everything in one file"
# Not taken over, by Compose's rules of old; nobody waits for what the other waits for.
_OWN = frozenset({"depends_on", "links", "volumes_from", "extends", "profiles"})


def extended(name: str, services: Mapping[str, Any], notes: Notes) -> Mapping[str, Any]:
    """Return a service with all that it extends, its own values first.

    Raises:
        Refused: They extend one another in a circle.
    """
    chain, seen = [services[name]], [name]
    while base := _base(chain[-1], ("services", seen[-1]), services, notes):
        if base in seen:
            around = " -> ".join([*seen, base])
            raise Refused(("services", name, "extends"), f"a circle: {around}", "remove one")
        seen.append(base)
        chain.append(services[base])
    whole: dict[str, Any] = {}
    for index, service in enumerate(reversed(chain)):
        is_own = index == len(chain) - 1
        taken = {key: item for key, item in service.items() if is_own or key not in _OWN}
        whole = _merged(whole, taken)
    return whole


def _base(
    service: Mapping[str, Any], path: tuple[str, str], services: Mapping[str, Any], notes: Notes
) -> str:
    extends = service.get("extends")
    if extends is None:
        return ""
    entry = extends if isinstance(extends, dict) else {"service": extends}
    base = entry.get("service")
    if entry.get("file") is not None:
        notes.dropped((*path, "extends"), "other files aren't read", RESOLVE)
        return ""
    if not isinstance(base, str) or not isinstance(services.get(base), dict):
        notes.dropped((*path, "extends"), f"there is no service {kind_of(base)}")
        return ""
    return base


def _merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return two mappings as one: mappings in them merged, lists added, else own's value."""
    result = dict(base)
    for key, item in own.items():
        held = result.get(key)
        if isinstance(held, dict) and isinstance(item, dict):
            result[key] = _merged(held, item)
        elif (
            isinstance(held, list)
            and isinstance(item, list)
            and key not in ("command", "entrypoint")
        ):
            result[key] = [*held, *(entry for entry in item if entry not in held)]
        else:
            result[key] = item
    return result
