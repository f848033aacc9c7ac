"""When those of one assessment start, by the same forecast that the queue shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import cached_property

from policy.forecast import FITS_NOW, Expected, forecast
from policy.model.cluster import Snapshot
from policy.model.decision import Wait
from policy.model.execution import Uid
from policy.settings import PolicySettings
from reconciler.converge.instants import from_epoch_ms
from reconciler.converge.world import Assessment
from reconciler.review.cluster import NO_SNAPSHOT, Cluster

UNKNOWN_QUEUE = "no snapshot: queue unknown"


class Expectation:
    """The starts of an assessment; worked out once somebody asks for one that waits.

    Attributes:
        starts: Who starts with the next decision.
        waits: Who waits.
    """

    def __init__(self, found: Assessment, cluster: Cluster, settings: PolicySettings) -> None:
        self._found, self._cluster, self._settings = found, cluster, settings
        self.starts = {start.uid: start.allocations for start in found.decision.starts}
        self.waits = {wait.uid: wait for wait in found.decision.waits}

    def at(self, uid: Uid) -> datetime | None:
        """Return when an execution starts; None: nobody can know, or it doesn't wait."""
        if uid in self.starts:
            return self._cluster.observed.taken_at
        if not self._is_forecast(uid):
            return None
        at_ms = self._expected[uid].at_ms
        return None if at_ms is None else from_epoch_ms(at_ms)

    def basis(self, uid: Uid) -> str:
        """Return what that rests on, or why nobody can know."""
        if uid in self.starts:
            return FITS_NOW
        if uid not in self.waits:
            return ""
        if not self._is_forecast(uid):
            return UNKNOWN_QUEUE
        return self._expected[uid].basis or self._expected[uid].because

    def wait(self, uid: Uid) -> Wait | None:
        """Return where and why it waits; None: it doesn't, or the queue isn't known."""
        return self.waits[uid] if self._is_forecast(uid) else None

    def is_rough(self, uid: Uid) -> bool:
        """Tell whether the forecast looked coarsely, so that small differences mean nothing."""
        return self._is_forecast(uid) and self._expected[uid].is_rough

    def _is_forecast(self, uid: Uid) -> bool:
        return uid in self.waits and self._cluster.id != NO_SNAPSHOT

    @cached_property
    def _expected(self) -> Mapping[Uid, Expected]:
        snapshot = self._with_history(self._found.snapshot)
        return {told.uid: told for told in forecast(snapshot, self._settings)}

    def _with_history(self, snapshot: Snapshot) -> Snapshot:
        """Return the snapshot with estimates that only the cluster's own could tell."""
        known = self._cluster.estimates
        executions = (
            replace(e, estimate=known[e.uid])
            if e.uid in known and not (e.estimate and e.estimate.samples)
            else e
            for e in snapshot.executions
        )
        return replace(snapshot, executions=tuple(executions))
