"""A namespace's part of the installation's storages: its mounts, and what prepares them.

Only storages that the operator named can be mounted; a manifest says which and where to.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    LABEL_UID,
    Mount,
    Restart,
    RestartCondition,
    ServiceSpec,
)
from reconciler.manifest.spec import DependsCondition, Namespace, Service, Volume

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
            read_only=volume.read_only,
        )

    def preparing(self, service: Service, node: NodeId) -> dict[str, DesiredService]:
        """Return the services that prepare, on one node, what a component mounts."""
        names = {volume.storage for volume in service.volumes}
        specs = [self._init_service(name, node) for name in sorted(names)]
        return {spec.name: DesiredService(spec=spec) for spec in specs}

    def _source(self, name: str, storage: Storage) -> str:
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
        script = f"mkdir -p {folder} && chown {owner} {folder} && chmod 0770 {folder}"
        return ServiceSpec(
            name=naming.init_name(
                deployment=self.host.deployment,
                namespace=namespace.name,
                storage=name,
                owner=owner,
                node=node,
            ),
            image=self.host.init_image,
            labels={
                LABEL_DEPLOYMENT: self.host.deployment,
                LABEL_NAMESPACE: namespace.name,
                LABEL_KIND: KIND_INIT,
                LABEL_NODE: node,
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
            restart=Restart(condition=RestartCondition.NONE),
        )


def prepared(services: Mapping[str, DesiredService]) -> Requirement:
    """Return the requirement that these services, which prepare storage, are through."""
    return Requirement(
        services=tuple(sorted(services)),
        condition=DependsCondition.COMPLETED,
        needed=len(services),
        told_as="its storage is prepared",
    )
