"""What is left of a task that ended, taken before its service is removed."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from policy.model.execution import NodeId, Uid
from reconciler.converge.tasks import Group
from reconciler.errors import ActionFailed, ClusterUnavailable, Missing
from reconciler.failpoints import Point, reach
from reconciler.ports import Cluster
from reconciler.reporting.records import Harvest

log = logging.getLogger(__name__)

LOG_TAIL_LINES = 200
PASSES_MOST = 3
"""So many passes in a row may fail for a log that can't be read; then all go on without it."""


@dataclass(slots=True)
class Harvester:
    """Takes results off the cluster. An engine that lists everything may hang over one log."""

    cluster: Cluster
    _failed: int = 0
    _silent: set[NodeId] = field(default_factory=set)
    """Nodes that results were stored of without a log: no pass fails for one of them again."""

    def take(self, ended: Iterable[tuple[Uid, Group]], *, at: datetime) -> tuple[Harvest, ...]:
        """Fetch what logs still say: removing the services would lose it for good.

        Raises:
            ClusterUnavailable: One couldn't be read, and it is tried again.
        """
        unread: dict[NodeId, str] = {}
        try:
            found = tuple(self._harvest(uid, group, at, unread) for uid, group in ended)
        except ClusterUnavailable:
            self._failed += 1
            raise
        self._failed = 0
        return found

    def _harvest(self, uid: Uid, group: Group, at: datetime, unread: dict[NodeId, str]) -> Harvest:
        last = group.tasks[-1]
        is_ready = group.node is not None and group.node.is_ready
        tail = self._tail(uid, group, unread) if is_ready else ""
        reach(Point.RESULT_READ)
        return Harvest(
            uid=uid,
            attempt=group.attempt,
            component=group.component,
            node=group.node_name,
            exit_code=last.exit_code,
            error=last.error,
            log_tail=tail,
            at=at,
        )

    def _tail(self, uid: Uid, group: Group, unread: dict[NodeId, str]) -> str:
        """Return the end of a log, or why there is none; ``unread`` are nodes and errors so far."""
        node = group.service.spec.node
        if node in unread:  # each would be waited for as long
            return f"zoe didn't ask for this log, after another one of its node: {unread[node]}\n"
        try:
            text = self.cluster.logs(group.service.id, tail=LOG_TAIL_LINES)
        except (Missing, ActionFailed):
            return ""
        except ClusterUnavailable as error:
            if self._failed < PASSES_MOST and node not in self._silent:
                raise
            log.warning("log not read", extra={"execution": uid, "error": str(error)})
            self._silent.add(node)
            unread[node] = str(error)
            return f"zoe couldn't read this log: {error}\n"
        self._silent.discard(node)
        return text
