"""Pull requests: what each was shown, and whether it came so after the merge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class PullLine:
    """``state``: open, merged as planned, or merged with differences."""

    subject: str
    number: int | None
    head: str
    base: str
    at: datetime
    state: str
    sentence: str
    merged_as: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulls:
    """The newest first."""

    lines: tuple[PullLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PullView:
    """``comment`` is the Markdown that was posted; ``plan`` the same for machines."""

    line: PullLine
    comment: str
    differences: tuple[str, ...] = ()
    plan: Mapping[str, Any] = field(default_factory=dict)
