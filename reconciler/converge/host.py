"""What this installation allows and provides to the executions that it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Where a storage lives on the nodes: a host path, or (empty) a Docker volume per node.

    ``is_whole``: everybody mounts all of it, not a folder of the namespace's own.
    """

    path: str = ""
    is_shared: bool = False
    is_read_only: bool = False
    is_whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateways:
    """What namespaces' gateways are made of: an image, and two ports each from a range.

    ``host`` is the name that people reach them under; without, the address of their node.
    """

    image: str
    first_port: int
    last_port: int
    host: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What this installation allows and provides; from zoe.toml, never from a repository."""

    deployment: str
    storages: Mapping[str, Storage] = field(default_factory=dict)
    security_profiles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    init_image: str = "busybox"
    encrypts_networks: bool = False
    gateways: Gateways | None = None
