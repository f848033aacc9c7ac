"""The forwarder on this machine's loopback, before a gateway that asks for a password."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import pytest

from reconciler.errors import ConfigError, TransientError
from reconciler.net.forwarder import LOOPBACK, forwarding
from reconciler.net.socks import Proxy, WrongPassword

PASSWORD = "of-this-test-only"
REQUEST = b"\x05\x01\x00\x03\x04main\x1f\x90"


async def gateway(reader: StreamReader, writer: StreamWriter) -> None:
    """Ask for the password as microsocks does, then send back whatever comes."""
    with closing(writer):
        assert await reader.readexactly(3) == b"\x05\x01\x02"
        writer.write(b"\x05\x02")
        _, length = await reader.readexactly(2)
        user = await reader.readexactly(length)
        (length,) = await reader.readexactly(1)
        is_right = (user, await reader.readexactly(length)) == (b"zoe", PASSWORD.encode())
        writer.write(b"\x01\x00" if is_right else b"\x01\x01")
        while is_right and (data := await reader.read(1024)):
            writer.write(data)


async def silent(reader: StreamReader, writer: StreamWriter) -> None:
    """Answer as something that is no SOCKS server."""
    with closing(writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()


@asynccontextmanager
async def proxy(serve=gateway, password: str = PASSWORD) -> AsyncIterator[Proxy]:  # type: ignore[no-untyped-def]
    server = await asyncio.start_server(serve, LOOPBACK, 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield Proxy(host=LOOPBACK, port=port, user="zoe", password=password)


def test_a_browser_needs_no_password_and_is_passed_on_as_it_is() -> None:
    async def scenario() -> None:
        async with proxy() as there, forwarding(there, 0) as port:
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            with closing(writer):
                writer.write(b"\x05\x02\x00\x02")
                assert await reader.readexactly(2) == b"\x05\x00"
                writer.write(REQUEST)
                assert await reader.readexactly(len(REQUEST)) == REQUEST
                writer.write_eof()
                assert await reader.read() == b""

    asyncio.run(scenario())


@pytest.mark.parametrize("greeting", [b"\x04\x01\x00", b"GET / HTTP/1.1\r\n", b"\x05\x01\x02"])
def test_what_is_no_browser_of_ours_is_turned_away(greeting: bytes) -> None:
    async def scenario() -> bytes:
        async with proxy() as there, forwarding(there, 0) as port:
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            with closing(writer):
                writer.write(greeting)
                return await reader.read()

    assert asyncio.run(scenario()) in (b"", b"\x05\xff")


def test_a_wrong_password_is_told_before_anything_is_opened() -> None:
    async def scenario() -> None:
        async with proxy(password="wrong") as there, forwarding(there, 0):
            pytest.fail("it listens")

    with pytest.raises(WrongPassword, match="git fetch"):
        asyncio.run(scenario())


def test_what_is_no_gateway_is_told() -> None:
    async def scenario() -> None:
        async with proxy(silent) as there, forwarding(there, 0):
            pytest.fail("it listens")

    with pytest.raises(TransientError, match="isn't a gateway"):
        asyncio.run(scenario())


def test_a_port_that_is_taken_is_told() -> None:
    async def scenario() -> None:
        async with proxy() as there, forwarding(there, there.port):
            pytest.fail("it listens")

    with pytest.raises(ConfigError, match="--listen"):
        asyncio.run(scenario())
