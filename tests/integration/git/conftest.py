"""A source, or a status branch, on a repository of the test's own."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
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

    def make(
        url: str, *, mirror: str = "status.git", longest: int = 5_000, **settings: Any
    ) -> StatusBranch:
        return StatusBranch(
            SourceSettings(id="course", url=url, **settings),
            tmp_path / mirror,
            clock=SteppingClock(),
            random=random.Random(7),
            wait=waits.append,
            longest=longest,
        )

    return make


@pytest.fixture
def trickle(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that never falls silent and never comes to an end; its address."""
    monkeypatch.setattr("reconciler.git.fetchers._GRACE_S", 0)  # nothing here ends by itself
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()

        def serve() -> None:
            with suppress(OSError), listener.accept()[0] as connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
                while not stop.wait(0.1):
                    connection.sendall(b"a")

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/config.git"
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
