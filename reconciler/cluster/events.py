"""A thread that listens to the engine's events and tells only that something changed.

What changed is never read: events are a hint, the engine replays at most 256 of them and sends
none about tasks.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

from reconciler.errors import ReconcilerError

log = logging.getLogger(__name__)

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_JOIN_S = 2.0


class Stream(Protocol):
    """A blocking iterator over parts of a response, which another thread can close."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield as events arrive; end or raise when the stream breaks."""

    def close(self) -> None:
        """Break the stream off."""


class EventListener:
    """Listens from the first :meth:`wait` to :meth:`close`, reconnecting with growing pauses.

    Each break of the stream and each connection count as a change: what happened in between
    wasn't seen. ``breaks`` counts them: streams that ended, and connections that were refused.
    ``changes`` counts all changes, and ``hears`` tells whether a stream is open now.
    """

    def __init__(self, connect: Callable[[], Stream]) -> None:
        self.breaks = 0
        self.changes = 0
        self.hears = False
        self._connect = connect
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._stream: Stream | None = None
        self._thread: threading.Thread | None = None

    def wait(self, timeout_s: float) -> bool:
        """Wait for a change since the last call, at most ``timeout_s``; tell whether one came."""
        with self._lock:
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._run, name="swarm-events", daemon=True)
                self._thread.start()
        has_changed = self._changed.wait(timeout_s)
        self._changed.clear()
        return has_changed

    def close(self) -> None:
        """Stop listening, and wait for the thread unless the engine hangs."""
        with self._lock:
            self._stopping.set()
            stream, thread = self._stream, self._thread
        if stream is not None:
            stream.close()
        if thread is not None:
            thread.join(_JOIN_S)
        self._changed.set()  # whoever waits needn't any more

    def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._stopping.is_set():
            if self._listen():
                pause_s = _FIRST_PAUSE_S
            self._stopping.wait(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _listen(self) -> bool:
        """Follow one stream to its end; tell whether there was one."""
        try:
            stream = self._connect()
        except ReconcilerError as error:
            self.breaks += 1
            log.debug("event stream refused", extra={"error": str(error)})
            return False
        try:
            with self._lock:
                if self._stopping.is_set():
                    return True
                self._stream = stream
            self.hears = True
            self._tell()
            # A stream that is cut ends in whatever the layers below make of a dead socket.
            with contextlib.suppress(OSError, ValueError, AttributeError):
                for _ in stream:
                    self._tell()
        finally:
            self.hears = False
            self.breaks += 1
            with self._lock:
                self._stream = None
            stream.close()
            self._tell()
        return True

    def _tell(self) -> None:
        self.changes += 1
        self._changed.set()
