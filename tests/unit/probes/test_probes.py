"""What is understood of an application's answers, and what never is, over real connections."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from reconciler.probes import asking, jupyter, page
from reconciler.probes.asking import NotUnderstood
from tests.fixtures.application import Handler, Server, moment, serving

HOUR = timedelta(hours=1)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


def ask(server: Server, token: str = "") -> asking.Ask:
    return asking.asking("127.0.0.1", server.server_port, token=token)


def notebook(
    *kernels: tuple[str, timedelta], last: timedelta = 3 * HOUR, terminals: object = ()
) -> dict[str, Any]:
    return {
        "/api/status": {"last_activity": moment(last), "kernels": len(kernels), "connections": 0},
        "/api/kernels": [
            {"execution_state": state, "last_activity": moment(ago)} for state, ago in kernels
        ],
        "/api/terminals": terminals,
    }


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        (notebook(), 3 * HOUR),
        (notebook(("idle", 2 * HOUR), ("dead", 4 * HOUR)), 2 * HOUR),
        (notebook(("busy", 9 * HOUR), ("idle", 2 * HOUR)), timedelta(0)),
        (notebook(("starting", 2 * HOUR)), 2 * HOUR),
        (notebook(terminals=[{"name": "1", "last_activity": moment(HOUR)}]), HOUR),
        (notebook() | {"/api/terminals": 404}, 3 * HOUR),
        (notebook(last=-HOUR), timedelta(0)),
    ],
    ids=["no kernel", "kernels at rest", "busy", "nobody connected", "terminal", "none", "future"],
)
def test_a_notebook_was_used_last_as_it_says(
    server: Server, pages: Mapping[str, Any], expected: timedelta
) -> None:
    server.pages.update(pages)
    assert jupyter.last_use(ask(server), "/") == expected


def test_a_notebook_is_asked_below_its_route_with_its_token_and_quietly(server: Server) -> None:
    server.pages.update({f"/lab/x{path}": page for path, page in notebook().items()})
    jupyter.last_use(ask(server, "s3cret"), "/lab/x/")
    assert server.asked == [
        (f"/lab/x/api/{part}?no_track_activity=1", "token s3cret")
        for part in ("status", "kernels", "terminals")
    ]


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ({"/api/status": 403}, "/api/status answers with HTTP 403"),
        ({"/api/status": []}, "/api/status isn't what a Jupyter server says"),
        ({"/api/status": {"last_activity": 5}}, "/api/status tells no moment"),
        ({"/api/status": {"last_activity": "2031-05-06T07:08:09"}}, "without its time zone"),
        ({"/api/kernels": 404}, "/api/kernels answers with HTTP 404"),
        ({"/api/kernels": {"a": 1}}, "/api/kernels isn't what"),
        ({"/api/kernels": [7]}, "/api/kernels isn't what"),
        ({"/api/kernels": [{"last_activity": moment(HOUR)}]}, "a state that isn't known"),
        ({"/api/kernels": [{"execution_state": "idle"}]}, "tells no moment"),
        (
            {"/api/kernels": [{"execution_state": ["idle"], "last_activity": moment(HOUR)}]},
            "a state that isn't known",
        ),
        ({"/api/terminals": 500}, "/api/terminals answers with HTTP 500"),
        ({"/api/terminals": [{"name": "1"}]}, "/api/terminals tells no moment"),
    ],
)
def test_a_notebook_that_answers_otherwise_is_unknown(
    server: Server, broken: Mapping[str, Any], why: str
) -> None:
    server.pages.update(notebook() | dict(broken))
    with pytest.raises(NotUnderstood, match=why):
        jupyter.last_use(ask(server), "/")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, timedelta(0)),
        (False, None),
        (2, timedelta(0)),
        (0, None),
        (0.5, timedelta(0)),
        (moment(HOUR), HOUR),
    ],
)
def test_a_page_says_it_by_a_moment_a_number_or_yes_and_no(
    server: Server, value: object, expected: timedelta | None
) -> None:
    server.pages["/use"] = {"a/b": [{"last": value}]}
    assert page.last_use(ask(server), "/use?x=1", "/a~1b/0/last") == expected


@pytest.mark.parametrize(
    "value",
    [
        None,
        "yesterday",
        "",
        [],
        {},
        b'{"last": NaN}',
        b'{"last": Infinity}',
        b"[" * 30_000,
        b"\xff",
    ],
)
def test_a_page_that_says_something_else_is_unknown(server: Server, value: object) -> None:
    server.pages["/use"] = value if isinstance(value, bytes) else {"last": value}
    with pytest.raises(NotUnderstood):
        page.last_use(ask(server), "/use", "/last")


def test_without_the_servers_own_time_a_moment_tells_nothing(server: Server) -> None:
    server.has_date = False
    server.pages["/use"] = {"last": moment(HOUR)}
    with pytest.raises(NotUnderstood, match="its own time"):
        page.last_use(ask(server), "/use", "/last")


def test_a_redirect_is_not_followed(server: Server) -> None:
    server.pages["/use"] = lambda handler: handler.reply(302, b"", {"Location": "/other"})
    server.pages["/other"] = {"last": False}
    with pytest.raises(NotUnderstood, match="HTTP 302"):
        page.last_use(ask(server), "/use", "/last")
    assert [path for path, _ in server.asked] == ["/use"]


def test_a_huge_answer_is_not_read(server: Server) -> None:
    server.pages["/use"] = b'{"last": false, "more": "' + b"x" * asking.LIMIT_BYTES + b'"}'
    with pytest.raises(NotUnderstood, match="sent more than 65536 bytes"):
        page.last_use(ask(server), "/use", "/last")


def trickle(handler: Handler, stop: threading.Event) -> None:
    """A header that never ends, some bytes now and then."""
    while not stop.wait(0.01):
        try:
            handler.wfile.write(b"X")
        except OSError:
            return


@pytest.mark.parametrize("kind", [trickle, lambda _, stop: stop.wait()], ids=["slow", "silent"])
def test_who_takes_too_long_is_cut_off(
    server: Server, kind: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "TIMEOUT_S", 0.1)
    stop = threading.Event()
    server.pages["/use"] = lambda handler: kind(handler, stop)
    try:
        with pytest.raises(NotUnderstood, match="no whole answer in time"):
            page.last_use(ask(server), "/use", "/last")
    finally:
        stop.set()


def test_nobody_there_is_unknown() -> None:
    with serving() as gone:
        port = gone.server_port
    with pytest.raises(NotUnderstood, match="can't reach"):
        page.last_use(asking.asking("127.0.0.1", port), "/", "/last")
