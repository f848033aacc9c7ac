"""An installation of real parts only: the shared Swarm, a repository over HTTP, PostgreSQL, and
``zoe`` as processes of their own. Each test has its deployment, so that they don't meet.
"""

from __future__ import annotations

import fcntl
import os
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import docker
import pytest
import yaml

from reconciler.clock import SystemClock
from reconciler.converge.state import LABEL_DEPLOYMENT, LABEL_EXECUTION, LABEL_UID
from reconciler.errors import StoreUnavailable
from reconciler.store.repository import SqlStore
from tests.e2e.history import ServiceEvents
from tests.e2e.process import ZOE, Json, RunningZoe, finished
from tests.fixtures.git_servers import BareRepository
from tests.fixtures.swarm import Swarm, wait_for

STATUS_BRANCH = "zoe/status"


class Installation:
    """One deployment, seen from outside: what is pushed, what runs, what is told."""

    def __init__(
        self,
        *,
        deployment: str,
        repository: BareRepository,
        url: str,
        swarm: Swarm,
        engine: Any,
        database_url: str,
        folder: Path,
    ) -> None:
        self.deployment = deployment
        self.repository = repository
        self.url = url
        self.swarm = swarm
        self.engine = engine
        self.store = _store(deployment, database_url)
        self.folder = folder
        self.database_url = database_url
        self.program: tuple[str, ...] = (ZOE,)
        self._started: list[RunningZoe] = []
        self._read: tuple[int, dict[str, Json]] = (-1, {})
        self.folder.mkdir(parents=True)
        self._write_settings()

    # -- what people do

    def push(self, files: Mapping[str, str | None], **options: Any) -> str:
        """Commit to the branch; None deletes a file."""
        return self.repository.commit(files, **options)

    def zoe(self, *arguments: str, code: int = 0) -> str:
        """Run a verb to its end and return what it printed."""
        done = finished([*self.program, *arguments], self._environment)
        assert done.returncode == code, f"zoe {' '.join(arguments)}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def start(self, *command: str, environment: Mapping[str, str] | None = None) -> RunningZoe:
        """Start a ``zoe run``, or another verb that goes on until it is stopped."""
        command = command or ("run",)
        log = self.folder / f"{command[0]}-{len(self._started)}.log"
        started = RunningZoe([*self.program, *command], environment or self._environment, log)
        self._started.append(started)
        return started

    def use_database(self, url: str) -> None:
        """Go on with another database, as an operator who restored a backup does."""
        self.store.close()
        self.database_url, self._read = url, (-1, {})
        self.store = _store(self.deployment, url)
        self._write_settings()

    # -- what is told

    def statuses(self) -> dict[str, Json]:
        """Return the newest run's status document by namespace/name, from the database."""
        version = self.store.state_version()
        if version != self._read[0]:  # polled often, and read whole only where it changed
            rows = sorted(self.store.load().executions, key=lambda row: row.run)
            self._read = (version, {f"{row.namespace}/{row.name}": row.status for row in rows})
        return self._read[1]

    def status(self, name: str) -> Json:
        """Return the status of one execution; empty if there is none."""
        found: Json = self.statuses().get(name, {}).get("status", {})
        return found

    def part(self, name: str) -> tuple[int, int]:
        """Return how many replicas the first component was granted, and how many run."""
        components = self.status(name).get("components") or [{"granted": 0, "running": 0}]
        return components[0]["granted"], components[0]["running"]

    def condition(self, name: str, type_: str) -> Json:
        """Return one condition of an execution; empty if it isn't told."""
        conditions = self.status(name).get("conditions", [])
        return next((c for c in conditions if c["type"] == type_), {})

    def phases(self) -> dict[str, str]:
        return {name: document["status"]["phase"] for name, document in self.statuses().items()}

    def await_phases(self, expected: Mapping[str, str], *, timeout_s: float = 120) -> None:
        """Return once exactly these executions are told to be in these phases."""
        self.wait_until(
            lambda: self.phases() == expected, what=f"{dict(expected)}", timeout_s=timeout_s
        )

    @contextmanager
    def between_transfers(self) -> Iterator[None]:
        """Keep every zoe on this machine from fetching and pushing; wait for what is under way."""
        with ExitStack() as held:
            for path in sorted((self.folder / "state" / "mirrors").glob("*.lock")):
                lock = held.enter_context(path.open("ab"))
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def wait_until(
        self, condition: Callable[[], object], *, what: str, timeout_s: float = 120
    ) -> None:
        """Wait, and if it was in vain, show what is told and logged instead."""
        with suppress(AssertionError):
            wait_for(condition, what=what, timeout_s=timeout_s)
            return
        told = ["the database is away"]
        with suppress(StoreUnavailable):
            told = [
                f"{name}: {d['status']['phase']} {d['status'].get('message')}"
                for name, d in self.statuses().items()
            ]
        logs = [f"{run.log.name}:\n{run.log.read_text()[-3000:]}" for run in self._started]
        pytest.fail("\n".join([f"waited {timeout_s:g} s for {what}", *told, *logs]), pytrace=False)

    def await_log(self, name: str, *arguments: str) -> str:
        """Return what an execution printed, once there is any: it runs before it has a word."""
        printed = [""]

        def is_printed() -> bool:
            printed.append(self.zoe("logs", name, *arguments).strip())
            return bool(printed[-1])

        self.wait_until(is_printed, what=f"{name} to print something")
        return printed[-1]

    def published(self) -> dict[str, bytes]:
        """Return the files of the status branch."""
        return self.repository.files(STATUS_BRANCH)

    def published_phases(self) -> dict[str, str]:
        """Return the phases of executions that the status branch tells; sets have none."""
        documents = [
            yaml.safe_load(data)
            for path, data in self.published().items()
            if path.startswith("status/") and path.endswith(".yaml")
        ]
        return {
            f"{d['metadata']['namespace']}/{d['metadata']['name']}": d["status"]["phase"]
            for d in documents
            if "phase" in d["status"]
        }

    def published_commit(self) -> str | None:
        return self.repository.tip(STATUS_BRANCH)

    def settle(self) -> None:
        """Let ``zoe once`` bring everything about, and its batches end and be told."""
        self.zoe("once")
        running = [n for n, d in self.statuses().items() if d["status"]["type"] == "batch"]
        for name in running:
            self.wait_until(
                lambda name=name: not self.is_running(name.split("/")[1]), what=f"{name} to end"
            )
        if running:
            self.zoe("once")

    # -- what is there

    def services(self) -> list[Json]:
        """Return this deployment's services."""
        listed: list[Json] = self.engine.services(filters={"label": self._label})
        return listed

    def services_of(self, execution: str) -> list[Json]:
        """Return the services of an execution, by its name without the namespace."""
        return [s for s in self.services() if labels(s).get(LABEL_EXECUTION) == execution]

    def service_of(self, execution: str) -> Json:
        (service,) = self.services_of(execution)
        return service

    def versions(self) -> dict[str, int]:
        """Return each service's version, which rises with every write."""
        return {s["Spec"]["Name"]: s["Version"]["Index"] for s in self.services()}

    def configs(self) -> list[Json]:
        listed: list[Json] = self.engine.configs(filters={"label": self._label})
        return listed

    def secrets(self) -> list[Json]:
        """Return the Swarm secrets that this deployment made."""
        listed: list[Json] = self.engine.secrets(filters={"label": self._label})
        return listed

    def networks(self) -> list[Json]:
        listed: list[Json] = self.engine.networks(filters={"label": self._label})
        return listed

    def tasks(self) -> list[Json]:
        """Return the tasks of this deployment's services, those of the past too."""
        listed: list[Json] = self.engine.tasks(filters={"label": self._label})
        return listed

    def running_tasks(self, execution: str = "") -> dict[str, str]:
        """Return task id -> node id of all tasks, or one's, that run and are meant to."""
        services = {service["ID"] for service in self.services_of(execution)}
        return {
            task["ID"]: task["NodeID"]
            for task in self.tasks()
            if task["Status"]["State"] == task["DesiredState"] == "running"
            and (not execution or task["ServiceID"] in services)
        }

    def container_of(self, execution: str) -> Json:
        """Return what the engine of its node says of the container of an execution's one task."""
        task = self._running_task(execution)
        hostname: str = self.engine.inspect_node(task["NodeID"])["Description"]["Hostname"]
        engine = self.swarm.lab.docker_host_of(int(hostname.removeprefix("node")))
        with closing(docker.APIClient(engine, version="auto")) as client:
            id_ = task["Status"]["ContainerStatus"]["ContainerID"]
            found: Json = client.inspect_container(id_)
        return found

    def addresses_of(self, execution: str) -> list[str]:
        """Return the overlay addresses of an execution's one task."""
        attached = self._running_task(execution)["NetworksAttachments"]
        return [address.split("/")[0] for at in attached for address in at["Addresses"]]

    def _running_task(self, execution: str) -> Json:
        running = self.running_tasks()
        id_ = self.service_of(execution)["ID"]
        (task,) = [t for t in self.tasks() if t["ServiceID"] == id_ and t["ID"] in running]
        return task

    def is_running(self, execution: str) -> bool:
        """Tell whether any task of an execution runs, whatever is told of it."""
        ids = {service["ID"] for service in self.services_of(execution)}
        return any(
            task["ServiceID"] in ids and task["Status"]["State"] == "running"
            for task in self.tasks()
        )

    @contextmanager
    def watching(self) -> Iterator[list[str]]:
        """Record the name of every service of this deployment that is created meanwhile."""
        with ServiceEvents(self.swarm, "create") as creations:
            seen: list[str] = []
            yield seen
            uids = {labels(s)[LABEL_UID] for s in self.services()} - {""}
            uids |= {row.uid for row in self.store.load().executions}
            names = [name for _, name in creations.end()]
            seen += [name for name in names if any(uid in name for uid in uids)]

    # -- misfortunes

    @contextmanager
    def drained(self, hostname: str) -> Iterator[None]:
        """Drain a node, as an operator does before maintenance."""
        docker = self.swarm.docker
        docker("node", "update", "--availability", "drain", hostname)
        try:
            yield
        finally:
            docker("node", "update", "--availability", "active", hostname)

    @contextmanager
    def killed(self, hostname: str) -> Iterator[None]:
        """Let a node lose its power, and bring it back."""
        number = int(hostname.removeprefix("node"))
        self.swarm.kill_node(number)
        try:
            yield
        finally:
            self.swarm.start_node(number)
            self.swarm.lab.wait_ready()

    # -- the end

    def close(self) -> None:
        """End the processes and leave nothing of this deployment in the Swarm."""
        for started in self._started:
            started.kill()
        self.store.close()
        self._sweep()
        assert [fault for started in self._started for fault in started.faults()] == []

    def _sweep(self) -> None:
        for service in self.services():
            with suppress(docker.errors.NotFound):
                self.engine.remove_service(service["ID"])
        for config in self.configs():
            self.engine.remove_config(config["ID"])
        for secret in self.secrets():
            self.engine.remove_secret(secret["ID"])
        wait_for(self._networks_are_gone, what="the networks to go")

    def _networks_are_gone(self) -> bool:
        # An engine lists its own copy of a removed network for a while; only such have peers.
        networks = [n for n in self.networks() if n["Scope"] == "swarm" and not n.get("Peers")]
        for network in networks:
            with suppress(docker.errors.APIError):  # in use for a moment longer
                self.engine.remove_network(network["Id"])
        return not networks

    @property
    def _label(self) -> str:
        return f"{LABEL_DEPLOYMENT}={self.deployment}"

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "ZOE_CONFIG": str(self.folder / "zoe.toml")}

    def _write_settings(self) -> None:
        lines = [
            f'deployment = "{self.deployment}"',
            f'database_url = "{self.database_url}"',
            f'docker_host = "{self.swarm.docker_host}"',
            f'init_image = "{self.swarm.image}"',
            'state_dir = "state"',
            "interval_s = 1",
            "jitter_s = 0",
            "lease_ttl_s = 3",
            "publish_interval_s = 2",
            "[[source]]",
            'id = "platform"',
            f'url = "{self.url}"',
        ]
        (self.folder / "zoe.toml").write_text("\n".join(lines) + "\n")


def _store(deployment: str, url: str) -> SqlStore:
    store = SqlStore(url, deployment=deployment, clock=SystemClock(), random=random.Random(1))
    store.migrate()
    return store


def labels(service: Json) -> Json:
    """Return a service's labels."""
    found: Json = service["Spec"].get("Labels") or {}
    return found
