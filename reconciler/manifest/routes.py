"""Where a namespace's gateway finds an http port, and under which path it shows it.

Both say the same in their own way, so that a gateway needs no list of what runs: the path holds
the names, and a component answers to such a name only for the ports that it declares. Names begin
with a letter (the schema sees to it), so no path can be read in two ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.manifest.spec import Port, Route

KEPT = "~"
"""The first part of the paths that an application gets whole."""

DOMAIN = "zoe.internal"
"""What host names for the gateway end with: the Internet has no such domain, by agreement."""

_BY_PATH = frozenset({Route.STRIP, Route.KEEP})


def is_by_path(port: Port) -> bool:
    """Tell whether a port is reached under a path of the gateway."""
    return is_http(port) and port.route in _BY_PATH


def is_by_socks(port: Port) -> bool:
    """Tell whether a port is reached by its own host name, through SOCKS."""
    return is_http(port) and port.route is Route.SOCKS


def is_http(port: Port) -> bool:
    """Tell whether a gateway can lead to a port at all."""
    return port.app_protocol == "http" and port.protocol == "tcp"


def path(*, execution: str, component: str, target: int, route: Route) -> str:
    """Return the path that a port is shown under, without a slash at its end."""
    plain = f"/{execution}/{component}/{target}"
    return f"/{KEPT}{plain}" if route is Route.KEEP else plain


def upstream(*, execution: str, component: str, target: int | str) -> str:
    """Return the host name by which only a gateway asks for a port, so that others stay closed."""
    return f"http-{target}.{component}.{execution}.{DOMAIN}"


def written_path(service: Mapping[str, Any], *, execution: str, component: str) -> str | None:
    """Return the path of a service's first http port as a document has it; None without one."""
    for port in service.get("ports", ()):
        route, target = port.get("route", Route.STRIP), port.get("target")
        if port.get("app_protocol") != "http" or route not in _BY_PATH:
            continue
        if port.get("protocol", "tcp") == "tcp" and isinstance(target, int):
            return path(execution=execution, component=component, target=target, route=Route(route))
    return None
