"""The thread that listens for events, on streams made here."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

from reconciler.cluster.events import EventListener
from reconciler.errors import ClusterUnavailable

PATIENCE_S = 5.0


class Pipe:
    """A stream that yields what is put into it, until it is broken or closed."""

    def __init__(self) -> None:
        self.events: queue.Queue[bytes | Exception | None] = queue.Queue()
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        while (item := self.events.get(timeout=PATIENCE_S)) is not None:
            if isinstance(item, Exception):
                raise item
            yield item

    def close(self) -> None:
        self.closed.set()
        self.events.put(None)


class Engine:
    """Hands out pipes; each connection that it expects to refuse first costs one try."""

    def __init__(self, refusals: int = 0) -> None:
        self.pipes: queue.Queue[Pipe] = queue.Queue()
        self.refusals = refusals

    def connect(self) -> Pipe:
        if self.refusals:
            self.refusals -= 1
            raise ClusterUnavailable("down")
        pipe = Pipe()
        self.pipes.put(pipe)
        return pipe


def listening(engine: Engine) -> tuple[EventListener, Pipe]:
    """Return a listener whose first connection was told already."""
    listener = EventListener(engine.connect)
    assert listener.wait(PATIENCE_S)
    return listener, engine.pipes.get(timeout=PATIENCE_S)


def test_nothing_is_connected_before_somebody_waits() -> None:
    engine = Engine()
    EventListener(engine.connect).close()
    assert engine.pipes.empty()


def test_an_event_is_told_once() -> None:
    listener, pipe = listening(Engine())
    pipe.events.put(b"{}")
    assert listener.wait(PATIENCE_S)
    assert not listener.wait(0.01)
    listener.close()


def test_a_broken_stream_is_told_and_mended() -> None:
    engine = Engine()
    listener, pipe = listening(engine)
    pipe.events.put(ConnectionResetError("gone"))
    assert listener.wait(PATIENCE_S)
    again = engine.pipes.get(timeout=PATIENCE_S)
    assert pipe.closed.is_set()
    assert listener.wait(PATIENCE_S)
    again.events.put(b"{}")
    assert listener.wait(PATIENCE_S)
    assert listener.breaks == 1
    listener.close()


def test_an_engine_that_is_down_is_tried_again() -> None:
    listener, _ = listening(Engine(refusals=2))
    assert listener.breaks == 2
    listener.close()


def test_closing_ends_the_stream_the_thread_and_the_waiting() -> None:
    listener, pipe = listening(Engine())
    answers: queue.Queue[bool] = queue.Queue()
    waiting = threading.Thread(target=lambda: answers.put(listener.wait(60)))
    waiting.start()
    listener.close()
    waiting.join(PATIENCE_S)
    assert answers.get(timeout=PATIENCE_S)
    assert pipe.closed.is_set()
    assert "swarm-events" not in {thread.name for thread in threading.enumerate()}
    listener.close()
