"""Pictures to keep, and an archive of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from policy.model.execution import Uid
from reconciler.errors import StoreUnavailable
from reconciler.reporting.records import Board, Pulse
from reconciler.view.picture import Picture

AT = datetime(2026, 11, 22, 14, 20, tzinfo=UTC)


def document(name: str, phase: str = "Running") -> dict[str, Any]:
    return {"metadata": {"namespace": "aml", "name": name}, "status": {"phase": phase}}


def picture(version: int = 1, *names: str, **fields: Any) -> Picture:
    values: dict[str, Any] = {
        "deployment": "test",
        "version": version,
        "read_at": AT,
        "pulse": Pulse(at=AT, interval_s=30, commit="c" * 40),
        "documents": {Uid(name): document(name) for name in names},
        "board": Board(
            problems=({"path": "a.yaml", "line": 3},),
            zapps={"spark": {"parameters": [{"name": "share", "default": 0.5}]}},
        ),
        "snapshot_id": "s1",
        "snapshot": "{}",
    }
    return Picture(**values | fields)


class Shelf:
    """An archive that holds one picture, or is away (``held`` is None)."""

    def __init__(self, held: Picture | None) -> None:
        self.held = held
        self.asked_after: list[Picture | None] = []

    def picture(self, last: Picture | None) -> Picture:
        self.asked_after.append(last)
        if self.held is None:
            raise StoreUnavailable("the database postgresql://zoe@db isn't available")
        return self.held

    def wait(self, timeout_s: float, *, known: int) -> bool:
        return False
