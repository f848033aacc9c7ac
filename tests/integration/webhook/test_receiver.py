"""The receiver over real sockets: what it answers, and what it puts down."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from reconciler.errors import StoreUnavailable
from reconciler.inbox import Outcome
from tests.fixtures.receiver import DIALECTS, OLD_SECRET, github, hook_path, push, sent
from tests.integration.webhook.served import MemoryInbox, Serving, serving
from webhook.body import LIMIT_BYTES

GITHUB = hook_path("github")


@pytest.fixture(scope="module")
def shared() -> Iterator[Serving]:
    with serving() as served:
        yield served


@pytest.fixture
def served(shared: Serving) -> Serving:
    shared.inbox.deliveries.clear()
    return shared


def put_down(served: Serving) -> list[tuple[str, str, Outcome]]:
    return [(d.source_id, d.kind, d.outcome) for d in served.inbox.deliveries]


def test_a_push_is_accepted_once(served: Serving) -> None:
    body = push()
    first = served.request(GITHUB, body, github(body))
    again = served.request(GITHUB, body, github(body, secret=OLD_SECRET))
    assert (first.status, first.message) == (202, "a push to main")
    assert (again.status, again.message) == (200, "seen before")
    assert put_down(served)[0] == ("github", "push", Outcome.LOOK)


@pytest.mark.parametrize(
    ("event", "body", "told"),
    [
        ("ping", b'{"zen": "Design for failure."}', "ping: the secret is right"),
        ("push", push("refs/heads/zoe/status"), "our own status branch"),
        ("push", push("refs/heads/topic"), "no push to main"),
        ("push", push(after="0" * 40), "main was deleted"),
        ("star", b"{}", "this event changes nothing here"),
    ],
)
def test_what_concerns_nobody_here_is_answered_well(
    served: Serving, event: str, body: bytes, told: str
) -> None:
    reply = served.request(GITHUB, body, github(body, event=event, identity=told))
    assert (reply.status, reply.message) == (200, told)
    assert {outcome for *_, outcome in put_down(served)} == {Outcome.IGNORED}


def test_each_provider_signs_in_its_own_way(served: Serving) -> None:
    body, json_type = push(), {"Content-Type": "application/json"}
    for provider, dialect in DIALECTS.items():
        path, fields = hook_path(provider), sent(provider, body)
        others = sent(provider, body, identity="d-2")
        assert served.request(path, body, fields).status == 202
        assert served.request(path, body + b" ", others).status == (
            202 if dialect.is_token else 401
        )
        assert served.request(path, body, json_type).status == 401


def test_a_form_is_understood_from_github_and_refused_with_a_remedy_from_others(
    served: Serving,
) -> None:
    form = urlencode({"payload": push().decode()}).encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert served.request(GITHUB, form, github(form) | kind).status == 202
    reply = served.request(hook_path("gitea"), form, sent("gitea", form) | kind)
    assert (reply.status, reply.message) == (
        415,
        "choose the content type application/json for this webhook",
    )


def test_what_is_unsigned_is_not_read_any_further(
    served: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse(*_: object) -> None:
        raise AssertionError("an unsigned body was parsed")

    monkeypatch.setattr(json, "loads", parse)
    connection = served.connect()
    with connection:
        head = f"POST {GITHUB} HTTP/1.1\r\nHost: x\r\nX-GitHub-Event: push\r\n"
        head += f"X-Hub-Signature-256: sha256={'0' * 64}\r\nContent-Length: 2\r\n\r\n"
        connection.sendall(head.encode() + b"{}")
        assert connection.recv(100).startswith(b"HTTP/1.1 401 ")
    assert put_down(served) == []


def test_elsewhere_is_nothing(served: Serving) -> None:
    body = push()
    for path in ("/hooks/github", "/hooks/", f"{GITHUB}/", f"{GITHUB}x", "/hooks/%ff"):
        assert served.request(path, body, github(body)).status == 404, path
    for path in ("/hooks", "/", "/healthz"):
        assert served.request(path, body, github(body)).status == 405, path
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS"):
        assert served.request(GITHUB, method=method).status == 405
    assert served.request("/openapi.json", method="GET").status == 404


def test_a_body_may_be_as_large_as_the_limit_and_no_larger(served: Serving) -> None:
    body = push()[:-1] + b" " * (LIMIT_BYTES - len(push())) + b"}"
    assert len(body) == LIMIT_BYTES
    assert served.request(GITHUB, body, github(body)).status == 202
    body += b" "
    assert served.request(GITHUB, body, github(body)).status == 413
    (_,) = served.inbox.deliveries


def test_a_body_in_parts_of_unknown_length_is_held_to_the_limit_too(served: Serving) -> None:
    with served.connect() as connection:
        head = f"POST {GITHUB} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode())
        part = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        for _ in range(17):
            connection.sendall(part)
        connection.sendall(b"0\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_body_that_announces_gigabytes_is_refused_unread(served: Serving) -> None:
    with served.connect() as connection:
        head = f"POST {GITHUB} HTTP/1.1\r\nHost: x\r\nContent-Length: {10**10}\r\n\r\n"
        connection.sendall(head.encode())
        answer = connection.recv(2000)
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close" in answer.lower()


def test_signed_nonsense_is_the_senders_fault(served: Serving) -> None:
    for body in (b"", b"{", b"[]", b"[" * 100_000):
        assert served.request(GITHUB, body, github(body)).status == 400


class AwayInbox(MemoryInbox):
    """An inbox whose database is away."""

    def record(self, deliveries: object) -> tuple[bool, ...]:
        raise StoreUnavailable("the database postgresql://zoe@db isn't available")

    def check(self) -> None:
        self.record(())


def test_without_a_database_the_forge_is_asked_to_come_again() -> None:
    body = push()
    with serving(AwayInbox()) as served:
        reply = served.request(GITHUB, body, github(body))
        assert (reply.status, reply.message) == (503, "the database is away: send it again later")
        ready = served.request("/readyz", method="GET")
        assert ready.status == 503
        assert "postgresql" not in ready.message
        assert served.request("/healthz", method="GET").status == 200
