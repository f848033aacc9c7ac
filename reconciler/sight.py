"""What this process sees of the cluster, reading by reading: one alone may mislead.

The decisions are pure (``converge.absence``, ``converge.losses``); what they remember is kept here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from reconciler.converge import absence, losses
from reconciler.converge.state import ObservedState
from reconciler.converge.world import Memory
from reconciler.ports import Cluster

_FIRST_READINGS = 3
"""So often is the first one compared with another: whichever is an older one, the next isn't."""


@dataclass(slots=True)
class Sight:
    """The cluster as it is believed to be. Belongs to the loop's thread; ``last`` to any."""

    cluster: Cluster
    last: ObservedState | None = None
    _read: ObservedState | None = None
    """The last one as the cluster told it."""
    _watch: losses.Watch = field(default_factory=losses.Watch)
    _missing: absence.Missing = field(default_factory=dict)

    def first(self, memory: Memory) -> tuple[ObservedState, bool]:
        """Read until two readings agree; tell whether any did: else nothing may be deleted."""
        observed = self.look(memory)
        for _ in range(_FIRST_READINGS):
            before, observed = observed, self.look(memory)
            if _services(before) == _services(observed):
                return observed, True
        return observed, False

    def look(self, memory: Memory, polled: Collection[str] | None = None) -> ObservedState:
        """Read once: only the tasks of the ``polled`` services, where that tells as much.

        Raises:
            ClusterUnavailable: It can't be read.
        """
        watch, self._watch = self._watch, self._watch.broken()  # it stays so if this fails
        last, self._read = self._read, None
        if polled is not None and last is not None and not self._missing:
            self._read = self.cluster.refresh(last, polled)
        if self._read is None:
            self._read = self.cluster.observe()
        read, self._missing = absence.complete(self._read, self.last, self._missing, memory)
        self._watch, self.last = losses.look(watch, read)
        return self.last


def _services(observed: ObservedState) -> frozenset[tuple[str, str]]:
    return frozenset((service.id, service.spec.name) for service in observed.services)
