"""A source, or a status branch, on a repository of the test's own."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.config import SourceSettings
from reconciler.git.source import GitSource
from reconciler.git.status_branch import StatusBranch


class SteppingClock:
    """A second passes with each look."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., GitSource]:
    """Return a factory: ``source(url, timeout_s=1)``; all share one mirror."""

    def make(url: str, **settings: Any) -> GitSource:
        return GitSource(SourceSettings(id="course", url=url, **settings), tmp_path / "mirror.git")

    return make


@pytest.fixture
def waits() -> list[float]:
    """The delays that status branches asked for, instead of waiting."""
    return []


@pytest.fixture
def status(tmp_path: Path, waits: list[float]) -> Callable[..., StatusBranch]:
    """Return a factory: ``status(url)``; ``mirror`` names its repository."""

    def make(url: str, *, mirror: str = "status.git", **settings: Any) -> StatusBranch:
        return StatusBranch(
            SourceSettings(id="course", url=url, **settings),
            tmp_path / mirror,
            clock=SteppingClock(),
            random=random.Random(7),
            wait=waits.append,
        )

    return make
