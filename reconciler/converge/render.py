"""An admitted execution and its groups to the services, configs and networks that it needs.

Everything that can touch a host is chosen here from an allow-list: mounts come from named
storages, capabilities from named profiles, networks are the namespace's own. A manifest has no
word in any of it beyond naming.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from sys import intern

from policy.model.execution import Allocation, ApplicationType, Uid
from reconciler import canonical
from reconciler.converge import naming, secret_files
from reconciler.converge.desired_state import (
    DesiredConfig,
    DesiredSecret,
    DesiredService,
    DesiredState,
    Requirement,
)
from reconciler.converge.host import Host
from reconciler.converge.runs import is_scheduled, time_of
from reconciler.converge.secrets import Named, is_ours
from reconciler.converge.state import (
    KIND_SECRET,
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
from reconciler.converge.storage import NamespaceStorage, prepared
from reconciler.manifest import routes
from reconciler.manifest.platform import Namespace
from reconciler.manifest.spec import DependsCondition, ExecutionSpec, Service

# A component that supports others is restarted by Swarm, this often within the window; beyond
# that it is a crash loop. The engine keeps five tasks per slot, so more couldn't be counted.
LONG_RUNNING = Restart(
    condition=RestartCondition.ANY, delay_ms=5_000, max_attempts=4, window_ms=600_000
)
ONCE = Restart(condition=RestartCondition.NONE)


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
class Inputs:
    """All that rendering one execution depends on.

    ``network`` is the name of its namespace's overlay; ``epoch`` that of the lease under which
    objects are created, and no part of any comparison with what is there. ``secrets`` are those
    that are made for it, by the name that its services use. ``there`` are services that exist, with
    their components, where these begin alike: their names are kept.
    """

    execution: Admitted
    host: Host
    network: str
    epoch: int
    secrets: Mapping[str, tuple[Named, ...]] = field(default_factory=dict)
    there: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What should exist for one execution, and what that was made from."""

    inputs: Inputs
    state: DesiredState


def render(inputs: Inputs) -> Rendered:
    """Return what should exist for one admitted execution."""
    rendering = _Rendering(inputs)
    network = network_spec(
        inputs.network,
        host=inputs.host,
        namespace=inputs.execution.namespace.name,
        epoch=inputs.epoch,
    )
    state = DesiredState(
        services=rendering.services(),
        configs=rendering.configs(),
        networks={inputs.network: network},
        secrets=rendering.secrets(),
    )
    return Rendered(inputs=inputs, state=state)


def network_spec(name: str, *, host: Host, namespace: str, epoch: int) -> NetworkSpec:
    """Return the overlay of a namespace."""
    labels = {
        LABEL_DEPLOYMENT: host.deployment,
        LABEL_NAMESPACE: namespace,
        LABEL_EPOCH: str(epoch),
    }
    return NetworkSpec(name=name, labels=labels, is_encrypted=host.encrypts_networks)


@lru_cache(maxsize=256)
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

    def __init__(self, inputs: Inputs) -> None:
        execution, host = inputs.execution, inputs.host
        self._execution = execution
        self._host = host
        self._network = inputs.network
        self._epoch = inputs.epoch
        self._named = inputs.secrets
        self._there = inputs.there
        self._storage = NamespaceStorage(
            host=host, namespace=execution.namespace, epoch=inputs.epoch
        )
        self._services = {service.name: service for service in execution.spec.services}

    def services(self) -> dict[str, DesiredService]:
        found: dict[str, DesiredService] = {}
        for group in self._execution.groups:
            service = self._services[group.component]
            inits = self._storage.preparing(service, group.node)
            found |= inits
            spec = self._service(service, group)
            requires = [prepared(inits)] if inits else []
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

    def secrets(self) -> dict[str, DesiredSecret]:
        return secret_files.desired(self._named, self._labels(KIND_SECRET))

    def _service(self, service: Service, group: Allocation) -> ServiceSpec:
        return ServiceSpec(
            name=self._name(group),
            image=service.image,
            labels=self._labels("component")
            | {
                LABEL_COMPONENT: service.name,
                LABEL_NODE: group.node,
                LABEL_SPEC_HASH: self._spec_hash(service),
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
            secrets=secret_files.references(service, self._named),
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
            networks=(self._attachment(service),),
            ports=_ports(service),
        )

    def _spec_hash(self, service: Service) -> str:
        """Return what the tasks are made of; of secrets that are made by us, the values count."""
        mounted = {m.name for m in service.secrets if is_ours(m)}
        if not mounted:
            return component_hash(service)
        names = [one.swarm_name for name in sorted(mounted) for one in self._named[name]]
        rest = component_hash(secret_files.without_ciphertexts(service))
        return canonical.digest([rest, *names])[:16]

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
            components=self._services.keys(),
            there=self._there,
        )

    def _config(self, target: str, content_hash: str) -> str:
        return naming.config_name(uid=self._execution.uid, target=target, content_hash=content_hash)

    def _attachment(self, service: Service) -> NetworkAttachment:
        names = {"execution": self._execution.name, "component": service.name}
        # By these alone a gateway finds it, whether or not there is one now.
        routed = (p.target for p in service.ports if routes.is_by_path(p))
        aliases = (naming.host(**names), *(routes.upstream(**names, target=t) for t in routed))
        return NetworkAttachment(network=self._network, aliases=aliases)

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
            LABEL_RUN: intern(str(execution.run)),
            LABEL_GENERATION: intern(str(execution.generation)),
            LABEL_ATTEMPT: intern(str(execution.attempt)),
            LABEL_KIND: kind,
            LABEL_EPOCH: intern(str(self._epoch)),
        }

    def _mounts(self, service: Service) -> tuple[Mount, ...]:
        mounts = [self._storage.mount(volume) for volume in service.volumes]
        mounts += [
            Mount(type="tmpfs", target=tmpfs.target, size_bytes=tmpfs.size_bytes)
            for tmpfs in service.tmpfs
        ]
        if service.shm_bytes:
            mounts.append(Mount(type="tmpfs", target="/dev/shm", size_bytes=service.shm_bytes))  # noqa: S108 - the container's own
        return tuple(mounts)

    def _requirement(self, component: str, condition: DependsCondition) -> Requirement:
        groups = [group for group in self._execution.groups if group.component == component]
        return Requirement(
            services=tuple(sorted(self._name(group) for group in groups)),
            condition=condition,
            needed=self._services[component].core,
            told_as=f"{component} is "
            + ("complete" if condition is DependsCondition.COMPLETED else "up"),
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
