"""Manifests of small executions: a shell, a line to run, and little to reserve."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

SMALL = {"reservations": {"cpus": 0.05, "memory": "16MiB"}}
# Every node of the lab has the CPUs of this machine.
HALF_MILLIS = len(os.sched_getaffinity(0)) * 500
HALF = {"reservations": {"cpus": f"{HALF_MILLIS}m", "memory": "16MiB"}}
WORKSPACE = {"volumes": [{"type": "workspace", "target": "/work"}], "user": "1000:1000"}
FOREVER = "exec sleep 86400"
STAYS = {"line": f"trap '' TERM; {FOREVER}", "stop_grace_period": "2s"}
"""Takes a while to stop."""


def service(line: str = FOREVER, **fields: Any) -> dict[str, Any]:
    """Return a service that runs a line of shell."""
    return {"image": "busybox", "command": ["sh", "-c", line], "resources": SMALL, **fields}


def execution(
    name: str,
    services: Mapping[str, Any] | None = None,
    *,
    type_: str = "interactive",
    **spec: Any,
) -> str:
    """Return an Execution; without services one that does nothing for ever."""
    body = {"type": type_, **spec, "services": services or {"main": service()}}
    document = {
        "apiVersion": "zoe/v1",
        "kind": "Execution",
        "metadata": {"name": name},
        "spec": body,
    }
    return json.dumps(document, indent=2)  # which is YAML too


def batch(name: str, line: str, *, spec: Mapping[str, Any] | None = None, **fields: Any) -> str:
    """Return a batch Execution of one service; ``fields`` are the service's."""
    return execution(name, {"main": service(line, **fields)}, type_="batch", **(spec or {}))


def sweep(name: str, count: int, line: str, **rules: Any) -> str:
    """Return an ExecutionSet of batches of one service each, whose keys count from 0."""
    template = {"type": "batch", "services": {"main": service(line)}}
    document = {
        "apiVersion": "zoe/v1",
        "kind": "ExecutionSet",
        "metadata": {"name": name},
        "spec": {"items": {"from": 0, "to": count - 1}, **rules, "template": {"spec": template}},
    }
    return json.dumps(document, indent=2)


def web(page: str, **fields: Any) -> dict[str, Any]:
    """Return a service that serves a page on a port of its node and knows when it is healthy."""
    line = f"mkdir -p /tmp/www && echo {page} >/tmp/www/index.html && "
    return service(
        f"{line}exec httpd -f -p 8080 -h /tmp/www",
        ports=[{"name": "http", "target": 8080, "app_protocol": "http", "path": "/"}],
        healthcheck={"test": "wget -qO- http://127.0.0.1:8080/", "interval": "1s"},
        **fields,
    )


def path(name: str, namespace: str = "aml") -> str:
    """Return where the manifest of an execution belongs."""
    return f"executions/{namespace}/{name}.yaml"


def sized(name: str, core: int, most: int | None = None, **spec: Any) -> str:
    """Return an Execution of equal replicas, of which a node holds just two."""
    return execution(name, {"main": replicas(core, most)}, **spec)


def replicas(core: int, most: int | None = None, **fields: Any) -> dict[str, Any]:
    """Return a service whose replicas reserve half a node each."""
    count = {"core": core, "max": core if most is None else most}
    return service(**{"resources": HALF, "replicas": count, **fields})


def platform(**spec: Any) -> str:
    """Return a Platform."""
    document = {
        "apiVersion": "zoe/v1",
        "kind": "Platform",
        "metadata": {"name": "platform"},
        "spec": spec,
    }
    return json.dumps(document, indent=2)


QUICK = {"platform.yaml": platform(policy={"regrowAfter": "1s", "minimumGrant": "1s", "slack": 0})}
"""Replicas come back, and may go again, at once."""


def namespace(name: str, **spec: Any) -> str:
    """Return a Namespace."""
    document = {
        "apiVersion": "zoe/v1",
        "kind": "Namespace",
        "metadata": {"name": name},
        "spec": spec,
    }
    return json.dumps(document, indent=2)
