"""What `zoe doctor` says of an engine and its Swarm. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.cluster.container import NO_NEW_PRIVILEGES_API
from reconciler.cluster.dictionary import OLDEST_API, ApiVersion
from reconciler.cluster.failures import NOT_A_MANAGER
from reconciler.cluster.text import one_line
from reconciler.converge.state import ObservedNode

OTHERS_MANY = 2000
"""So many services that aren't ours are worth a word: all are read again and again."""
OTHERS_REMEDY = "remove what nobody needs (`docker service ls`), or give Zoe a Swarm of its own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at. ``remedy`` is empty where nothing is wrong."""

    code: str
    is_ok: bool
    message: str
    remedy: str = ""


def parse_api(text: str) -> ApiVersion:
    """Return an API version such as 1.41 as a pair that can be compared."""
    major, _, minor = text.partition(".")
    return int(major), int(minor or 0)


def unreachable(reason: str) -> Finding:
    """Return the finding for an engine that doesn't answer."""
    return Finding(
        code="EngineUnreachable",
        is_ok=False,
        message=reason,
        remedy="start the engine, or set docker_host (or DOCKER_HOST) to where it listens",
    )


def examine(info: Mapping[str, Any], api: ApiVersion) -> tuple[Finding, ...]:
    """Return the findings about one engine from its ``/info``."""
    return (_engine(info, api), _swarm(info), _privileges(info, api))


def examine_nodes(nodes: Sequence[ObservedNode]) -> tuple[Finding, ...]:
    """Return the findings about the Swarm's nodes."""
    ready = [node for node in nodes if node.is_ready]
    workers = [node for node in ready if node.is_active and not node.is_manager]
    has_workers = bool(workers) or len(nodes) == 1
    lost = sorted(node.hostname for node in nodes if not node.is_ready)
    return (
        Finding(
            code="NodesReady",
            is_ok=not lost,
            message=f"{len(ready)} of {len(nodes)} nodes are ready"
            + (f" (not {', '.join(lost)})" if lost else ""),
            remedy="see `docker node ls`" if lost else "",
        ),
        Finding(
            code="Workers",
            is_ok=has_workers,
            message=f"{len(workers)} workers take tasks",
            # A restarting engine kills its containers: on a manager that costs the Swarm too.
            remedy="" if has_workers else "join a worker, so that no workload runs on a manager",
        ),
    )


def examine_services(ours: int, others: int, size_bytes: int) -> Finding:
    """Return the finding about what each whole reading of the Swarm has to go through."""
    told = (
        f"{others} of {ours + others} services aren't Zoe's ({size_bytes / 1e6:.1f} MB a reading)"
    )
    return Finding(
        code="OtherServices",
        is_ok=others < OTHERS_MANY,
        message=told,
        remedy="" if others < OTHERS_MANY else OTHERS_REMEDY,
    )


def _engine(info: Mapping[str, Any], api: ApiVersion) -> Finding:
    is_ok = api >= OLDEST_API
    oldest = ".".join(map(str, OLDEST_API))
    version = one_line(str(info.get("ServerVersion", "?")), limit=60)
    return Finding(
        code="EngineVersion",
        is_ok=is_ok,
        message=f"engine {version}, API {api[0]}.{api[1]}",
        remedy="" if is_ok else f"upgrade it: API {oldest} (engine 20.10) is the oldest that works",
    )


def _swarm(info: Mapping[str, Any]) -> Finding:
    swarm = info.get("Swarm") or {}
    state = str(swarm.get("LocalNodeState") or "inactive")
    is_manager = state == "active" and bool(swarm.get("ControlAvailable"))
    if is_manager:
        return Finding(code="SwarmManager", is_ok=True, message="the engine is a Swarm manager")
    where = "a worker" if state == "active" else f"not part of a Swarm ({state})"
    return Finding(
        code="SwarmManager",
        is_ok=False,
        message=f"the engine is {where}",
        remedy=NOT_A_MANAGER.format(where="it").partition(": ")[2],
    )


def _privileges(info: Mapping[str, Any], api: ApiVersion) -> Finding:
    options = [str(option) for option in info.get("SecurityOptions") or ()]
    is_refused = api >= NO_NEW_PRIVILEGES_API or any("no-new-privileges" in o for o in options)
    if is_refused:
        return Finding(code="NoNewPrivileges", is_ok=True, message="workloads gain no privileges")
    return Finding(
        code="NoNewPrivileges",
        is_ok=False,
        # Engine 20.10 obeys the option without telling: only a container can.
        message="this engine doesn't say whether workloads can gain privileges by setuid",
        remedy='set "no-new-privileges": true in daemon.json of every node',
    )
