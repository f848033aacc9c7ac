"""What people's verbs make of the API's answers."""

from __future__ import annotations

import socket
from datetime import UTC, datetime

import pytest

from reconciler.cli import server
from reconciler.errors import ConfigError, Missing, TargetUnavailable
from reconciler.view import encoding
from reconciler.view.event import EventLine, Events
from tests.fixtures.api_server import ApiServer, Reply, problem

AT = datetime(2026, 11, 22, 14, 20, tzinfo=UTC)


def there() -> server.Server:
    found = server.configured()
    assert found is not None
    return found


def test_a_view_comes_back_as_it_was_sent(api_server: ApiServer) -> None:
    view = Events(lines=(EventLine(id=1, at=AT, reason="FirstSeen", message="ü"),), next="x")
    api_server.always(Reply(encoding.to_json(view)))
    asked = there().read(Events, "events", namespace="aml", after=0, follow=False, name=None)
    assert asked == view
    assert api_server.requests == [("events", {"namespace": "aml", "after": "0"})]


def test_paths_and_parameters_arrive_whatever_they_hold(api_server: ApiServer) -> None:
    api_server.always(Reply({}))
    there().get("executions/a ?#&ü/b", labels="x=1,!y", all_runs=True)
    assert api_server.requests == [
        ("executions/a ?#&ü/b", {"labels": "x=1,!y", "all_runs": "true"})
    ]


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (problem(404, "no execution aml/x: did you mean aml/y?"), Missing, "did you mean aml/y?"),
        (problem(400, "'==' isn't part of a selector"), ConfigError, "isn't part of a selector"),
        (problem(503, "nothing is known yet"), TargetUnavailable, "nothing is known yet"),
        (problem(403, "not from here"), TargetUnavailable, "answers 403: not from here"),
        (problem(404, "\x1b[31mred"), Missing, "�[31mred"),
        (Reply(b"<html>", 404, "text/html"), TargetUnavailable, "isn't a zoe web"),
        (Reply(b"oops", 502, "text/html"), TargetUnavailable, "can't answer now"),
        (Reply(b"<html>login</html>", 200, "text/html"), TargetUnavailable, "isn't a zoe web"),
        (Reply(b"[" * 100_000), TargetUnavailable, "isn't a zoe web"),
        (Reply([]), TargetUnavailable, "can't read"),
        (Reply({}), TargetUnavailable, "can't read"),
    ],
)
def test_what_isnt_an_answer_is_told_kindly(
    api_server: ApiServer, reply: Reply, kind: type[Exception], words: str
) -> None:
    api_server.always(reply)
    with pytest.raises(kind) as caught:
        there().read(Events, "events")
    assert words in str(caught.value)


def test_an_answer_that_leads_elsewhere_isnt_followed(api_server: ApiServer) -> None:
    api_server.always(Reply(b"", 302, location="http://user:secret@elsewhere.example/"))
    with pytest.raises(TargetUnavailable, match=r"leads to http://elsewhere\.example/") as caught:
        there().get("events")
    assert len(api_server.requests) == 1
    assert "secret" not in str(caught.value)


def test_the_environments_proxy_is_used_but_for_this_machine(
    api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    api_server.always(Reply({}))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # nothing is there
    there().get("events")
    assert len(api_server.requests) == 1
    monkeypatch.setenv("http_proxy", api_server.url)
    server.Server(url="http://lab.example").get("queue")
    assert api_server.requests[1:] == [("queue", {})]


def test_a_server_that_isnt_there_or_says_nothing_is_told_with_what_to_look_at() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(TargetUnavailable, match=r"no answer within 0\.05 s"):
            server.Server(url=url, timeout_s=0.05).get("events")
    with pytest.raises(TargetUnavailable, match="is ZOE_SERVER right"):
        server.Server(url=url).get("events")


@pytest.mark.parametrize(
    "url",
    [
        "lab.example",
        "ftp://lab.example",
        "http://",
        "http://[",
        "http://lab.example:port",
        "http://lab.example/?q=1",
        "http://me:secret@lab.example",
        "http://lab example",
        "http://lab.example/\x00",
    ],
)
def test_an_address_that_cant_be_used_is_refused_with_the_variable(url: str) -> None:
    with pytest.raises(ConfigError, match="ZOE_SERVER") as caught:
        server.configured({"ZOE_SERVER": url})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("end", ["", "/", "/api/v1", "/api/v1/"])
def test_an_address_may_end_as_people_copy_it(end: str) -> None:
    found = server.configured({"ZOE_SERVER": f" https://lab.example/zoe{end}"})
    assert found == server.Server(url="https://lab.example/zoe")
    assert server.configured({"ZOE_SERVER": ""}) is None
