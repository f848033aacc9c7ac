"""What came of a simulated run: a record for each application, and how full the cluster was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from policy.model.execution import Uid
from policy.simulator.application import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One application's life. Times are milliseconds; None: it never came to that.

    ``waited_ms`` is all the time spent in the queue, after preemptions too. ``revocations`` are
    the elastic replicas that it lost while it ran, ``runtime_ms`` how long it would have run with
    everything granted from its start. ``reason`` is why it waited at the end.
    """

    uid: Uid
    namespace: str
    kind: Kind
    queued_ms: int
    runtime_ms: int | None
    started_ms: int | None = None
    ended_ms: int | None = None
    waited_ms: int = 0
    revocations: int = 0
    preemptions: int = 0
    reason: str = ""

    @property
    def turnaround_ms(self) -> int | None:
        """From joining the queue to the end."""
        return None if self.ended_ms is None else self.ended_ms - self.queued_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupancy:
    """How much was held between the first and the last arrival: (dimension, permille of all)."""

    window_ms: int
    permille: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A simulated run. ``ended_ms`` is the time of its last event."""

    records: Mapping[Uid, Record]
    occupancy: Occupancy
    decisions: int
    ended_ms: int
