"""An admitted execution and its groups to the services, configs and networks that it needs.

Everything that can touch a host is chosen here from an allow-list: mounts come from named
storages, capabilities from named profiles, networks are the namespace's own. A manifest has no
word in any of it beyond naming.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from policy.model.execution import Allocation, ApplicationType, NodeId, Uid
from reconciler import canonical
from reconciler.converge import naming
from reconciler.converge.runs import is_scheduled, time_of
from reconciler.converge.state import (
    KIND_INIT,
    LABEL_ATTEMPT,
    LABEL_COMPONENT,
    LABEL_DEPLOYMENT,
    LABEL_EPOCH,
    LABEL_EXECUTION,
    LABEL_GENERATION,
    LABEL_KIND,
    LABEL_NAMESPACE,
    LABEL_NODE,
    LABEL_RUN,
    LABEL_SPEC_HASH,
    LABEL_STACK,
    LABEL_UID,
    FileReference,
    HealthProbe,
    Mount,
    NetworkAttachment,
    NetworkSpec,
    ProcessLimit,
    PublishedPort,
    Restart,
    RestartCondition,
    ServiceSpec,
)
from reconciler.manifest.spec import (
    DependsCondition,
    ExecutionSpec,
    Namespace,
    Service,
)

# A component that supports others is restarted by Swarm, this often within the window; beyond
# that it is a crash loop. The engine keeps five tasks per slot, so more couldn't be counted.
LONG_RUNNING = Restart(
    condition=RestartCondition.ANY, delay_ms=5_000, max_attempts=4, window_ms=600_000
)
ONCE = Restart(condition=RestartCondition.NONE)
INIT_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER")


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Where a storage lives on the nodes: a host path, or (empty) a Docker volume per node."""

    path: str = ""
    is_shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What this installation allows and provides; from zoe.toml, never from a repository."""

    deployment: str
    storages: Mapping[str, Storage] = field(default_factory=dict)
    security_profiles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    init_image: str = "busybox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """An execution that holds a place: what was frozen, and the groups it was given."""

    uid: Uid
    namespace: Namespace
    name: str
    run: int
    generation: int
    incarnation: int
    attempt: int
    spec: ExecutionSpec
    groups: tuple[Allocation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """Services of which enough must be up (``needed`` replicas in all) before another starts."""

    services: tuple[str, ...]
    condition: DependsCondition
    needed: int
    told_as: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredService:
    """A service that should exist, once its requirements are met.

    ``core`` is how many replicas its component needs over all of its groups.
    """

    spec: ServiceSpec
    requires: tuple[Requirement, ...] = ()
    core: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredConfig:
    """A config that should exist; its bytes are the blob's, read only when it is created."""

    name: str
    labels: Mapping[str, str]
    blob: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredState:
    """Everything of ours that should exist, by name."""

    services: Mapping[str, DesiredService] = field(default_factory=dict)
    configs: Mapping[str, DesiredConfig] = field(default_factory=dict)
    networks: Mapping[str, NetworkSpec] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """All that rendering one execution depends on.

    ``network`` is the name of its namespace's overlay; ``epoch`` that of the lease under which
    objects are created, and no part of any comparison with what is there.
    """

    execution: Admitted
    host: Host
    network: str
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What should exist for one execution, and what that was made from."""

    inputs: Inputs
    state: DesiredState


def render(inputs: Inputs) -> Rendered:
    """Return what should exist for one admitted execution."""
    rendering = _Rendering(inputs.execution, inputs.host, inputs.network, inputs.epoch)
    network = NetworkSpec(
        name=inputs.network,
        labels={
            LABEL_DEPLOYMENT: inputs.host.deployment,
            LABEL_NAMESPACE: inputs.execution.namespace.name,
            LABEL_EPOCH: str(inputs.epoch),
        },
    )
    state = DesiredState(
        services=rendering.services(),
        configs=rendering.configs(),
        networks={inputs.network: network},
    )
    return Rendered(inputs=inputs, state=state)


def together(states: Iterable[DesiredState]) -> DesiredState:
    """Return what should exist for several executions; what they share is there once."""
    services: dict[str, DesiredService] = {}
    configs: dict[str, DesiredConfig] = {}
    networks: dict[str, NetworkSpec] = {}
    for state in states:
        services.update(state.services)
        configs.update(state.configs)
        networks.update(state.networks)
    return DesiredState(services=services, configs=configs, networks=networks)


@lru_cache(maxsize=16_384)
def component_hash(service: Service) -> str:
    """Return the digest of what a component's tasks are made of.

    How many there are, what they wait for and where they may go isn't part of it: such edits
    replace no task.
    """
    return canonical.digest(
        replace(
            service,
            core=1,
            maximum=1,
            depends_on=(),
            constraints=(),
            spread="",
            max_per_node=0,
        )
    )[:16]


class _Rendering:
    """The services of one execution."""

    def __init__(self, execution: Admitted, host: Host, network: str, epoch: int) -> None:
        self._execution = execution
        self._host = host
        self._network = network
        self._epoch = epoch
        self._services = {service.name: service for service in execution.spec.services}

    def services(self) -> dict[str, DesiredService]:
        found: dict[str, DesiredService] = {}
        for group in self._execution.groups:
            service = self._services[group.component]
            inits = self._init_services(service, group.node)
            found |= inits
            spec = self._service(service, group)
            requires = [self._init_requirement(inits)] if inits else []
            requires += [self._requirement(d.service, d.condition) for d in service.depends_on]
            found[spec.name] = DesiredService(
                spec=spec, requires=tuple(requires), core=service.core
            )
        return found

    def configs(self) -> dict[str, DesiredConfig]:
        labels = self._labels("config")
        return {
            (name := self._config(file.target, file.content_hash)): DesiredConfig(
                name=name, labels=labels, blob=file.blob
            )
            for service in self._execution.spec.services
            for file in service.files
        }

    def _service(self, service: Service, group: Allocation) -> ServiceSpec:
        return ServiceSpec(
            name=self._name(group),
            image=service.image,
            labels=self._labels("component")
            | {
                LABEL_COMPONENT: service.name,
                LABEL_NODE: group.node,
                LABEL_SPEC_HASH: component_hash(service),
                LABEL_STACK: naming.stack_name(
                    deployment=self._host.deployment,
                    namespace=self._execution.namespace.name,
                    execution=self._execution.name,
                ),
            },
            node=group.node,
            replicas=group.count,
            command=service.command or None,
            entrypoint=service.entrypoint or None,
            environment=self._environment(service),
            user=service.user,
            working_dir=service.working_dir,
            container_labels=tuple(sorted(service.labels)),
            mounts=self._mounts(service),
            configs=self._configs(service),
            secrets=_secrets(service),
            health=_probe(service),
            stop_grace_ms=service.stop_grace_ms,
            reservations=service.reservations,
            limits=service.limits,
            pids_limit=service.pids_limit,
            ulimits=tuple(
                ProcessLimit(name=limit.name, soft=limit.soft, hard=limit.hard)
                for limit in service.ulimits
            ),
            capabilities_add=tuple(
                sorted(self._host.security_profiles.get(service.security_profile, ()))
            ),
            restart=ONCE if self._runs_once(service) else LONG_RUNNING,
            networks=(self._attachment(service.name),),
            ports=_ports(service),
        )

    def _configs(self, service: Service) -> tuple[FileReference, ...]:
        return tuple(
            FileReference(
                name=self._config(file.target, file.content_hash),
                target=file.target,
                mode=file.mode,
            )
            for file in service.files
        )

    def _runs_once(self, service: Service) -> bool:
        return self._execution.spec.type is ApplicationType.BATCH and service.completes

    def _name(self, group: Allocation) -> str:
        return naming.service_name(
            execution=self._execution.name,
            component=group.component,
            uid=self._execution.uid,
            incarnation=self._execution.incarnation,
            attempt=self._execution.attempt,
            node=group.node,
        )

    def _config(self, target: str, content_hash: str) -> str:
        return naming.config_name(uid=self._execution.uid, target=target, content_hash=content_hash)

    def _attachment(self, component: str) -> NetworkAttachment:
        alias = naming.host(component=component, execution=self._execution.name)
        return NetworkAttachment(network=self._network, aliases=(alias,))

    def _environment(self, service: Service) -> tuple[tuple[str, str], ...]:
        given = dict(service.environment)
        ours = {
            "ZOE_COMPONENT": service.name,
            "ZOE_EXECUTION": self._execution.name,
            "ZOE_NAMESPACE": self._execution.namespace.name,
        }
        if is_scheduled(self._execution.run):
            ours["ZOE_DUE_AT"] = time_of(self._execution.run).isoformat()
        return tuple(sorted((ours | given).items()))

    def _labels(self, kind: str) -> dict[str, str]:
        execution = self._execution
        return {
            LABEL_DEPLOYMENT: self._host.deployment,
            LABEL_NAMESPACE: execution.namespace.name,
            LABEL_EXECUTION: execution.name,
            LABEL_UID: execution.uid,
            LABEL_RUN: str(execution.run),
            LABEL_GENERATION: str(execution.generation),
            LABEL_ATTEMPT: str(execution.attempt),
            LABEL_KIND: kind,
            LABEL_EPOCH: str(self._epoch),
        }

    def _mounts(self, service: Service) -> tuple[Mount, ...]:
        mounts = [
            Mount(
                type="bind" if storage.path else "volume",
                source=self._storage_source(name, storage),
                target=volume.target,
                read_only=volume.read_only,
            )
            for volume in service.volumes
            for name, storage in [self._storage(volume.source or volume.type)]
        ]
        mounts += [
            Mount(type="tmpfs", target=tmpfs.target, size_bytes=tmpfs.size_bytes)
            for tmpfs in service.tmpfs
        ]
        if service.shm_bytes:
            mounts.append(Mount(type="tmpfs", target="/dev/shm", size_bytes=service.shm_bytes))  # noqa: S108 - the container's own
        return tuple(mounts)

    def _storage(self, name: str) -> tuple[str, Storage]:
        return name, self._host.storages[name]

    def _storage_source(self, name: str, storage: Storage) -> str:
        namespace = self._execution.namespace.name
        if storage.path:
            return f"{storage.path}/{namespace}"
        return naming.volume_name(
            deployment=self._host.deployment, namespace=namespace, storage=name
        )

    def _init_services(self, service: Service, node: NodeId) -> dict[str, DesiredService]:
        names = {volume.source or volume.type for volume in service.volumes}
        specs = [self._init_service(name, node) for name in sorted(names)]
        return {spec.name: DesiredService(spec=spec) for spec in specs}

    def _init_service(self, storage_name: str, node: NodeId) -> ServiceSpec:
        """Prepare a storage where it is, since this process may not see that file system."""
        namespace = self._execution.namespace
        storage = self._host.storages[storage_name]
        owner = f"{namespace.uid}:{namespace.gid}"
        folder = f"/storage/{namespace.name}" if storage.path else "/storage"
        mount = Mount(
            type="bind" if storage.path else "volume",
            source=storage.path or self._storage_source(storage_name, storage),
            target="/storage",
        )
        script = f"mkdir -p {folder} && chown {owner} {folder} && chmod 0770 {folder}"
        return ServiceSpec(
            name=naming.init_name(
                deployment=self._host.deployment,
                namespace=namespace.name,
                storage=storage_name,
                owner=owner,
                node=node,
            ),
            image=self._host.init_image,
            labels={
                LABEL_DEPLOYMENT: self._host.deployment,
                LABEL_NAMESPACE: namespace.name,
                LABEL_KIND: KIND_INIT,
                LABEL_NODE: node,
                LABEL_UID: "",
                LABEL_SPEC_HASH: canonical.digest([storage_name, owner, storage])[:16],
                LABEL_EPOCH: str(self._epoch),
            },
            node=node,
            entrypoint=("/bin/sh", "-c", script),
            user="0:0",
            mounts=(mount,),
            pids_limit=64,
            capabilities_add=INIT_CAPABILITIES,
            restart=ONCE,
        )

    def _init_requirement(self, inits: Mapping[str, DesiredService]) -> Requirement:
        return Requirement(
            services=tuple(sorted(inits)),
            condition=DependsCondition.COMPLETED,
            needed=len(inits),
            told_as="its storage is prepared",
        )

    def _requirement(self, component: str, condition: DependsCondition) -> Requirement:
        groups = [group for group in self._execution.groups if group.component == component]
        return Requirement(
            services=tuple(sorted(self._name(group) for group in groups)),
            condition=condition,
            needed=self._services[component].core,
            told_as=f"{component} is "
            + ("complete" if condition is DependsCondition.COMPLETED else "up"),
        )


def _secrets(service: Service) -> tuple[FileReference, ...]:
    return tuple(
        FileReference(
            name=secret.swarm_name,
            target=secret.target,
            uid=secret.uid,
            gid=secret.gid,
            mode=secret.mode,
        )
        for secret in service.secrets
    )


def _ports(service: Service) -> tuple[PublishedPort, ...]:
    return tuple(
        PublishedPort(
            name=port.name,
            target=port.target,
            published=port.published,
            protocol=port.protocol,
            mode=port.mode,
        )
        for port in service.ports
    )


def _probe(service: Service) -> HealthProbe | None:
    check = service.healthcheck
    if check is None:
        return None
    return HealthProbe(
        test=check.test,
        interval_ms=check.interval_ms,
        timeout_ms=check.timeout_ms,
        start_period_ms=check.start_period_ms,
        retries=check.retries,
    )
