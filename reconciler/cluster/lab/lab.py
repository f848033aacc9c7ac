"""The lab as a whole: up, down, and the misfortunes of its nodes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from reconciler.cluster.lab import engine, host, membership, network, nodes, requirements
from reconciler.cluster.lab.layout import (
    MAX_NODES,
    LabState,
    Layout,
    NodeOptions,
    free_subnet,
)
from reconciler.errors import ClusterUnavailable, ConfigError

_JOIN_WAIT_S = 90

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a node is found from this machine."""

    number: int
    hostname: str
    address: str
    docker_host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStatus:
    """How a node is. ``swarm`` is what the managers say: ready, down, unknown, disconnected."""

    endpoint: Endpoint
    is_running: bool
    is_connected: bool
    swarm: str


class Lab:
    """A throw-away Swarm that lives in a directory.

    One command at a time: others wait for it. Every method may raise ConfigError (the machine or
    the arguments), ClusterUnavailable (an engine doesn't answer) and ActionFailed (a program of
    the machine failed).
    """

    def __init__(self, directory: Path, *, say: Say = lambda _: None) -> None:
        self.directory = directory
        self._say = say
        Layout.at(directory)  # a directory that can't serve is refused at once

    def up(
        self,
        *,
        nodes: int,
        managers: int = 1,
        heartbeat: timedelta = timedelta(seconds=5),
        options: Mapping[int, NodeOptions] | None = None,
    ) -> tuple[Endpoint, ...]:
        """Bring the lab up, or whatever of it is missing; return its nodes once all are Ready.

        ``heartbeat`` is how often nodes report: a lost one is Down after some three of them.
        """
        wanted = LabState(
            nodes=nodes,
            managers=managers,
            heartbeat_ms=heartbeat // timedelta(milliseconds=1),
            options=options or {},
        )
        _check(wanted)
        requirements.check_machine()
        requirements.ensure(requirements.ENGINE, say=self._say)
        requirements.check_overlay_networks()
        with self._layout.acquire():
            state = self._settle(wanted)
            self._say(f"starting {nodes} engine(s) in {self._layout.directory}")
            self._start_missing(state)
            membership.form(self._layout, state)
            self.wait_ready()
            return self._endpoints(state)

    def down(self) -> None:
        """End every engine and container; remove links, rules, control groups and data.

        Works from whatever is left of a lab, and is fine with nothing at all.
        """
        requirements.check_machine()
        if not self.directory.exists():
            return
        with self._layout.acquire():
            # Processes first: they, not the state file, tell what runs.
            for node in engine.running(self._layout):
                engine.stop(self._layout, int(Path(node).name.removeprefix("node")))
            if host.find("ip") and host.find("iptables"):
                network.remove_bridge(self._layout)
            engine.remove_control_groups(self._layout)
            for node_directory in self._layout.directory.glob("node[0-9]*"):
                shutil.rmtree(node_directory)
            self._layout.forget_state()
            self._layout.lock.unlink(missing_ok=True)
        with suppress(OSError):  # something of somebody else's is in it
            self._layout.directory.rmdir()

    def status(self) -> tuple[NodeStatus, ...]:
        """Return how each node is; empty if nothing is up."""
        state = self._layout.read_state()
        if state is None:
            return ()
        running = engine.running(self._layout)
        swarm = self._swarm_states(state)
        return tuple(
            NodeStatus(
                endpoint=endpoint,
                is_running=str(self._layout.node(endpoint.number)) in running,
                is_connected=network.is_connected(self._layout, endpoint.number),
                swarm=swarm.get(endpoint.hostname, "unknown"),
            )
            for endpoint in self._endpoints(state)
        )

    def kill_node(self, number: int) -> None:
        """Let a node lose its power: engine, containers and network end at once."""
        with self._node(number):
            engine.stop(self._layout, number)

    def start_node(self, number: int) -> None:
        """Bring a node back with its data; return once its engine answers.

        Waits first, for some ten seconds after a kill, until the other nodes' overlays have
        given the dead one up: see :mod:`reconciler.cluster.lab.nodes`.
        """
        with self._node(number) as state:
            nodes.start(self._layout, state, [number])

    def partition(self, number: int) -> None:
        """Cut a node's cable; its engine and containers go on."""
        with self._node(number):
            network.set_link(self._layout, number, up=False)

    def heal(self, number: int) -> None:
        """Connect a node again that was cut off."""
        with self._node(number):
            network.set_link(self._layout, number, up=True)

    def wait_ready(self, *, timeout_s: float = _JOIN_WAIT_S) -> None:
        """Return once every node is Ready and its overlays reach every other node's."""
        host.wait_until(self.is_whole, what="all nodes to be whole", timeout_s=timeout_s)

    def is_whole(self) -> bool:
        """Tell whether every node is Ready and its overlays reach every other node's.

        Ready alone says nothing about the data path.
        """
        state = self._state()
        states = self._swarm_states(state)
        if any(states.get(f"node{number}") != "ready" for number in state.numbers):
            return False
        addresses = {state.address(number) for number in state.numbers}
        peers = (membership.gossip(self._layout.socket(number)) for number in state.numbers)
        return all(known == addresses for known in peers)

    def load_image(self, archive: Path) -> None:
        """Load an image archive (``docker save``) into every running node."""
        self._state()
        sockets = [Path(node) / "docker.sock" for node in engine.running(self._layout)]
        host.in_parallel(lambda socket: membership.load(socket, archive), sockets)

    def lacks_image(self, tag: str, image_id: str) -> bool:
        """Tell whether any running node lacks exactly this image under this tag."""
        sockets = [Path(node) / "docker.sock" for node in engine.running(self._layout)]
        return not all(membership.has_image(socket, tag, image_id) for socket in sockets)

    def address(self, number: int) -> str:
        """Return a node's address, reachable from this machine."""
        return self._state(number).address(number)

    @property
    def docker_host(self) -> str:
        """The engine to talk to: the first manager that runs."""
        state = self._state()
        running = engine.running(self._layout)
        managers = range(1, state.managers + 1)
        alive = [number for number in managers if str(self._layout.node(number)) in running]
        return f"unix://{self._layout.socket(next(iter(alive), 1))}"

    def docker_host_of(self, number: int) -> str:
        """Return the engine of one node."""
        self._state(number)
        return f"unix://{self._layout.socket(number)}"

    def process_of(self, number: int) -> int:
        """Return a node's first process, whose namespaces are the node's (see nsenter)."""
        self._state(number)
        return engine.running(self._layout)[str(self._layout.node(number))]

    def _settle(self, wanted: LabState) -> LabState:
        """Return the state to bring up: the one that is there if it is what is wanted."""
        state = self._layout.read_state()
        if state is None:
            with network.subnet_lock():
                state = _with_subnet(wanted, free_subnet(network.taken_subnets()))
                network.make_bridge(self._layout, state)
            self._layout.write_state(state)
            return state
        if _with_subnet(wanted, state.subnet) != state:
            raise ConfigError(
                f"a lab of {state.nodes} node(s) with other options is in "
                f"{self._layout.directory}: take it down first (zoe lab down)"
            )
        network.make_bridge(self._layout, state)
        return state

    def _start_missing(self, state: LabState) -> None:
        running = engine.running(self._layout)
        for number in state.numbers:
            is_running = str(self._layout.node(number)) in running
            if is_running and not network.is_connected(self._layout, number):
                network.set_link(self._layout, number, up=True)
        nodes.start(self._layout, state, state.numbers)

    @property
    def _layout(self) -> Layout:
        return Layout.at(self.directory)  # its tag changes when the directory is made anew

    @contextmanager
    def _node(self, number: int) -> Iterator[LabState]:
        requirements.check_machine()
        self._state(number)
        with self._layout.acquire():
            yield self._state(number)

    def _state(self, number: int = 1) -> LabState:
        state = self._layout.read_state()
        if state is None:
            raise ConfigError(f"no lab is up in {self._layout.directory} (zoe lab up)")
        if number not in state.numbers:
            raise ConfigError(f"there is no node {number}: the lab has 1 to {state.nodes}")
        return state

    def _swarm_states(self, state: LabState) -> dict[str, str]:
        for number in range(1, state.managers + 1):
            with suppress(ClusterUnavailable):
                return membership.states(self._layout.socket(number))
        return {}

    def _endpoints(self, state: LabState) -> tuple[Endpoint, ...]:
        return tuple(
            Endpoint(
                number=number,
                hostname=f"node{number}",
                address=state.address(number),
                docker_host=f"unix://{self._layout.socket(number)}",
            )
            for number in state.numbers
        )


def _check(wanted: LabState) -> None:
    if not 1 <= wanted.nodes <= MAX_NODES:
        raise ConfigError(f"a lab has 1 to {MAX_NODES} nodes, not {wanted.nodes}")
    if not 1 <= wanted.managers <= wanted.nodes:
        raise ConfigError(f"of {wanted.nodes} node(s) 1 to {wanted.nodes} can be managers")
    if unknown := sorted(set(wanted.options) - set(wanted.numbers)):
        raise ConfigError(f"there is no node {unknown[0]}: the lab has 1 to {wanted.nodes}")


def _with_subnet(state: LabState, subnet: str) -> LabState:
    return replace(state, subnet=subnet)
