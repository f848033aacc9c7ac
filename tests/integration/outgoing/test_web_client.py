"""One request to a real server: bounded in time and size, and only to fit places."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import ConfigError, DeliveryRefused, TargetUnavailable
from reconciler.net.web_client import Place, is_fit, send
from tests.fixtures.forge_server import ForgeServer, Scripted


@pytest.fixture
def server(forge_server: Callable[..., ForgeServer]) -> Iterator[ForgeServer]:
    found = forge_server("hook")
    yield found
    found.gate.set()


def get(server: ForgeServer, *, timeout_s: float = 10, limit_bytes: int = 100_000):
    place = Place.of(f"{server.url}/a?b=c")
    return send("GET", place, headers={}, timeout_s=timeout_s, limit_bytes=limit_bytes)


def test_an_answer_comes_whole(server: ForgeServer) -> None:
    server.answer_next(Scripted(418, {"X-Tea": "yes"}, '{"message": "short\\u001b[31m"}'))
    answer = get(server)
    assert (answer.status, answer.headers["x-tea"], server.calls) == (418, "yes", ["GET /a?b=c"])
    assert answer.words() == "short\N{REPLACEMENT CHARACTER}[31m"


def test_a_server_that_trickles_is_cut_off(server: ForgeServer) -> None:
    server.gate.clear()
    began = monotonic()
    with pytest.raises(TargetUnavailable, match="no whole answer in time"):
        get(server, timeout_s=0.3)
    assert monotonic() - began < 5


def test_an_answer_without_end_is_not_read(server: ForgeServer) -> None:
    server.answer_next(Scripted(200, body="x" * 1001))
    with pytest.raises(TargetUnavailable, match="more than 1000 bytes"):
        get(server, limit_bytes=1000)


def test_an_answer_that_is_nested_without_end_is_no_data(server: ForgeServer) -> None:
    server.answer_next(Scripted(500, body="[" * 90_000))
    answer = get(server)
    assert answer.data() is None
    assert answer.words().startswith("[[[")


@pytest.mark.parametrize("url", ["http://a..b", f"https://{'a' * 70}.example"])
def test_an_address_that_nobody_can_have_is_refused(url: str) -> None:
    with pytest.raises(DeliveryRefused, match="is no address that can be asked"):
        send("GET", Place.of(url), headers={})


def test_nobody_there_may_heal() -> None:
    with pytest.raises(TargetUnavailable, match=r"can't reach 127.0.0.1:1: "):
        send("GET", Place.of("http://127.0.0.1:1"), headers={})


def test_the_environments_proxy_is_not_used(
    server: ForgeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert get(server).is_success


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "fe80::1",
        "::ffff:169.254.169.254",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
    ],
)
def test_places_that_nobody_serves_from_are_not_talked_to(address: str) -> None:
    assert not is_fit(address)
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(DeliveryRefused, match="nobody serves from"):
        send("GET", Place.of(f"http://{host}/latest/meta-data"), headers={})


@pytest.mark.parametrize(
    "address", ["::ffff:10.1.2.3", "127.0.0.1", "::1", "10.1.2.3", "192.168.0.9", "140.82.112.4"]
)
def test_the_lab_and_the_internet_are_talked_to(address: str) -> None:
    assert is_fit(address)


@given(st.text(max_size=40))
def test_no_text_is_a_place_that_crashes(text: str) -> None:
    for url in (text, f"http://{text}", f"https://host{text}"):
        try:
            place = Place.of(url)
        except ConfigError:
            continue
        assert place.host
