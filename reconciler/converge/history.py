"""How long earlier runs took, and what that says of the next: samples by application.

An application is a ZApp in a namespace; an execution without ZApp goes by the stem of its name
(``train-17`` is a ``train``). Where a namespace hasn't run a ZApp often enough, what others made
of it counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from policy.estimate import ENOUGH, HINTS_MS, estimate
from policy.model.execution import Estimate
from reconciler.manifest.spec import ExecutionSpec

Runtimes = Mapping[tuple[str, str], tuple[int, ...]]
"""(namespace, application) -> full-rate runtimes, the newest last; "" stands for all namespaces."""

SHORTEST_MS = 1_000
"""What ends within a pass is taken to have run this long: ends are seen once a second."""

_COUNTER = re.compile(r"[-.]?\d+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """One completed run: how long it would have taken with everything granted."""

    namespace: str
    application: str
    ended_at: datetime
    runtime_ms: int


def application_of(spec: ExecutionSpec, name: str) -> str:
    """Return what runs of the same kind have in common. No ZApp's name has a slash."""
    return spec.zapp or f"/{_COUNTER.sub('', name) or name}"


def expected(runtimes: Runtimes, namespace: str, name: str, spec: ExecutionSpec) -> Estimate | None:
    """Return how long an execution is expected to run; None where nothing is known."""
    application = application_of(spec, name)
    samples = runtimes.get((namespace, application), ())
    if len(samples) < ENOUGH and spec.zapp:
        samples = runtimes.get(("", application), ())
    return _estimate(samples, HINTS_MS.get(spec.size))


# A queue is mostly the same few applications.
_estimate = lru_cache(maxsize=4_096)(estimate)
