"""What is left of a task that ended, taken before its service is removed."""

from __future__ import annotations

from datetime import datetime

from policy.model.execution import Uid
from reconciler.converge.tasks import Group
from reconciler.errors import ActionFailed, Missing
from reconciler.failpoints import Point, reach
from reconciler.ports import Cluster
from reconciler.reporting.records import Harvest

LOG_TAIL_LINES = 200


def harvest(cluster: Cluster, uid: Uid, group: Group, *, at: datetime) -> Harvest:
    """Fetch what the log still says: removing the service would lose it for good."""
    last = group.tasks[-1]
    tail = ""
    if group.node is not None and group.node.is_ready:
        try:
            tail = cluster.logs(group.service.id, tail=LOG_TAIL_LINES)
        except (Missing, ActionFailed):
            tail = ""
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
