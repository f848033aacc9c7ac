"""Others fill the Swarm: readings stay right, and take a bounded amount of memory, or are none."""

from __future__ import annotations

import copy
import json
import tempfile
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.cluster import connection
from reconciler.cluster.probe import OTHERS_MANY
from reconciler.cluster.swarm import SwarmCluster
from reconciler.errors import ClusterUnavailable
from tests.contract.cluster_driver import Stage, SwarmDriver, WallClock
from tests.contract.docker_proxy import DockerProxy

pytestmark = pytest.mark.swarm
FOREIGN = 20_000
MIB = 1024**2


@pytest.fixture
def stage(swarm: object) -> Iterator[Stage]:
    driver = SwarmDriver(swarm)
    yield Stage(driver)
    driver.close()


@pytest.fixture
def proxy(swarm: object) -> Iterator[DockerProxy]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # short enough for a socket
        proxy = DockerProxy(Path(folder) / "p.sock", swarm.docker_host)
        proxy.path = f"unix://{folder}/p.sock"
        yield proxy
        proxy.close()


@pytest.fixture
def through(stage: Stage, proxy: Any) -> Iterator[SwarmCluster]:
    cluster = SwarmCluster(stage.driver.deployment, clock=WallClock(), docker_host=proxy.path)
    yield cluster
    cluster.close()


def foreign(pattern: dict[str, Any], count: int) -> list[bytes]:
    """Return so many services of somebody else, like one that is there."""
    made = copy.deepcopy(pattern)
    found = []
    for number in range(count):
        made["ID"] = f"{number:025d}"
        made["Spec"]["Name"] = f"foreign-{number}"
        made["Spec"]["Labels"] = {"com.docker.stack.namespace": f"theirs-{number % 7}"}
        found.append(json.dumps(made).encode())
    return found


class Padding:
    """Makes a listing of services one in which ours stand among very many others."""

    def __init__(self, proxy: Any, through: SwarmCluster) -> None:
        """Take the one that is there for a pattern."""
        self.size = 0
        self._pattern: list[dict[str, Any]] = []
        proxy.rewrites["GET /services"] = self._look
        through.observe()
        self._others = b",".join(foreign(self._pattern[0], FOREIGN))

    def __call__(self, body: bytes) -> Iterator[bytes]:
        """Yield it, in parts."""
        self.size = len(self._others) + len(body)
        yield b"["
        yield self._others
        yield b"," + body.lstrip(b"[")

    def _look(self, body: bytes) -> list[bytes]:
        self._pattern = json.loads(body)
        return [body]


def endless(body: bytes) -> Iterator[bytes]:
    """Yield services as long as somebody listens."""
    some = b",".join(foreign(json.loads(body)[0], 1000)) + b","
    yield b"["
    while True:
        yield some


def test_ours_are_found_among_very_many_others(
    stage: Stage, proxy: Any, through: SwarmCluster, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("one", "two"):
        stage.cluster.create_service(stage.spec(name, replicas=0))
    expected = stage.cluster.observe()
    proxy.rewrites["GET /services"] = padding = Padding(proxy, through)
    found = through.observe()
    assert len(found.foreign_names) == FOREIGN
    assert {f"theirs-{n}" for n in range(7)} <= found.foreign_stacks
    assert found.services == expected.services
    assert found == replace(
        expected,
        taken_at=found.taken_at,
        watch=found.watch,
        tasks=found.tasks,  # other tests' may be on their way out
        foreign_names=found.foreign_names,
        foreign_stacks=found.foreign_stacks,
    )
    proxy.rewrites["GET /services"] = lambda body: [b" ", *padding(body)]  # so that it is read anew
    tracemalloc.start()
    again = through.observe()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert again.services[0] is found.services[0]
    assert peak < 1.5 * padding.size, "no more than the answer, and little beside it"
    told = [r for r in caplog.records if "aren't ours" in r.message]
    assert [record.__dict__["services"] for record in told] == [FOREIGN], "once"


def test_the_doctor_says_that_there_are_very_many_others(
    stage: Stage, proxy: Any, through: SwarmCluster
) -> None:
    stage.cluster.create_service(stage.spec("one", replicas=0))
    (calm,) = [f for f in through.probe() if f.code == "OtherServices"]
    assert calm.is_ok
    proxy.rewrites["GET /services"] = Padding(proxy, through)
    (finding,) = [f for f in through.probe() if f.code == "OtherServices"]
    assert not finding.is_ok
    assert finding.message.startswith(f"{FOREIGN} of {FOREIGN + 1} services aren't Zoe's")
    assert OTHERS_MANY < FOREIGN
    assert "docker service ls" in finding.remedy


def test_an_endless_listing_is_no_reading_and_what_to_do_is_said(
    stage: Stage, proxy: Any, through: SwarmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.cluster.create_service(stage.spec("one", replicas=0))
    before = through.observe()
    monkeypatch.setattr(connection, "ANSWER_MOST_BYTES", 4 * MIB)
    proxy.rewrites["GET /services"] = endless
    with pytest.raises(ClusterUnavailable, match=r"more than 4 MiB of services.*remove"):
        through.observe()
    proxy.rewrites.clear()
    assert through.observe().services == before.services


def test_an_engine_that_answers_by_drops_isnt_waited_for(
    stage: Stage, proxy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each part comes in time, the whole never would."""
    monkeypatch.setattr(connection, "_CHUNK_BYTES", 1)
    through = SwarmCluster(
        stage.driver.deployment, clock=WallClock(), docker_host=proxy.path, timeout_s=0.5
    )
    through.observe()

    def drops(_: bytes) -> Iterator[bytes]:
        pause = stage.driver._pause
        while not pause.wait(0.1):
            yield b" "

    proxy.rewrites["GET /tasks"] = drops
    with pytest.raises(ClusterUnavailable, match="more than 2 s to list its tasks"):
        through.observe()
    through.close()


def test_what_is_polled_between_whole_readings_is_one_call_or_none(
    stage: Stage, proxy: Any, through: SwarmCluster
) -> None:
    service_id = stage.cluster.create_service(stage.spec("one"))
    stage.until_states(service_id, "running")
    through.wait_for_event(5)

    def asked(*services: str) -> tuple[list[str]] | None:
        """Return the requests, if nothing was told of meanwhile."""
        state = through.observe()
        before = len(proxy.requests)
        return None if through.refresh(state, services) is None else (proxy.requests[before:],)

    assert stage.until(lambda _: asked(), "quiet") == ([],)
    ((request,),) = stage.until(lambda _: asked(service_id), "quiet")
    assert f"/tasks?filters=%7B%22service%22%3A+%5B%22{service_id}" in request
