"""What tests and simulations do to the fake: outcomes, nodes, other people, failures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from policy.model.execution import NodeId
from policy.model.resources import NOTHING, Resources
from reconciler.cluster.fake.agenda import from_ms
from reconciler.cluster.fake.port import Failure, SimulatedSwarm
from reconciler.cluster.fake.room import FakeNode
from reconciler.cluster.fake.script import Outcome
from reconciler.converge.state import ObservedNode, ServiceSpec
from reconciler.errors import ReconcilerError

_GIB = 1024**3


class FakeCluster(SimulatedSwarm):
    """The fake with its controls. What they do isn't in ``effects``."""

    def script(self, key: str, *outcomes: Outcome) -> None:
        """Say how tasks go, one after the other, the last for all that follow.

        ``key`` is a service's name, a uid, a component or an image; the closest one counts.
        """
        with self._lock:
            self._script.set(key, outcomes)

    def script_default(self, outcome: Outcome | Callable[[ServiceSpec], Outcome]) -> None:
        """Say how tasks go that no script names: all in one way, or each by its spec."""
        with self._lock:
            self._script.default = outcome if callable(outcome) else lambda _: outcome

    def remove_image(self, image: str) -> None:
        """Take an image off all nodes; no registry has it either."""
        with self._doing():
            self._manager.agent.missing_images.add(image)

    def add_image(self, image: str) -> None:
        """Bring a removed image back."""
        with self._doing():
            self._manager.agent.missing_images.discard(image)

    def add_node(self, node: ObservedNode) -> None:
        """Let a node join, or change what is listed of one (labels, capacity)."""
        with self._doing():
            self._manager.add_node(node)

    def kill_node(self, node: str) -> None:
        """Cut the power of a node (id or hostname)."""
        with self._doing():
            self._manager.kill_node(self._node(node))

    def start_node(self, node: str) -> None:
        """Give a killed node its power back."""
        with self._doing():
            self._manager.start_node(self._node(node))

    def drain(self, node: str) -> None:
        """Take a node out of service, as `docker node update --availability drain`."""
        with self._doing():
            self._manager.set_active(self._node(node), is_active=False)

    def undrain(self, node: str) -> None:
        """Take a drained node back into service."""
        with self._doing():
            self._manager.set_active(self._node(node), is_active=True)

    def add_foreign_service(
        self,
        name: str,
        *,
        node: str = "",
        replicas: int = 1,
        reservations: Resources = NOTHING,
        labels: Mapping[str, str] | None = None,
        image: str = "foreign",
    ) -> str:
        """Create a service that isn't ours; without ``node`` it runs wherever there is room."""
        node_id = self._node(node).seen.id if node else NodeId("")
        spec = ServiceSpec(
            name=name,
            image=image,
            labels=dict(labels or {}),
            node=node_id,
            replicas=replicas,
            reservations=reservations,
        )
        with self._doing():
            return self._add_service(spec)

    def add_secret(self, name: str, labels: Mapping[str, str] | None = None) -> str:
        """Create a secret and return its id."""
        with self._doing():
            return self._add_file(self._secrets, name, labels or {})

    def update_by_hand(self, name: str, change: Callable[[ServiceSpec], ServiceSpec]) -> None:
        """Change a service as somebody with the docker CLI would: the labels stay."""
        with self._doing():
            service = self._services.named(name)
            if service is None:
                raise LookupError(name)
            self._update(service, change(service.spec))

    def remove_by_hand(self, name: str) -> None:
        """Remove the service of that name, or else the network, config and secret."""
        with self._doing():
            self._wake()
            service = self._services.named(name)
            if service is not None:
                self._remove(service)
                return
            network = self._networks.named(name)
            if network is not None:
                self._networks.drop(network.id)
            for files in (self._configs, self._secrets):
                file = files.named(name)
                if file is not None:
                    files.drop(file.id)

    def fail_next(
        self, method: str, error: ReconcilerError, *, times: int = 1, is_reply_lost: bool = False
    ) -> None:
        """Let the next calls of a method raise; with ``is_reply_lost`` after they took effect."""
        with self._lock:
            failure = Failure(error=error, is_reply_lost=is_reply_lost)
            self._failures.setdefault(method, []).extend([failure] * times)

    def _node(self, name: str) -> FakeNode:
        nodes = self._manager.nodes.values()
        return next(node for node in nodes if name in (node.seen.id, node.seen.hostname))


def fake_node(
    hostname: str,
    *,
    cpu_millis: int = 4_000,
    memory_bytes: int = 8 * _GIB,
    generic: Iterable[tuple[str, int]] = (),
    labels: Mapping[str, str] | None = None,
    is_manager: bool = False,
) -> ObservedNode:
    """Return a node that is ready; its id is ``id-`` and the host name."""
    capacity = Resources.of(cpu_millis=cpu_millis, memory_bytes=memory_bytes, generic=generic)
    return ObservedNode(
        id=NodeId(f"id-{hostname}"),
        hostname=hostname,
        address=hostname,
        capacity=capacity,
        labels=dict(labels or {}),
        engine_labels={},
        os="linux",
        architecture="x86_64",
        is_manager=is_manager,
        is_ready=True,
        is_active=True,
        updated_at=from_ms(0),
        engine_version="fake",
    )
