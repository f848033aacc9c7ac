"""Who counts as listening, over real connections: one that is kept, and none that is closed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from reconciler.probes.knock import is_answered


@contextmanager
def listening(then: Callable[[socket.socket], None]) -> Iterator[int]:
    """Lend a port whose one visitor is treated like this."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            there, _ = server.accept()
            with closing(there):
                then(there)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def waits_for_a_word(there: socket.socket) -> None:
    assert there.recv(99) == b""  # the visitor leaves, and never said one


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        (waits_for_a_word, True),
        (lambda there: there.sendall(b"SSH-2.0"), True),
        (lambda _: None, False),
    ],
    ids=["a server", "one that speaks first", "a proxy with nobody behind it"],
)
def test_who_keeps_a_connection_listens(
    then: Callable[[socket.socket], None], expected: bool
) -> None:
    with listening(then) as port:
        assert is_answered("127.0.0.1", port) is expected


def test_a_refusal_is_nobody_and_nonsense_is_not_known() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    assert is_answered("127.0.0.1", port) is False
    assert is_answered("169.254.169.254", 80) is None
    assert is_answered("", 80) is None
