"""No field of a service is read and then forgotten: the Swarm or the policy gets something else."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from policy.model.execution import Constraint, Operator
from reconciler.converge.state import LABEL_SPEC_HASH
from reconciler.converge.world import Assessment
from reconciler.manifest.secret_mount import SecretMount
from reconciler.manifest.spec import (
    Dependency,
    File,
    Healthcheck,
    Port,
    Service,
    Tmpfs,
    Ulimit,
    Volume,
)
from tests.builders import MIB, Ledger, batch, manifest, observed, resources, service, wanted

OTHER: dict[str, Any] = {
    "name": "other",
    "image": "alpine",
    "command": ("true",),
    "entrypoint": ("sh",),
    "environment": (("A", "1"),),
    "user": "1000",
    "working_dir": "/srv",
    "healthcheck": Healthcheck(test=("CMD", "true")),
    "depends_on": (Dependency(service="beside"),),
    "ports": (Port(name="page", target=80),),
    "volumes": (Volume(type="workspace", target="/work"),),
    "secrets": (SecretMount(target="key", swarm_name="key"),),
    "files": (File(source="a", blob="b" * 40, content_hash="c" * 64, target="/a"),),
    "tmpfs": (Tmpfs(target="/fast"),),
    "shm_bytes": MIB,
    "ulimits": (Ulimit(name="nofile", soft=10, hard=20),),
    "stop_grace_ms": 20_000,
    "labels": (("a", "1"),),
    "core": 2,
    "maximum": 2,
    "reservations": resources(cpus=1, memory=65 * MIB),
    "limits": resources(cpus=2, memory=MIB),
    "pids_limit": 100,
    "constraints": (
        Constraint(attribute="node.labels.tier", operator=Operator.NOT_EQUAL, value="a"),
    ),
    "spread": "node.labels.rack",
    "max_per_node": 1,
    "completes": True,
    "security_profile": "baseline",
    "revocable": False,
    "speedup": (1000, 1500),
}
POLICY_ONLY = {"constraints", "spread", "max_per_node", "revocable", "speedup"}


def assessed(changed: Service) -> Assessment:
    spec = batch(service("beside", completes=True), changed)
    return Ledger().assess(wanted(manifest(spec)), observed())


def rendered(found: Assessment) -> dict[str, Any]:
    """Return what the Swarm shall have, without the digest of what it was made of."""
    services = {
        name: replace(one, spec=replace(one.spec, labels={**one.spec.labels, LABEL_SPEC_HASH: ""}))
        for name, one in found.desired.services.items()
    }
    assert services
    return services


@pytest.mark.parametrize("field", [field.name for field in fields(Service)])
def test_a_field_is_of_consequence(field: str) -> None:
    """A new one needs another value in ``OTHER``, and ``render`` or ``queue`` to read it."""
    usual, changed = (
        assessed(service(maximum=3)),
        assessed(replace(service(maximum=3), **{field: OTHER[field]})),
    )
    if field in POLICY_ONLY:
        assert changed.snapshot.executions != usual.snapshot.executions
    else:
        assert rendered(changed) != rendered(usual)
