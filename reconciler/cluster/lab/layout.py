"""What a lab is, as kept in its directory, and the names and paths that follow from it.

The names of links and control groups carry a tag of the directory's inode: two labs never share
one, not even two directories of the same name in different chroots.
"""

from __future__ import annotations

import fcntl
import ipaddress
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TextIO

from reconciler.errors import ConfigError

MAX_NODES = 200
_MAX_SOCKET_PATH = 107  # sun_path of the kernel, without its final zero
_STATE_FILE = "lab.json"
_LOCK_FILE = "lab.lock"
_FIRST_HOST = 10  # node 1 is .11; the bridge is .1


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeOptions:
    """What one node offers beyond the others: engine labels, generic resources such as gpu=2."""

    labels: tuple[str, ...] = ()
    generic_resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LabState:
    """What was asked for, and the subnet that it got."""

    nodes: int
    managers: int = 1
    heartbeat_ms: int = 5_000
    subnet: str = ""
    options: Mapping[int, NodeOptions] = field(default_factory=dict)

    @property
    def numbers(self) -> range:
        """The nodes' numbers, from 1."""
        return range(1, self.nodes + 1)

    @property
    def prefix_length(self) -> int:
        """The subnet's prefix length."""
        return ipaddress.ip_network(self.subnet).prefixlen

    @property
    def gateway(self) -> str:
        """The bridge's address: this machine as the nodes see it."""
        return str(ipaddress.ip_network(self.subnet)[1])

    def address(self, number: int) -> str:
        """Return a node's address, reachable from this machine."""
        return str(ipaddress.ip_network(self.subnet)[_FIRST_HOST + number])


def free_subnet(taken: Iterable[str]) -> str:
    """Return the first of our subnets that overlaps none of those that the machine routes.

    Raises:
        ConfigError: All are taken.
    """
    networks = [ipaddress.ip_network(text, strict=False) for text in taken]
    candidates = [f"10.{second}.0.0/24" for second in range(77, 100)]
    candidates += [f"192.168.{third}.0/24" for third in range(200, 250)]
    for candidate in candidates:
        if not any(ipaddress.ip_network(candidate).overlaps(network) for network in networks):
            return candidate
    raise ConfigError("no free subnet among 10.77-99.0.0/24 and 192.168.200-249.0/24")


@dataclass(frozen=True, slots=True)
class Layout:
    """Names and paths of the lab in a directory."""

    directory: Path
    tag: str

    @staticmethod
    def at(directory: Path) -> Layout:
        """Return the layout of a directory; one that isn't there has no lab and no tag.

        Raises:
            ConfigError: The directory can't serve; the message says which could.
        """
        directory = directory.absolute()
        if directory.is_relative_to("/run") or directory.is_relative_to("/var/run"):
            raise ConfigError(f"{directory} is hidden from the nodes: choose one outside /run")
        if len(str(directory / "node200" / "docker.sock")) > _MAX_SOCKET_PATH:
            raise ConfigError(f"{directory} is too long for a socket's path: choose a shorter one")
        try:
            status = directory.stat()
        except FileNotFoundError:
            return Layout(directory, "absent")
        except OSError as error:
            raise ConfigError(f"{directory}: {error.strerror}") from error
        identity = f"{status.st_dev}:{status.st_ino}".encode()
        return Layout(directory, sha256(identity).hexdigest()[:8])

    def acquire(self) -> TextIO:
        """Return the directory's lock, held until it is closed; wait while another has it.

        The directory is made if it isn't there.

        Raises:
            ConfigError: It can't be made.
        """
        while True:
            try:
                self.directory.mkdir(parents=True, exist_ok=True)
                lock = self.lock.open("w")
            except FileNotFoundError:
                continue  # it went between the two calls
            except OSError as error:
                raise ConfigError(f"{self.directory}: {error.strerror}") from error
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self._is_still(lock):
                return lock
            lock.close()  # it went with the lab that its holder took down

    def _is_still(self, lock: TextIO) -> bool:
        return self.lock.exists() and self.lock.stat().st_ino == os.fstat(lock.fileno()).st_ino

    @property
    def lock(self) -> Path:
        """The file that one command at a time holds."""
        return self.directory / _LOCK_FILE

    @property
    def bridge(self) -> str:
        """The bridge's name (a link's has at most 15 characters)."""
        return f"zl{self.tag}"

    def link(self, number: int) -> str:
        """Return this machine's end of a node's link."""
        return f"zl{self.tag}.{number}"

    def cgroup(self, number: int | None = None) -> str:
        """Return the control group of the lab, or of one of its nodes."""
        group = f"/zoe-lab-{self.tag}"
        return group if number is None else f"{group}/node{number}"

    def node(self, number: int) -> Path:
        """Return a node's directory."""
        return self.directory / f"node{number}"

    def socket(self, number: int) -> Path:
        """Return the socket of a node's engine."""
        return self.node(number) / "docker.sock"

    def log(self, number: int) -> Path:
        """Return the log of a node's engine."""
        return self.node(number) / "log"

    def read_state(self) -> LabState | None:
        """Return what the directory says is up; None if nothing is.

        Raises:
            ConfigError: The file can't be read; the message says what to do.
        """
        file = self.directory / _STATE_FILE
        try:
            data = json.loads(file.read_bytes())
            options = {int(number): _options(value) for number, value in data["options"].items()}
            return LabState(**{**data, "options": options})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise ConfigError(f"{file} isn't readable: zoe lab down removes it") from error

    def write_state(self, state: LabState) -> None:
        """Keep what is up, whole or not at all."""
        file = self.directory / _STATE_FILE
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(state), indent=2) + "\n")
        fresh.replace(file)

    def forget_state(self) -> None:
        """Remove the state file."""
        (self.directory / _STATE_FILE).unlink(missing_ok=True)


def _options(value: Mapping[str, list[str]]) -> NodeOptions:
    return NodeOptions(**{name: tuple(entries) for name, entries in value.items()})
