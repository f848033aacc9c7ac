"""Engines that aren't there, or that accept and never answer. No Docker needed."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.cluster.fake import VirtualClock
from reconciler.cluster.swarm import SwarmCluster
from reconciler.converge.state import ConfigSpec
from reconciler.errors import ClusterUnavailable

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def path() -> Iterator[Path]:
    # pytest's own folders make longer names than a socket may have.
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder) / "e.sock"


@pytest.fixture
def cluster(path: Path) -> Iterator[SwarmCluster]:
    cluster = SwarmCluster(
        "t", clock=VirtualClock(LONG_AGO), docker_host=f"unix://{path}", timeout_s=1
    )
    yield cluster
    cluster.close()


def test_making_one_connects_to_nothing(cluster: SwarmCluster) -> None:
    cluster.close()
    cluster.close()


def test_an_engine_that_isnt_there_is_unavailable(cluster: SwarmCluster) -> None:
    with pytest.raises(ClusterUnavailable):
        cluster.observe()
    with pytest.raises(ClusterUnavailable):
        cluster.create_config(ConfigSpec(name="c", labels={}, data=b""))
    with pytest.raises(ClusterUnavailable):
        cluster.remove_service("s", uid="u")


def test_an_engine_that_never_answers_is_unavailable(cluster: SwarmCluster, path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        with pytest.raises(ClusterUnavailable):
            cluster.observe()


def test_the_doctor_says_what_to_do(cluster: SwarmCluster) -> None:
    (finding,) = cluster.probe()
    assert (finding.code, finding.is_ok) == ("EngineUnreachable", False)
    assert "docker_host" in finding.remedy


def test_waiting_for_an_engine_that_is_down_ends_in_time(cluster: SwarmCluster) -> None:
    assert not cluster.wait_for_event(0.05)
