"""The keys that rank waiting executions. Ties are broken by name, so every order is total."""

from __future__ import annotations

from collections.abc import Iterable

from policy.model.execution import Execution


def by_arrival(executions: Iterable[Execution]) -> list[Execution]:
    """Return higher priorities first, then first come first served."""
    return sorted(executions, key=lambda e: (-e.priority, e.queued_ms, e.namespace, e.name, e.uid))
