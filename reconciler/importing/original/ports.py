"""Ports of the four formats, as one: a number, what is spoken on it, and the path of its page."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reconciler.importing.notes import Notes, Refused
from reconciler.manifest.diagnostic import Path, quoted

_URL = re.compile(r"([a-z][a-z0-9+.-]{0,19})://\{ip_port\}(.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class OldPort:
    """A port. ``app_protocol`` and ``url_path`` are "" where there is no link."""

    path: Path
    name: str
    number: int
    protocol: str
    app_protocol: str
    url_path: str
    is_proxied: bool = False
    is_main: bool = False


def read(value: object, path: Path, notes: Notes) -> tuple[OldPort, ...]:
    """Return the ports of a service, the main one first.

    Raises:
        Refused: They aren't ports of any format.
    """
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Refused(path, "ports isn't a list", "write a list of ports")
    found = [_port(item, (*path, index), notes) for index, item in enumerate(value)]
    return tuple(sorted(found, key=lambda port: not port.is_main))


def _port(item: object, path: Path, notes: Notes) -> OldPort:
    match item:
        case [number, label, *flags]:  # format 0
            name = str(label)
            port = {"name": name, "port_number": number, "protocol": "http"}
            return _mapping(port, path, notes, is_main=bool(flags) and flags[0] is True)
        case dict():
            return _mapping(item, path, notes, is_main=item.get("is_main_endpoint") is True)
        case _:
            raise Refused(path, "it isn't a port", 'write {"name": ..., "port_number": ...}')


def _mapping(item: dict[str, object], path: Path, notes: Notes, *, is_main: bool) -> OldPort:
    number = item.get("port_number")
    if isinstance(number, str) and number.isdecimal():
        number = int(number[:6])
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 65_536:
        raise Refused((*path, "port_number"), f"{quoted(number)} isn't a port", "write 1 to 65535")
    protocol = str(item.get("protocol") or "tcp")
    app_protocol, url_path = _link(item, protocol, path, notes)
    if item.get("expose") not in (None, False):
        notes.dropped((*path, "expose"), "every port can be reached from within the namespace")
    return OldPort(
        path=path,
        name=str(item.get("name") or f"port-{number}"),
        number=number,
        protocol="udp" if protocol == "udp" else "tcp",
        app_protocol=app_protocol,
        url_path=url_path,
        is_proxied=item.get("proxy") is True and app_protocol == "http",
        is_main=is_main,
    )


def _link(item: dict[str, object], protocol: str, path: Path, notes: Notes) -> tuple[str, str]:
    """Return what is spoken on a port and the path of its page."""
    template = item.get("url_template")
    if isinstance(template, str) and template:
        match = _URL.fullmatch(template)
        if match is None:
            why = f"{quoted(template)} isn't the address of this port"
            notes.dropped((*path, "url_template"), why, "write app_protocol: http and path: /PATH")
            return "", ""
        return match[1], _path(match[2].replace("{proxy_path}", ""), path, notes)
    if protocol in ("http", "https"):
        return protocol, _path(str(item.get("path") or ""), path, notes)
    return "", ""


def _path(text: str, path: Path, notes: Notes) -> str:
    if "{" in text:
        notes.dropped(path, f"{quoted(text)} holds a placeholder", "write path: as it is")
        return ""
    return "" if text in ("", "/") else "/" + text.lstrip("/")
