"""Streams of changes, who may be connected, and the end of the server, over real sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from time import monotonic

import pytest

from tests.fixtures.postgres import wait_until
from tests.fixtures.receiver import github, hook_path, push
from tests.fixtures.site import Site, execution_file
from tests.integration.webhook.observed import Observed, event, observed


@pytest.fixture
def web(site: Site) -> Iterator[Observed]:
    site.reconcile()
    with observed(site.settings, streams=3, most_reading=12) as web:
        wait_until(lambda: web.version() > 0)
        yield web


def test_a_change_is_told_with_whose_it_is_and_can_be_taken_up_again(
    site: Site, web: Observed
) -> None:
    with web.stream() as stream:
        assert stream.getheader("content-type", "").startswith("text/event-stream")
        assert event(stream, "pulse")["version"] == web.version()
        site.push({"executions/aml/job.yaml": execution_file("job")})
        site.reconcile()
        told = event(stream, "changed")
        assert told["names"] == ["aml/job"]
        assert told["version"] <= site.store.state_version()  # a push may have been noted since
        identity = ""
    with web.stream() as stream:
        site.push({"executions/aml/job.yaml": None})
        site.reconcile(passes=4)
        while not identity:
            line = stream.readline().decode()
            identity = line.removeprefix("id: ").strip() if line.startswith("id: ") else ""
        wait_until(lambda: web.version() == site.store.state_version())
    with web.stream({"Last-Event-ID": identity}) as stream:
        site.push({"executions/aml/late.yaml": execution_file("late")})
        site.reconcile()
        names: list[str] = []
        while "aml/late" not in names:
            found = event(stream, "changed")
            assert "everything" not in found
            names += found["names"]


def test_who_heard_something_unknown_is_told_to_look_at_everything(web: Observed) -> None:
    with web.stream({"Last-Event-ID": "of-another-server-7"}) as stream:
        assert event(stream, "changed") == {"everything": True}


def test_a_pass_that_changes_nothing_is_a_sign_of_life_only(site: Site, web: Observed) -> None:
    with web.stream() as stream:
        before = event(stream, "pulse")
        site.cluster.advance(5000)
        site.reconcile()
        after = event(stream, "pulse")
        assert after["passAt"] > before["passAt"]
        assert after["version"] == before["version"]


def test_of_too_many_streams_the_oldest_makes_room_and_comes_again_later(web: Observed) -> None:
    with ExitStack() as stack:
        first, *others = [stack.enter_context(web.stream()) for _ in range(4)]
        rest = first.read().decode()
        waits = [int(line.split()[1]) for line in rest.splitlines() if line.startswith("retry: ")]
        assert waits[-1] >= 30_000
        assert all(event(stream, "pulse") for stream in others)


def test_readers_keep_no_delivery_out_and_the_other_way_round(web: Observed) -> None:
    body = push()
    with ExitStack() as stack:
        for _ in range(3):
            event(stack.enter_context(web.stream()), "pulse")
        for _ in range(100):
            silent = socket.create_connection(("127.0.0.1", web.port), timeout=20)
            stack.enter_context(silent)
        assert web.get("/api/v1/glance").status == 200
        assert web.post(hook_path("github"), body, github(body)).status == 202
        with web.stream() as stream:
            assert event(stream, "pulse")


def test_more_readers_than_places_are_told_to_come_again(site: Site) -> None:
    site.reconcile()
    with observed(site.settings, streams=9, most_reading=2) as web, ExitStack() as stack:
        wait_until(lambda: web.version() > 0)
        for _ in range(2):
            event(stack.enter_context(web.stream()), "pulse")
        answer = web.get("/")
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert web.post(hook_path("github"), b"{}", {}).status == 401


def test_the_server_ends_with_streams_open(web: Observed) -> None:
    with ExitStack() as stack:
        streams = [stack.enter_context(web.stream()) for _ in range(3)]
        for stream in streams:
            event(stream, "pulse")
        began = monotonic()
        web.server.should_exit = True
        for stream in streams:
            while stream.readline():
                pass
        assert monotonic() - began < 3
