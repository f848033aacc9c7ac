"""One run in a list: the same few fields wherever executions are listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """``state`` is the phase, ``reason`` its code, ``message`` a sentence, ``held`` who holds it.

    ``replicas`` says what it holds (``core 3, 2 of 5 elastic``). Of an ended or waiting one it is
    "". ``urls`` are where it can be reached now.
    """

    namespace: str
    name: str
    uid: str
    run: int
    state: str
    reason: str = ""
    message: str = ""
    type: str = ""
    zapp: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    replicas: str = ""
    urls: tuple[str, ...] = ()
    attempt: int = 0
    attempts: int | None = None
    held: str = ""
    queued_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    due_at: datetime | None = None

    @property
    def full_name(self) -> str:
        """NAMESPACE/NAME."""
        return f"{self.namespace}/{self.name}"
