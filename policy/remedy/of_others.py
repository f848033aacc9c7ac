"""What the passing of time, or the leaving of others, does for a waiting execution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from policy.model.cluster import Snapshot
from policy.model.execution import Execution, Uid
from policy.words import listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """Others gone: those that run stopped, those that wait deleted."""

    kind: ClassVar[str] = "withdraw"
    uids: tuple[Uid, ...]
    names: tuple[str, ...]
    is_running: bool = False

    @classmethod
    def of(cls, executions: Sequence[Execution], *, is_running: bool = False) -> Withdraw:
        """Return the change in which these are away."""
        return cls(
            uids=tuple(e.uid for e in executions),
            names=tuple(full_name(e) for e in executions),
            is_running=is_running,
        )

    @property
    def told(self) -> str:
        """In words."""
        verb = "stop" if self.is_running else "withdraw"
        return f"{verb} {listed(self.names)}"

    def applied(self, snapshot: Snapshot, uid: Uid) -> Snapshot:
        """Return the snapshot with it."""
        left = tuple(e for e in snapshot.executions if e.uid not in self.uids)
        return replace(snapshot, executions=left)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing but patience: until then these have ended."""

    kind: ClassVar[str] = "wait"
    until_ms: int
    uids: tuple[Uid, ...] = ()
    names: tuple[str, ...] = ()
    for_: str = ""

    @property
    def told(self) -> str:
        """In words, without the time."""
        return (
            f"wait until {listed(self.names)} {_ends(self.names)}"
            if self.names
            else (f"wait for {self.for_}")
        )

    def applied(self, snapshot: Snapshot, uid: Uid) -> Snapshot:
        """Return the snapshot with it."""
        left = tuple(e for e in snapshot.executions if e.uid not in self.uids)
        return replace(snapshot, executions=left, now_ms=max(snapshot.now_ms, self.until_ms))


def full_name(execution: Execution) -> str:
    """Return NAMESPACE/NAME."""
    return f"{execution.namespace}/{execution.name}"


def _ends(names: tuple[str, ...]) -> str:
    return "ends" if len(names) == 1 else "end"
