"""Images that a change brings: what they are called, and which registries may be asked for them.

A registry is asked only where the platform names it, in ``images.allow`` or as the target of
``images.rewrite``: otherwise whoever proposes a change could have any host talked to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.manifest.platform import Platform
from reconciler.manifest.spec import ExecutionSpec

HUB = "docker.io"
MOST = 20
"""So many images of one change are asked for."""

_HOST = re.compile(r"(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_PATH = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An image's name, taken apart. ``version`` is its digest, else its tag."""

    host: str
    repository: str
    version: str


def reference(image: str) -> Reference | None:
    """Take an image's name apart as Docker does; None where it can't be one."""
    name, _, digest = image.partition("@")
    host, path = _host(name)
    repository, _, tag = path.partition(":")
    version = digest or tag or "latest"
    if host == HUB and "/" not in repository:
        repository = f"library/{repository}"
    is_one = (
        _HOST.fullmatch(host)
        and _PATH.fullmatch(repository)
        and (_DIGEST if digest else _TAG).fullmatch(version)
    )
    return Reference(host=host, repository=repository, version=version) if is_one else None


def may_ask(image: str, platform: Platform) -> bool:
    """Tell whether the registry of an image is one that the platform names."""
    found = reference(image)
    return found is not None and found.host in _named(platform)


def images(spec: ExecutionSpec | None) -> frozenset[str]:
    """Return the images of an execution's services."""
    return frozenset(service.image for service in spec.services) if spec else frozenset()


def to_ask(found: Iterable[str], platform: Platform) -> tuple[str, ...]:
    """Return which images to ask a registry for, in order, within bounds."""
    return tuple(sorted(image for image in set(found) if may_ask(image, platform)))[:MOST]


def _named(platform: Platform) -> frozenset[str]:
    """Return the registries that are named whole: ``quay.io/*`` names one, ``qu*`` doesn't."""
    if not platform.image_allow:
        return frozenset()
    targets = (target for _, target in platform.image_rewrite)
    return frozenset(
        _host(pattern)[0]
        for pattern in (*platform.image_allow, *targets)
        if "/" in pattern or not pattern.endswith("*")
    )


def _host(name: str) -> tuple[str, str]:
    """Return the registry and the rest. Without a host it is Docker Hub's."""
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return (HUB if first == "index.docker.io" else first), rest
    return HUB, name
