"""The peer: what a script without any of Zoe does to start services on an overlay of their own.

It knows the Docker SDK only. The services' specs are given to it, so that both start the same.
"""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any

from docker.errors import APIError

POLL_S = 0.02
LONGEST_S = 120.0


def start(
    client: Any, name: str, specs: Sequence[Mapping[str, Any]], *, concurrency: int
) -> tuple[list[str], float]:
    """Create a network and the services on it; return their ids and when all were accepted."""
    network = client.create_network(name, driver="overlay", scope="swarm")["Id"]
    bodies = [adapted(spec, name=f"{name}-{i}", network=network) for i, spec in enumerate(specs)]
    with ThreadPoolExecutor(concurrency) as pool:
        ids = list(pool.map(lambda body: create(client, body), bodies))
    return ids, perf_counter()


def create(client: Any, body: Mapping[str, Any]) -> str:
    """Create a service; return its id."""
    created = client.create_service(
        body["TaskTemplate"],
        name=body["Name"],
        labels=body["Labels"],
        mode=body["Mode"],
        update_config=body.get("UpdateConfig"),
        endpoint_spec=body.get("EndpointSpec"),
    )
    return str(created["ID"])


def adapted(spec: Mapping[str, Any], *, name: str, network: str) -> dict[str, Any]:
    """Return a service's spec under another name and on another network."""
    body = copy.deepcopy(dict(spec)) | {"Name": name, "Labels": {"bench": name}}
    for attachment in body["TaskTemplate"].get("Networks", []):
        attachment["Target"] = network
    return body


def await_running(client: Any, ids: Collection[str]) -> float:
    """Wait until each service has a running task; return when that was."""
    pause = threading.Event()
    deadline = perf_counter() + LONGEST_S
    while True:
        tasks = client.tasks(filters={"service": list(ids)})
        up = {task["ServiceID"] for task in tasks if task["Status"]["State"] == "running"}
        now = perf_counter()
        if up >= set(ids):
            return now
        if now > deadline:
            raise TimeoutError(json.dumps([task["Status"] for task in tasks], default=str))
        pause.wait(POLL_S)


def remove(client: Any, name: str, ids: Collection[str]) -> None:
    """Remove the services, and the network once they let go of it."""
    for id_ in ids:
        client.remove_service(id_)
    await_gone(client, ids)
    remove_network(client, name)
    await_networks(client, {name})


def remove_network(client: Any, name: str) -> None:
    """Remove a network as soon as the tasks on other nodes have let go of it, too."""
    pause = threading.Event()
    deadline = perf_counter() + LONGEST_S
    while True:
        try:
            client.remove_network(name)
        except APIError as problem:
            if "in use by task" not in str(problem) or perf_counter() > deadline:
                raise
        else:
            return
        pause.wait(POLL_S)


def await_networks(client: Any, names: Collection[str]) -> None:
    """Wait until the engine itself has let go of the networks: it lags behind the Swarm."""
    pause = threading.Event()
    deadline = perf_counter() + LONGEST_S
    while {network["Name"] for network in client.networks()} & set(names):
        if perf_counter() > deadline:
            raise TimeoutError(f"networks {sorted(names)} don't go")
        pause.wait(POLL_S)


def await_gone(client: Any, ids: Collection[str]) -> None:
    """Wait until no container of the services is left, so that the next round starts afresh."""
    pause = threading.Event()
    deadline = perf_counter() + LONGEST_S
    while perf_counter() < deadline:
        names = client.containers(filters={"label": "com.docker.swarm.service.id"})
        left = {c["Labels"]["com.docker.swarm.service.id"] for c in names} & set(ids)
        if not left:
            return
        pause.wait(POLL_S)
    raise TimeoutError(f"containers of {sorted(ids)} don't go")
