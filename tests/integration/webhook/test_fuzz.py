"""Whatever is sent: 2xx or 4xx, never 5xx, and never a word of what is inside.

Requests come from the application's own description (schemathesis) and from raw bytes
(hypothesis), over real sockets.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from random import Random

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case

from reconciler.clock import SystemClock
from reconciler.store.inbox import SqlInbox
from tests.fixtures.receiver import DIALECTS, SECRET, github, hook_path, sent
from tests.integration.webhook.served import MemoryInbox, Serving, endpoints, serving
from tests.unit.webhook.payloads import KNOWN, body, disturbed
from webhook.app import create_app
from webhook.endpoint import derived_name
from webhook.providers import PROVIDERS

DESCRIBED = create_app(endpoints(), MemoryInbox(), SystemClock().now).openapi()
described = schemathesis.openapi.from_dict(DESCRIBED)
OVER_SOCKETS = settings(max_examples=60, deadline=None)
SPEAKING = ("Traceback", 'File "', "webhook/", "reconciler", SECRET)


@pytest.fixture(scope="module")
def served() -> Iterator[Serving]:
    with serving() as shared:
        yield shared
        body = b"{}"
        reply = shared.request(hook_path("github"), body, github(body, event="ping", identity="z"))
        assert reply.status == 200, "it must still be there afterwards"


def assert_harmless(status: int, text: str) -> None:
    assert status < 500
    assert not any(word in text for word in SPEAKING), text


@described.parametrize()
@OVER_SOCKETS
def test_what_the_description_allows_and_what_it_does_not(case: Case, served: Serving) -> None:
    for provider in ("github", "elsewhere"):
        if "name" in case.path_parameters:
            case.path_parameters["name"] = derived_name(provider, SECRET.encode())
        response = case.call(base_url=f"http://127.0.0.1:{served.port}")
        assert_harmless(response.status_code, response.text)


FIELD = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=60)
NAMES = st.sampled_from(
    [
        *(name for d in DIALECTS.values() for name in (d.event, d.identity, d.signature)),
        *("webhook-timestamp", "webhook-signature"),
        *("Content-Type", "Content-Encoding", "Expect", "Range", "Upgrade"),
    ]
)


@pytest.mark.parametrize("provider", PROVIDERS)
@given(fields=st.dictionaries(NAMES, FIELD, max_size=6), body=st.binary(max_size=200))
@OVER_SOCKETS
def test_any_header_and_body(
    provider: str, served: Serving, fields: dict[str, str], body: bytes
) -> None:
    reply = served.request(hook_path(provider), body, fields)
    assert_harmless(reply.status, reply.message)
    assert reply.status in (400, 401, 415) or DIALECTS[provider].is_token


EVENTS = st.sampled_from(["ping", *(event for _, event, _ in KNOWN)])


@pytest.mark.parametrize("provider", PROVIDERS)
@given(data=st.data(), body=st.binary(max_size=100) | st.text(max_size=100).map(str.encode))
@OVER_SOCKETS
def test_any_body_that_is_rightly_signed(
    provider: str, served: Serving, data: st.DataObject, body: bytes
) -> None:
    fields = sent(provider, body, event=data.draw(EVENTS), identity=data.draw(FIELD))
    reply = served.request(hook_path(provider), body, fields)
    assert_harmless(reply.status, reply.message)
    assert reply.status in (200, 202, 400)


def test_any_shape_of_what_is_rightly_signed_can_be_put_down(database_url: str) -> None:
    inbox = SqlInbox(database_url, random=Random(1))
    with inbox, serving(inbox) as served:

        @given(data=st.data(), identity=FIELD)
        @OVER_SOCKETS
        def send(data: st.DataObject, identity: str) -> None:
            provider, event, known = data.draw(st.sampled_from(KNOWN))
            content = body(data.draw(disturbed(known)))
            fields = sent(provider, content, event=event, identity=identity)
            reply = served.request(hook_path(provider), content, fields)
            assert reply.status in (200, 202, 400), reply

        send()


def exchanged(served: Serving, data: bytes) -> bytes:
    """Send bytes, say that there will be no more, and return all that comes back."""
    answer = b""
    with served.connect() as connection, suppress(ConnectionError):
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while part := connection.recv(65_536):
            answer += part
    return answer


TOKENS = st.sampled_from(
    [
        b"POST ",
        b"GET ",
        hook_path("github").encode(),
        b"/healthz",
        b" HTTP/1.1\r\n",
        b" HTTP/2.0\r\n",
        b"Host: x\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: upgrade\r\nUpgrade: websocket\r\n",
        b"\r\n",
        b"5\r\nhello\r\n",
        b"zz\r\n",
        b"0\r\n\r\n",
        b"hello",
        b"\x00",
        b"\xff\xfe",
    ]
)


@given(parts=st.lists(TOKENS | st.binary(max_size=20), max_size=14))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_at_all(served: Serving, parts: list[bytes]) -> None:
    answer = exchanged(served, b"".join(parts))
    assert b"HTTP/1.1 5" not in answer
    assert not any(word.encode() in answer for word in SPEAKING)
