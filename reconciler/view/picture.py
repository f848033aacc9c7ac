"""What is known of everything, as it was when the database was last read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from policy.model.execution import Uid
from reconciler.records import Board, Pulse


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The statuses of all runs that are kept, and what goes with them.

    ``version`` is the database's ``state_version``; ``read_at`` when that was last seen to be the
    newest; ``is_stale`` that it can't be asked now. ``snapshot`` is the text of the last pass's
    (``converge.snapshots``), which is only parsed where somebody decides on it.
    """

    deployment: str = ""
    version: int = 0
    read_at: datetime
    is_stale: bool = False
    pulse: Pulse | None = None
    documents: Mapping[Uid, Mapping[str, Any]] = field(default_factory=dict)
    board: Board = field(default_factory=Board)
    snapshot_id: str = ""
    snapshot: str = ""
