"""Who is slow to send or to read, silent, or one of many: cut off, and nobody else notices."""

from __future__ import annotations

import socket
from contextlib import ExitStack, suppress

import pytest
from starlette.responses import PlainTextResponse

from tests.fixtures.receiver import github, hook_path, push
from tests.integration.webhook.served import Serving, serving

PATH = hook_path("github")
HEAD = f"POST {PATH} HTTP/1.1\r\nHost: x\r\n".encode()


def is_cut_off(connection: socket.socket) -> bool:
    with suppress(ConnectionResetError):
        return connection.recv(1) == b""
    return True


def deliver(served: Serving, identity: str) -> int:
    body = push()
    return served.request(PATH, body, github(body, identity=identity)).status


def test_a_header_that_never_ends_is_cut_off() -> None:
    with (
        serving(head_timeout_s=0.2) as served,
        served.connect() as silent,
        served.connect() as slow,
    ):
        slow.sendall(HEAD)
        assert is_cut_off(silent)
        assert is_cut_off(slow)


def test_the_second_request_of_a_connection_has_no_more_time_than_the_first() -> None:
    with serving(head_timeout_s=0.3) as served, served.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        with connection.makefile("rb") as answer:
            assert answer.readline().startswith(b"HTTP/1.1 200 ")
            while b"alive" not in answer.readline():
                pass
        connection.sendall(HEAD)
        assert is_cut_off(connection)


def test_a_body_that_never_ends_is_told_so_and_cut_off() -> None:
    with serving(body_timeout_s=0.2) as served, served.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: 100\r\n\r\nonly this")
        # The answer may come in several pieces; its end is that of the connection.
        with connection.makefile("rb") as answer:
            assert answer.read().startswith(b"HTTP/1.1 408 ")


def test_a_header_beyond_all_measure_is_refused() -> None:
    with serving() as served, served.connect() as connection:
        with suppress(ConnectionError):
            for _ in range(100):
                connection.sendall(b"X-Filler: " + b"x" * 1000 + b"\r\n")
        with suppress(ConnectionError):
            assert connection.recv(100)[9:12] in (b"400", b"431", b"")


def test_five_hundred_slow_senders_keep_nobody_out() -> None:
    patient = serving(head_timeout_s=300, body_timeout_s=300)
    with patient as served, ExitStack() as stack:
        slow = [stack.enter_context(served.connect()) for _ in range(500)]
        for number, connection in enumerate(slow):
            with suppress(ConnectionError):
                connection.sendall(HEAD if number % 2 else HEAD + b"Content-Length: 9\r\n\r\n{")
        assert [deliver(served, str(number)) for number in range(20)] == [202] * 20


def test_of_those_that_are_too_many_the_slowest_goes() -> None:
    with serving(most=2) as served, served.connect() as first, served.connect() as second:
        assert deliver(served, "a") == 202
        assert is_cut_off(first)
        second.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert second.recv(2000).startswith(b"HTTP/1.1 200 ")


def test_who_leaves_in_the_middle_of_a_body_does_no_harm() -> None:
    with serving() as served:
        for _ in range(5):
            with served.connect() as connection:
                connection.sendall(HEAD + b"Content-Length: 100\r\n\r\nonly this")
        assert deliver(served, "a") == 202
        assert len(served.inbox.deliveries) == 1


@pytest.mark.parametrize("path", ["/page", "/hooks/any"])
def test_who_takes_no_answer_keeps_nobody_out(path: str) -> None:
    """The second question finds the way back full, and its answer waits for its reader."""
    more_than_any_buffer = PlainTextResponse(b"x" * 32 * 1024**2)
    question = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    with serving(most=4, app=more_than_any_buffer) as served, ExitStack() as stack:
        deaf = [stack.enter_context(served.connect()) for _ in range(4)]
        for connection in deaf:
            connection.sendall(question * 2)
            assert connection.recv(13) == b"HTTP/1.1 200 "
        with served.connect() as reader:
            reader.sendall(question)
            assert reader.recv(13) == b"HTTP/1.1 200 "
        with deaf[0].makefile("rb") as rest, suppress(ConnectionResetError):
            assert len(rest.read()) < 32 * 1024**2, "it was the one that was waited for longest"
