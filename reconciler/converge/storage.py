"""A namespace's part of the installation's storages: its mounts, and what prepares them.

Only storages that the operator named can be mounted; a manifest says which and where to.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from policy.model.execution import NodeId
from reconciler import canonical
from reconciler.converge import naming
from reconciler.converge.desired_state import DesiredService, Requirement
from reconciler.converge.host import Host, Storage
from reconciler.converge.state import (
    KIND_INIT,
    LABEL_DEPLOYMENT,
    LABEL_EPOCH,
    LABEL_KIND,
    LABEL_NAMESPACE,
    LABEL_NODE,
    LABEL_SPEC_HASH,
    LABEL_STORAGE,
    LABEL_UID,
    Mount,
    ObservedState,
    ObservedTask,
    Restart,
    RestartCondition,
    ServiceSpec,
    TaskState,
)
from reconciler.converge.tasks import tasks_of_kind
from reconciler.manifest.platform import Namespace
from reconciler.manifest.spec import DependsCondition, ExecutionSpec, Service, Volume

AGAIN = Restart(condition=RestartCondition.ON_FAILURE, delay_ms=30_000)
"""What can't be prepared is tried again by Swarm, so that it is ready once the node is mended."""

_CANNOT_MAKE, _CANNOT_OWN = 3, 4
_WORDS = {
    _CANNOT_MAKE: "its folder can't be made there: the file system is full or can only be read",
    _CANNOT_OWN: "its folder can't be given to the namespace's uid and gid (a file server must "
    "let root do that)",
}

INIT_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER")


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceStorage:
    """The storages of a host as one namespace sees them; ``epoch`` labels what is created."""

    host: Host
    namespace: Namespace
    epoch: int

    def mount(self, volume: Volume) -> Mount:
        """Return the mount of the namespace's own folder, or its own Docker volume."""
        storage = self.host.storages[volume.storage]
        return Mount(
            type="bind" if storage.path else "volume",
            source=self._source(volume.storage, storage),
            target=volume.target,
            read_only=volume.read_only or storage.is_read_only,
        )

    def preparing(self, service: Service, node: NodeId) -> dict[str, DesiredService]:
        """Return the services that prepare, on one node, what a component mounts."""
        mounted = {volume.storage for volume in service.volumes}
        # What can only be read is somebody else's: there is nothing to prepare.
        names = {name for name in mounted if not self.host.storages[name].is_read_only}
        specs = [self._init_service(name, node) for name in sorted(names)]
        return {spec.name: DesiredService(spec=spec) for spec in specs}

    def _source(self, name: str, storage: Storage) -> str:
        if storage.path and storage.is_whole:
            return storage.path
        if storage.path:
            return f"{storage.path}/{self.namespace.name}"
        return naming.volume_name(
            deployment=self.host.deployment, namespace=self.namespace.name, storage=name
        )

    def _init_service(self, name: str, node: NodeId) -> ServiceSpec:
        """Prepare a storage where it is, since this process may not see that file system."""
        namespace, storage = self.namespace, self.host.storages[name]
        owner = f"{namespace.uid}:{namespace.gid}"
        folder = f"/storage/{namespace.name}" if storage.path else "/storage"
        mount = Mount(
            type="bind" if storage.path else "volume",
            source=storage.path or self._source(name, storage),
            target="/storage",
        )
        # Each step has its exit code, so that people can be told which one failed.
        script = (
            f"mkdir -p {folder} || exit {_CANNOT_MAKE}; "
            f"chown {owner} {folder} || exit {_CANNOT_OWN}; "
            f"chmod 0770 {folder} || exit {_CANNOT_OWN}"
        )
        return ServiceSpec(
            name=naming.init_name(
                deployment=self.host.deployment,
                namespace=namespace.name,
                storage=name,
                path=storage.path,
                owner=owner,
                node=node,
            ),
            image=self.host.init_image,
            labels={
                LABEL_DEPLOYMENT: self.host.deployment,
                LABEL_NAMESPACE: namespace.name,
                LABEL_KIND: KIND_INIT,
                LABEL_NODE: node,
                LABEL_STORAGE: name,
                LABEL_UID: "",
                LABEL_SPEC_HASH: canonical.digest([name, owner, storage])[:16],
                LABEL_EPOCH: str(self.epoch),
            },
            node=node,
            entrypoint=("/bin/sh", "-c", script),
            user="0:0",
            mounts=(mount,),
            pids_limit=64,
            capabilities_add=INIT_CAPABILITIES,
            restart=AGAIN,
        )


def withdrawn(spec: ExecutionSpec, storages: Collection[str]) -> tuple[str, str] | None:
    """Return why what was admitted can't be made again: a storage of it isn't offered any more."""
    mounted = {volume.storage for service in spec.services for volume in service.volumes}
    gone = sorted(mounted.difference(storages))
    if not gone:
        return None
    told = (
        f"it mounts {gone[0]}, and zoe.toml has no [storage.{gone[0]}] any more; the operator puts "
        "that back, or its author takes it out and raises run"
    )
    return "UnknownStorage", told


def faults(observed: ObservedState) -> Mapping[tuple[str, NodeId, str], str]:
    """Return why storages aren't prepared, by namespace, node and name.

    Only what was tried and failed; what is under way needs no telling.
    """
    hosts = {node.id: node.hostname for node in observed.nodes}
    found: dict[tuple[str, NodeId, str], str] = {}
    for service, tasks in tasks_of_kind(observed, KIND_INIT):
        failed = [task for task in tasks if task.state in _FAILED]
        if not failed or any(task.state is TaskState.COMPLETE for task in tasks):
            continue
        labels, node = service.spec.labels, service.spec.node
        name, host = labels.get(LABEL_STORAGE, ""), hosts.get(node, node)
        found[labels.get(LABEL_NAMESPACE, ""), node, name] = (
            f"its storage {name} can't be prepared on {host}: {_cause(failed[-1])}; "
            "the operator looks at [storage] in zoe.toml and at that node"
        )
    return found


def _cause(task: ObservedTask) -> str:
    return _WORDS.get(task.exit_code or 0) or task.error or "it failed"


_FAILED = frozenset({TaskState.FAILED, TaskState.REJECTED})


def prepared(services: Mapping[str, DesiredService]) -> Requirement:
    """Return the requirement that these services, which prepare storage, are through."""
    return Requirement(
        services=tuple(sorted(services)),
        condition=DependsCondition.COMPLETED,
        needed=len(services),
        told_as="its storage is prepared",
    )
