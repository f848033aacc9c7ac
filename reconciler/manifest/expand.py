"""Services with their expressions replaced.

Two steps, since other services may ask for a service's replicas and amounts: first those, which
may use parameters and ``execution.*`` only, then the rest, which may use ``services.*`` too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from policy.model.execution import Uid
from policy.model.resources import Resources
from reconciler.manifest import quantities, routes
from reconciler.manifest.diagnostic import Complaint, Path, Problem
from reconciler.manifest.expressions import Scope, Substitution

_FIRST = ("replicas", "resources")
_MIB = 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What ``execution.*`` stands for; ``given`` are more names, of an item of a set."""

    name: str
    namespace: str
    uid: Uid
    run: int
    commit: str
    given: Mapping[str, object] = field(default_factory=dict)

    def scope(self) -> dict[str, object]:
        """Return the names and values that expressions may use."""
        return {
            **self.given,
            "execution.name": self.name,
            "execution.namespace": self.namespace,
            "execution.uid": self.uid,
            "execution.run": self.run,
            "execution.commit": self.commit,
        }


def expand(
    services: Mapping[str, Any],
    *,
    parameters: Mapping[str, Any],
    identity: Identity,
    defaults: Resources,
    path: Path,
) -> tuple[dict[str, Any], list[Problem]]:
    """Return the services with every expression replaced, and what couldn't be.

    ``defaults`` are the reservations of a service that names none; ``path`` is where the services
    stand in the document.
    """
    if "{{" not in str(services):
        return dict(services), []
    problems: list[Problem] = []
    scope: dict[str, object] = identity.scope()
    scope |= {f"parameters.{name}": value for name, value in parameters.items()}
    first = Substitution(scope, problems)
    sized = {
        name: {
            key: first.apply(value, (*path, name, key)) if key in _FIRST else value
            for key, value in service.items()
        }
        for name, service in services.items()
    }
    known = dict(scope)
    for name, service in sized.items():
        scope |= _service_scope(name, service, identity.name, defaults)
        scope |= _route_scope(name, service, identity.name, known)
    rest = Substitution(scope, problems)
    expanded = {
        name: {
            key: value if key in _FIRST else rest.apply(value, (*path, name, key))
            for key, value in service.items()
        }
        for name, service in sized.items()
    }
    return expanded, problems


def _service_scope(
    name: str, service: Mapping[str, Any], execution: str, defaults: Resources
) -> Scope:
    replicas = service.get("replicas", 1)
    core, maximum = replicas, replicas
    if isinstance(replicas, dict):
        core, maximum = replicas.get("core"), replicas.get("max")
    resources = service.get("resources", {})
    cpus = _amount(resources, "cpus", quantities.cpu_millis) or defaults.cpu_millis
    memory = _amount(resources, "memory", quantities.memory_bytes) or defaults.memory_bytes
    return {
        f"services.{name}.host": f"{name}.{execution}",
        f"services.{name}.replicas": maximum,
        f"services.{name}.core": core,
        f"services.{name}.cpus": max(1, cpus // 1000),
        f"services.{name}.memory_mib": max(1, memory // _MIB),
    }


def _route_scope(name: str, service: Mapping[str, Any], execution: str, known: Scope) -> Scope:
    """Return the path of a service on its namespace's gateway, where it has one.

    What is wrong with its ports is told when they are replaced for good.
    """
    trial = Substitution(known, [])
    ports = [
        {key: trial.apply(value, ()) if key == "target" else value for key, value in port.items()}
        for port in service.get("ports", ())
    ]
    found = routes.written_path({"ports": ports}, execution=execution, component=name)
    return {} if found is None else {f"services.{name}.route": found}


def _amount(resources: Mapping[str, Any], name: str, measure: Callable[[object], int]) -> int:
    """Return the limit, else the reservation; 0 where neither is said or readable.

    Unreadable ones are reported where resources are built.
    """
    for part in ("limits", "reservations"):
        try:
            amount = measure((resources.get(part) or {}).get(name, 0))
        except Complaint:
            continue
        if amount:
            return amount
    return 0
