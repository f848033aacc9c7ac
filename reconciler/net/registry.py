"""Asks a registry whether it has an image: one HEAD request, with an anonymous token if need be.

Only the loop's process does, and only for registries that the platform names
(``review/images``). What can't be found out is None: nothing is concluded from silence.
"""

from __future__ import annotations

import ipaddress
import re
from time import monotonic
from typing import Literal
from urllib.parse import urlencode

from reconciler.errors import ConfigError, DeliveryRefused, TargetUnavailable
from reconciler.net.web_client import Answer, Place, send
from reconciler.review.images import HUB, Reference, reference

TIMEOUT_S = 5.0
HUBS_OWN = "registry-1.docker.io"
ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_PARAMETER = re.compile(r'([a-z]+)="([^"]*)"')


class Registries:
    """Registries that answer to everybody; no credentials are sent."""

    def __init__(self, *, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s

    def has(self, image: str) -> bool | None:
        """Tell whether an image's registry has it; None where that can't be found out."""
        asked = reference(image)
        if asked is None:
            return None
        ends = monotonic() + self._timeout_s
        try:
            return _has(asked, ends)
        except (ConfigError, DeliveryRefused, TargetUnavailable):
            return None


def _has(asked: Reference, ends: float) -> bool | None:
    place = _place(asked.host)
    answer = _head(place, asked, {}, ends)
    if answer.status == 401:
        token = _token(answer, place, asked, ends)
        if token is None:
            return None
        answer = _head(place, asked, {"Authorization": f"Bearer {token}"}, ends)
    if answer.is_success:
        return True
    return False if answer.status == 404 else None


def _head(place: Place, asked: Reference, headers: dict[str, str], ends: float) -> Answer:
    path = f"/v2/{asked.repository}/manifests/{asked.version}"
    left_s = ends - monotonic()
    return send("HEAD", place, path, headers={"Accept": ACCEPT, **headers}, timeout_s=left_s)


def _place(host: str) -> Place:
    """Return where a registry is; as Docker does, without encryption on this machine alone."""
    name = HUBS_OWN if host == HUB else host
    place = Place.of(f"https://{name}")
    return Place.of(f"http://{name}") if _is_local(place.host) else place


def _token(answer: Answer, registry: Place, asked: Reference, ends: float) -> str | None:
    """Fetch a token for reading from where the registry says; it may not lead us inside."""
    kind, _, rest = answer.headers.get("www-authenticate", "").partition(" ")
    told = dict(_PARAMETER.findall(rest))
    if kind.lower() != "bearer" or "realm" not in told:
        return None
    place = Place.of(told["realm"])
    if place.host != registry.host and (place.scheme != "https" or _is_inside(place.host)):
        return None
    query = urlencode(
        {"service": told.get("service", ""), "scope": f"repository:{asked.repository}:pull"}
    )
    joint: Literal["?", "&"] = "&" if place.query else "?"
    place = Place.of(f"{told['realm']}{joint}{query}")
    data = send("GET", place, headers={}, timeout_s=ends - monotonic()).data()
    token = data.get("token") or data.get("access_token") if isinstance(data, dict) else None
    return token if isinstance(token, str) and token.isascii() and token.isprintable() else None


def _is_inside(host: str) -> bool:
    """Tell whether a host is an address or this machine: what no public registry refers to."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _is_local(host)
    return True


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
