"""The lab's engines as a Swarm: who has founded it, joined it, is Ready. Talks to the engines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import requests
from docker.errors import DockerException

from reconciler.cluster.lab.layout import LabState, Layout
from reconciler.errors import ClusterUnavailable

_SWARM_PORT = 2377
_NANOSECONDS_PER_MS = 1_000_000
_TASK_HISTORY = 5


@contextmanager
def engine(socket: Path, *, timeout_s: int = 120) -> Iterator[Any]:
    """Yield the low-level client of an engine.

    Raises:
        ClusterUnavailable: It doesn't answer, or refuses.
    """
    try:
        client = docker.APIClient(f"unix://{socket}", version="auto", timeout=timeout_s)
        try:
            yield client
        finally:
            client.close()
    except (DockerException, requests.RequestException) as error:
        raise ClusterUnavailable(f"the engine at {socket}: {error}") from error


def answers(socket: Path) -> bool:
    """Tell whether an engine is ready to be talked to."""
    if not socket.exists():
        return False
    try:
        with engine(socket, timeout_s=5) as client:
            return bool(client.ping())
    except ClusterUnavailable:
        return False


def is_member(socket: Path) -> bool:
    """Tell whether an engine belongs to a Swarm (its state survives restarts)."""
    with engine(socket) as client:
        return client.info()["Swarm"]["LocalNodeState"] not in {"inactive", "error"}


def found(layout: Layout, state: LabState) -> None:
    """Make the first node a Swarm of one."""
    with engine(layout.socket(1)) as client:
        client.init_swarm(
            advertise_addr=state.address(1),
            listen_addr=f"{state.address(1)}:{_SWARM_PORT}",
            swarm_spec={
                "Dispatcher": {"HeartbeatPeriod": state.heartbeat_ms * _NANOSECONDS_PER_MS},
                "Orchestration": {"TaskHistoryRetentionLimit": _TASK_HISTORY},
            },
        )


def join_tokens(socket: Path) -> tuple[str, str]:
    """Return a manager's tokens for managers and for workers."""
    with engine(socket) as client:
        tokens = client.inspect_swarm()["JoinTokens"]
        return tokens["Manager"], tokens["Worker"]


def join(layout: Layout, state: LabState, number: int, token: str) -> None:
    """Let a node join the Swarm that the first one founded."""
    with engine(layout.socket(number)) as client:
        client.join_swarm(
            remote_addrs=[f"{state.address(1)}:{_SWARM_PORT}"],
            join_token=token,
            listen_addr=f"{state.address(number)}:{_SWARM_PORT}",
            advertise_addr=state.address(number),
        )


def states(socket: Path) -> dict[str, str]:
    """Return host name -> ready, down, unknown or disconnected, as a manager sees its nodes.

    A node that was lost and came back under a new identity counts by its newer entry.
    """
    with engine(socket, timeout_s=10) as client:
        listed = sorted(client.nodes(), key=lambda node: str(node["CreatedAt"]))
    return {node["Description"]["Hostname"]: node["Status"]["State"] for node in listed}


def load(socket: Path, archive: Path) -> None:
    """Load an image archive into an engine."""
    with engine(socket, timeout_s=600) as client, archive.open("rb") as data:
        for progress in client.load_image(data, quiet=True) or ():
            if "error" in progress:
                raise ClusterUnavailable(f"{archive.name}: {progress['error']}")


def has_image(socket: Path, tag: str, image_id: str) -> bool:
    """Tell whether an engine has exactly this image under this tag."""
    with engine(socket) as client:
        return any(
            image["Id"] == image_id and tag in (image["RepoTags"] or ())
            for image in client.images()
        )
