"""``deploy/stack.yaml`` on a lab, by the lines of docs/stack.md; seen from outside."""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker
import yaml

from reconciler.converge.state import LABEL_DEPLOYMENT, LABEL_EXECUTION
from tests.fixtures.swarm import Swarm, wait_for
from tests.zapps.readme import steps

ROOT = Path(__file__).parents[2]
STACK = ROOT / "deploy/stack.yaml"
PAGE = ROOT / "docs/stack.md"
NAME = "zoe"
SECRETS = ("zoe-ledger-key", "zoe-git-token", "zoe-pgpass", "zoe-web-pgpass")
DEPLOYMENT = "of-a-stack"
PORT = 18_080
MINUTES_5 = 300
NOTHING: Mapping[str, str] = {}
SERVICES: tuple[str, ...] = tuple(yaml.safe_load(STACK.read_text())["services"])


class DeployedStack:
    """One stack, typed in a folder of its own; ``close`` leaves nothing of it."""

    def __init__(self, swarm: Swarm, engine: Any, folder: Path, url: str) -> None:
        self._swarm = swarm
        self._engine = engine
        self._folder = folder
        self._node = engine.info()["Swarm"]["NodeID"]
        (folder / "deploy").symlink_to(ROOT / "deploy")
        (folder / "token").write_text("of no use here")
        forge = urlsplit(url)
        (folder / "settings").write_text(_settings(f"http://forge{forge.path}"))
        over = {name: {"healthcheck": {"interval": "2s"}} for name in SERVICES}
        over["forge"] = _forwarder(f"{forge.hostname}", f"{forge.port}", swarm.image)
        (folder / "here.yaml").write_text(yaml.safe_dump({"version": "3.8", "services": over}))

    # -- what an operator does

    def follow(
        self,
        heading: str,
        number: int,
        *,
        images: Mapping[str, str] = NOTHING,
        changes: Mapping[str, str] = NOTHING,
    ) -> str:
        """Type a block of docs/stack.md in the names of this place; return what it printed.

        ``images`` are variables for ``zoe.env``, ``changes`` patterns of the page's text. Compose
        files in the folder are laid over the stack: ``here.yaml``, and ``older.yaml`` if it is.
        """
        shell = [step for step in steps(PAGE, heading) if step.language == "sh"][number].text
        socket = self._swarm.docker_host.removeprefix("unix://")
        more = {**images, "DOCKER_SOCKET": socket, "ZOE_WEB_PORT": str(PORT)}
        more["ZOE_WEB_MODE"] = "host"  # the lab's kernel may have no IPVS
        exports = "".join(f"export {name}={value}\n" for name, value in more.items())
        over = "".join(f" -c {f}" for f in ("here.yaml", "older.yaml") if self._is_laid(f))
        here = {
            r"\bNODE\b": self._node,
            r"\bTOKENFILE\b": "token",
            r"\bHOST/": "",
            r"/var/run/docker\.sock": socket,
            r"cp deploy/zoe\.toml \.": "cp settings zoe.toml",
            r"^git checkout [^&]*&& ": "",
            r"^END\n": f"{exports}END\n",
            r"--with-registry-auth -c (\S+)": rf"--resolve-image never -c \1{over}",
            **changes,
        }
        for pattern, text in here.items():
            shell = re.sub(pattern, text, shell, flags=re.MULTILINE)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", shell],
            cwd=self._folder,
            env={**os.environ, "DOCKER_HOST": self._swarm.docker_host, "EDITOR": "true"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{shell}\n{done.stdout}{done.stderr}"
        return done.stdout

    def inside(self, service: str, *command: str, code: int | None = 0) -> str:
        """Run a command in a service's container; return what it printed."""
        host, container = self._container(service)
        done = subprocess.run(
            ["docker", "--host", host, "exec", container, *command],
            capture_output=True,
            text=True,
            check=False,
        )
        assert code is None or done.returncode == code, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    # -- what is there

    def await_healthy(self) -> None:
        """Return once each service has one task that runs, which one with a check is if healthy."""
        for name in SERVICES:
            try:
                wait_for(
                    lambda name=name: len(self._tasks(name)) == 1,
                    what=f"{name} to be healthy",
                    timeout_s=MINUTES_5,
                )
            except AssertionError as error:
                raise AssertionError(f"{error}\n{self.story()}") from error

    def page(self, path: str = "/") -> str:
        """Return what the page answers; "" while it doesn't."""
        for task in self._tasks("web"):
            address = self._swarm.address(self._node_of(task))
            with suppress(OSError):
                request = f"http://{address}:{PORT}{path}"
                with urllib.request.urlopen(request, timeout=10) as answer:
                    found: str = answer.read().decode()
                    return found
        return ""

    def phases(self) -> dict[str, str]:
        """Return the phase of each execution, as the API tells it."""
        listing = json.loads(self.page("/api/v1/executions") or '{"lines": []}')
        return {f"{one['namespace']}/{one['name']}": one["state"] for one in listing["lines"]}

    def revision(self) -> str:
        """Return the revision of the database's schema."""
        query = "SELECT version_num FROM alembic_version"
        return self.inside("grants", "psql", "-qAtXc", query).strip()

    def containers(self) -> dict[str, str]:
        """Return container id -> execution, of all tasks of executions that run."""
        label = {"label": f"{LABEL_DEPLOYMENT}={DEPLOYMENT}"}
        names = {
            service["ID"]: service["Spec"]["Labels"].get(LABEL_EXECUTION, "")
            for service in self._engine.services(filters=label)
        }
        return {
            task["Status"]["ContainerStatus"]["ContainerID"]: names[task["ServiceID"]]
            for task in self._engine.tasks(filters=label)
            if task["Status"]["State"] == "running" and names.get(task["ServiceID"])
        }

    def states(self, service: str) -> set[str]:
        """Return the states of a service's tasks, those of the past too."""
        found = self._engine.tasks(filters={"service": f"{NAME}_{service}"})
        return {task["Status"]["State"] for task in found}

    def tasks(self, *services: str) -> set[str]:
        """Return the ids of services' tasks that run."""
        return {task["ID"] for service in services for task in self._tasks(service)}

    def nodes(self, service: str) -> set[int]:
        """Return the numbers of the nodes that a service's tasks run on."""
        return {self._node_of(task) for task in self._tasks(service)}

    def story(self) -> str:
        """Return what the Swarm says of the stack, for a test that fails."""
        told = [self._docker("stack", "ps", "--no-trunc", NAME)]
        told += [f"{service}:\n{self.told(service)}" for service in SERVICES]
        return "\n".join(told)

    def told(self, service: str) -> str:
        """Return the last lines of a service's log."""
        return self._docker("service", "logs", "--raw", "--tail", "30", f"{NAME}_{service}")

    def close(self) -> None:
        self._docker("stack", "rm", NAME)
        in_time = {"timeout_s": MINUTES_5}  # whoever is stopped may take his
        for kind in ("services", "configs", "networks"):
            list_ = getattr(self._engine, kind)
            wait_for(lambda list_=list_: not self._ours(list_()), what=f"{kind} to go", **in_time)
        # What Zoe made is nobody's any more.
        label = {"label": f"{LABEL_DEPLOYMENT}={DEPLOYMENT}"}
        for service in self._engine.services(filters=label):
            self._engine.remove_service(service["ID"])
        for config in self._engine.configs(filters=label):
            self._engine.remove_config(config["ID"])
        for secret in self._engine.secrets(filters=label):
            self._engine.remove_secret(secret["ID"])
        wait_for(lambda: self._has_no_networks(label), what="the networks to go", **in_time)
        for secret in self._engine.secrets(filters={"name": list(SECRETS)}):
            self._engine.remove_secret(secret["ID"])
        self._swarm.docker("node", "update", "--label-rm", "zoe-database", self._node)
        self._remove_volumes()

    # -- how

    def _is_laid(self, file: str) -> bool:
        return (self._folder / file).exists()

    def _docker(self, *arguments: str) -> str:
        done = subprocess.run(
            ["docker", *arguments],
            env={**os.environ, "DOCKER_HOST": self._swarm.docker_host},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr}"
        return done.stdout + done.stderr

    def _tasks(self, service: str) -> list[dict[str, Any]]:
        found = self._engine.tasks(filters={"service": f"{NAME}_{service}"})
        return [t for t in found if t["Status"]["State"] == t["DesiredState"] == "running"]

    def _node_of(self, task: Mapping[str, Any]) -> int:
        hostname: str = self._engine.inspect_node(task["NodeID"])["Description"]["Hostname"]
        return int(hostname.removeprefix("node"))

    def _container(self, service: str) -> tuple[str, str]:
        (task,) = self._tasks(service)
        host = self._swarm.lab.docker_host_of(self._node_of(task))
        return host, task["Status"]["ContainerStatus"]["ContainerID"]

    def _has_no_networks(self, label: Mapping[str, str]) -> bool:
        listed = self._engine.networks(filters=label)
        # An engine lists its own copy of a removed network for a while; only such have peers.
        networks = [n for n in listed if n["Scope"] == "swarm" and not n.get("Peers")]
        for network in networks:
            with suppress(docker.errors.APIError):  # in use for a moment longer
                self._engine.remove_network(network["Id"])
        return not networks

    def _ours(self, objects: Sequence[Mapping[str, Any]]) -> bool:
        label = "com.docker.stack.namespace"
        return any(
            (one.get("Labels") or one.get("Spec", {}).get("Labels") or {}).get(label) == NAME
            for one in objects
        )

    def _remove_volumes(self) -> None:
        """Remove the stack's volumes from every node, once nothing uses them."""
        for number in range(1, self._swarm.nodes + 1):
            host = self._swarm.lab.docker_host_of(number)
            with closing(docker.APIClient(host, version="auto")) as client:
                listed = client.volumes(filters={"label": f"com.docker.stack.namespace={NAME}"})
                for volume in listed["Volumes"] or ():
                    wait_for(
                        lambda v=volume["Name"], c=client: _is_removed(c, v),
                        what=f"the volume {volume['Name']} to be free",
                        timeout_s=MINUTES_5,
                    )


def _settings(url: str) -> str:
    lines = [
        f'deployment = "{DEPLOYMENT}"',
        "interval_s = 1",
        "jitter_s = 0",
        "lease_ttl_s = 5",
        "publish_interval_s = 2",
        "[[source]]",
        'id = "platform"',
        f'url = "{url}"',
    ]
    return "\n".join(lines) + "\n"


def _forwarder(address: str, port: str, image: str) -> dict[str, Any]:
    """Return a service of the stack's that stands for what only node 1 reaches.

    The lab's engines hide no container behind their node's address.
    """
    return {
        "image": image,
        "command": ["nc", "-ll", "-p", "80", "-e", "nc", address, port],
        "deploy": {
            "endpoint_mode": "dnsrr",
            "placement": {"constraints": ["node.hostname == node1"]},
        },
    }


def _is_removed(client: Any, volume: str) -> bool:
    try:
        client.remove_volume(volume)
    except docker.errors.NotFound:
        return True
    except docker.errors.APIError:
        return False
    return True
