"""Reads the logs of what somebody looks at, beside the loop: the page itself can't reach the Swarm.

A page asks by a row (``look_at``); as long as it goes on asking, the last lines are read and put
into the database for it. Only for namespaces that let pages show logs, and never more than a bound.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from policy.model.execution import Uid
from reconciler.converge.state import LABEL_NAMESPACE, ObservedState
from reconciler.converge.tasks import Group, groups_by_uid
from reconciler.errors import ActionFailed, ClusterUnavailable, Missing, TransientError
from reconciler.manifest.platform import Namespace
from reconciler.ports import Clock, Cluster, Store
from reconciler.reporting.records import Tail

log = logging.getLogger(__name__)

EVERY_S = 2.0
CLOSE_S = 5.0
ASKED_WITHIN = timedelta(seconds=30)
KEPT = timedelta(minutes=10)
MOST_RUNS = 20
MOST_SERVICES = 16
"""Of one run: each costs a request to the engine."""
LINES = 200
BYTES = 65_536

Around = Callable[[], tuple[ObservedState | None, Mapping[str, Namespace]]]
"""Returns the last reading of the cluster, and the namespaces in force. Any thread."""


@dataclass(slots=True)
class Tails:
    """A thread that reads logs while somebody asks for them."""

    store: Store
    cluster: Cluster
    clock: Clock
    around: Around
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _has_tails: bool = True
    """Whether something may be left to forget: also from before a restart."""

    def start(self) -> None:
        """Begin; once."""
        self._thread = threading.Thread(target=self._run, name="tails", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End; a read that hangs isn't waited for."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(CLOSE_S)

    def round(self) -> None:
        """Read what is asked for, once.

        Raises:
            TransientError: The database or the cluster is away.
        """
        now = self.clock.now()
        asked = self.store.looked_at(since=now - ASKED_WITHIN, limit=MOST_RUNS)
        if not asked and not self._has_tails:
            return
        found = [tail for uid in asked for tail in self._read(uid)]
        self.store.write_tails(found, keep_since=now - KEPT)
        # With nobody looking, what is left goes after its ten minutes, with the next who looks or
        # the hourly tidying.
        self._has_tails = bool(asked)

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            try:
                self.round()
            except TransientError as error:
                log.debug("logs not read", extra={"error": type(error).__name__})
            except Exception:
                # Whoever looks at a log must never end what makes the passes.
                log.exception("a fault in reading logs")

    def _read(self, uid: Uid) -> Iterator[Tail]:
        observed, namespaces = self.around()
        for group in _groups(observed, uid):
            namespace = namespaces.get(group.service.spec.labels.get(LABEL_NAMESPACE, ""))
            if namespace is None or not namespace.shows_logs:
                continue
            try:
                text = self.cluster.logs(group.service.id, tail=LINES, limit_bytes=BYTES)
            except (Missing, ActionFailed):
                continue
            except ClusterUnavailable as error:
                # The engine may hang over one log: those of other runs aren't to wait for it.
                log.debug("logs not read", extra={"execution": uid, "error": str(error)})
                return
            yield Tail(
                uid=uid,
                component=group.component,
                node=group.node_name,
                text=text,
                at=self.clock.now(),
            )


def _groups(observed: ObservedState | None, uid: Uid) -> Sequence[Group]:
    mine = () if observed is None else groups_by_uid(observed).get(uid, ())
    return sorted(mine, key=lambda g: (g.component, g.node_name, g.service.id))[:MOST_SERVICES]
