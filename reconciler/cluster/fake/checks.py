"""What the engine refuses of a spec, in its words."""

from __future__ import annotations

import re
from dataclasses import replace

from reconciler.cluster.dictionary import Kind
from reconciler.converge.state import LABEL_APPLIED_HASH, SecretSpec, ServiceSpec
from reconciler.errors import ActionFailed

DNS_NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9_-]*[a-zA-Z0-9])?")
FILE_NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9_.-]*[a-zA-Z0-9])?")
_SECRET_LIMIT_BYTES = 512_000
_LEAST_MEMORY_BYTES = 4 * 1024**2


def labelled(spec: ServiceSpec) -> ServiceSpec:
    """Return a spec with the digest of what was applied."""
    return replace(spec, labels={**spec.labels, LABEL_APPLIED_HASH: spec.applied_hash})


def uses(spec: ServiceSpec, kind: Kind) -> frozenset[str]:
    """Return the names of what a service uses of a kind."""
    match kind:
        case Kind.NETWORK:
            return frozenset(item.network for item in spec.networks)
        case Kind.CONFIG:
            return frozenset(item.name for item in spec.configs)
        case Kind.SECRET:
            return frozenset(item.name for item in spec.secrets)


def meshed(spec: ServiceSpec) -> frozenset[tuple[int, str]]:
    """Return the ports of the routing mesh that a service takes."""
    return frozenset(
        (port.published, port.protocol)
        for port in spec.ports
        if port.mode == "ingress" and port.published
    )


def check_name(name: str, pattern: re.Pattern[str], longest: int) -> None:
    """Refuse a name as the engine does."""
    if not pattern.fullmatch(name):
        raise ActionFailed(f"{name}: name must be valid as a DNS name component")
    if len(name) > longest:
        raise ActionFailed(f"{name}: name must be {longest} characters or fewer")


def check_secret_size(spec: SecretSpec) -> None:
    """Refuse a secret that is empty or too large."""
    if not 0 < len(spec.data) < _SECRET_LIMIT_BYTES:
        raise ActionFailed(f"secret data must be larger than 0 and less than {_SECRET_LIMIT_BYTES}")


def check_amounts(spec: ServiceSpec) -> None:
    """Refuse less memory than a container can have."""
    for amounts in (spec.reservations, spec.limits):
        if 0 < amounts.memory_bytes < _LEAST_MEMORY_BYTES:
            raise ActionFailed(
                f"invalid memory value {amounts.memory_bytes}: Must be at least 4MiB"
            )
