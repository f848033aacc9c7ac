"""The lab's engines as a Swarm: who has founded it, joined it, is Ready. Talks to the engines."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import docker
import requests
from docker.errors import DockerException, NotFound

from reconciler.cluster.lab import host
from reconciler.cluster.lab.layout import LabState, Layout
from reconciler.errors import ClusterUnavailable

_SWARM_PORT = 2377
_PING_S = 2
_NANOSECONDS_PER_MS = 1_000_000
_TASK_HISTORY = 5
_INGRESS = "ingress"  # the one overlay that every node is in from the start


@contextmanager
def engine(path: Path, *, timeout_s: int = 120) -> Iterator[Any]:
    """Yield the low-level client of an engine.

    Raises:
        ClusterUnavailable: It doesn't answer, or refuses.
    """
    if not answers(path):  # the SDK's client leaks its connections when it can't be made
        raise ClusterUnavailable(f"the engine at {path} doesn't answer")
    try:
        client = docker.APIClient(f"unix://{path}", version="auto", timeout=timeout_s)
        try:
            yield client
        finally:
            client.close()
    except (DockerException, requests.RequestException) as error:
        raise ClusterUnavailable(f"the engine at {path}: {error}") from error


def answers(path: Path) -> bool:
    """Tell whether an engine is ready to be talked to; cheap enough to poll with."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_PING_S)
            connection.connect(str(path))
            connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


def form(layout: Layout, state: LabState) -> None:
    """Let the first node found a Swarm and the others join it, as far as they haven't yet."""
    founder = layout.socket(1)
    if not _is_member(founder):
        _found(layout, state)
    outside = [number for number in state.numbers if not _is_member(layout.socket(number))]
    if not outside:
        return
    with engine(founder) as client:
        tokens = client.inspect_swarm()["JoinTokens"]
    for number in (number for number in outside if number <= state.managers):
        _join(layout, state, number, tokens["Manager"])
    host.in_parallel(
        lambda number: _join(layout, state, number, tokens["Worker"]),
        [number for number in outside if number > state.managers],
    )


def _is_member(path: Path) -> bool:
    with engine(path) as client:
        return client.info()["Swarm"]["LocalNodeState"] not in {"inactive", "error"}


def _found(layout: Layout, state: LabState) -> None:
    with engine(layout.socket(1)) as client:
        client.init_swarm(
            advertise_addr=state.address(1),
            listen_addr=f"{state.address(1)}:{_SWARM_PORT}",
            swarm_spec={
                "Dispatcher": {"HeartbeatPeriod": state.heartbeat_ms * _NANOSECONDS_PER_MS},
                "Orchestration": {"TaskHistoryRetentionLimit": _TASK_HISTORY},
            },
        )


def _join(layout: Layout, state: LabState, number: int, token: str) -> None:
    with engine(layout.socket(number)) as client:
        client.join_swarm(
            remote_addrs=[f"{state.address(1)}:{_SWARM_PORT}"],
            join_token=token,
            listen_addr=f"{state.address(number)}:{_SWARM_PORT}",
            advertise_addr=state.address(number),
        )


def states(path: Path) -> dict[str, str]:
    """Return host name -> ready, down, unknown or disconnected, as a manager sees its nodes.

    A node that was lost and came back under a new identity counts by its newer entry.
    """
    with engine(path, timeout_s=10) as client:
        return by_hostname(client.nodes())


def by_hostname(nodes: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return host name -> state of nodes as a manager lists them.

    One that has only just joined hasn't told its name yet, and isn't there.
    """
    return {
        name: str(node["Status"]["State"])
        for node in sorted(nodes, key=lambda node: str(node["CreatedAt"]))
        if (name := node["Description"].get("Hostname"))
    }


def gossip(path: Path) -> frozenset[str]:
    """Return the addresses that a node exchanges overlay addresses with, its own included.

    A node that is Ready but missing here has no working overlay to this one. Empty for a node
    that doesn't answer.
    """
    with suppress(ClusterUnavailable), engine(path, timeout_s=10) as client, suppress(NotFound):
        peers = client.inspect_network(_INGRESS).get("Peers") or ()
        return frozenset(peer["IP"] for peer in peers)
    return frozenset()


def load(path: Path, archive: Path) -> None:
    """Load an image archive into an engine."""
    with engine(path, timeout_s=600) as client, archive.open("rb") as data:
        for progress in client.load_image(data, quiet=True) or ():
            if "error" in progress:
                raise ClusterUnavailable(f"{archive.name}: {progress['error']}")


def has_image(path: Path, tag: str, image_id: str) -> bool:
    """Tell whether an engine has exactly this image under this tag."""
    with engine(path) as client:
        return any(
            image["Id"] == image_id and tag in (image["RepoTags"] or ())
            for image in client.images()
        )
