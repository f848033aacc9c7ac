"""What should exist on the Swarm: services with what they wait for, files, networks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.converge.secrets import Recipe
from reconciler.converge.state import NetworkSpec, ServiceSpec
from reconciler.manifest.spec import DependsCondition


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """Services of which enough must be up (``needed`` replicas in all) before another starts."""

    services: tuple[str, ...]
    condition: DependsCondition
    needed: int
    told_as: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredService:
    """A service that should exist, once its requirements are met.

    ``core`` is how many replicas its component needs over all of its groups.
    """

    spec: ServiceSpec
    requires: tuple[Requirement, ...] = ()
    core: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredConfig:
    """A config that should exist; its bytes are read only when it is created.

    They are ``data``, or the blob's, or what there is of the log of the service ``log_of``,
    compressed.
    """

    name: str
    labels: Mapping[str, str]
    blob: str = ""
    log_of: str = ""
    data: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredSecret:
    """A secret that should exist; its value is made only when it is created."""

    name: str
    labels: Mapping[str, str]
    recipe: Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredState:
    """Everything of ours that should exist, by name."""

    services: Mapping[str, DesiredService] = field(default_factory=dict)
    configs: Mapping[str, DesiredConfig] = field(default_factory=dict)
    networks: Mapping[str, NetworkSpec] = field(default_factory=dict)
    secrets: Mapping[str, DesiredSecret] = field(default_factory=dict)


def together(states: Iterable[DesiredState]) -> DesiredState:
    """Return what should exist for several executions; what they share is there once."""
    services: dict[str, DesiredService] = {}
    configs: dict[str, DesiredConfig] = {}
    networks: dict[str, NetworkSpec] = {}
    secrets: dict[str, DesiredSecret] = {}
    for state in states:
        services.update(state.services)
        configs.update(state.configs)
        networks.update(state.networks)
        secrets.update(state.secrets)
    return DesiredState(services=services, configs=configs, networks=networks, secrets=secrets)
