"""A namespace's gateway as Swarm services, and why one can't start.

Caddy and microsocks are two services on one node: one can fail without the other. They are on the
namespace's network and on no other of ours, without a capability, and as nobody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from policy.model.resources import Resources
from reconciler.converge import caddy, naming, passage
from reconciler.converge.desired_state import (
    DesiredConfig,
    DesiredSecret,
    DesiredService,
    DesiredState,
)
from reconciler.converge.gateway import RESERVED, Gateway, Planned
from reconciler.converge.host import Gateways, Host
from reconciler.converge.letters import FOLDER, Letter
from reconciler.converge.plan import Note
from reconciler.converge.reach import HTTP
from reconciler.converge.render import network_spec
from reconciler.converge.secrets import RANDOM, Generated, Vault
from reconciler.converge.state import (
    KIND_GATEWAY,
    LABEL_COMPONENT,
    LABEL_DEPLOYMENT,
    LABEL_EPOCH,
    LABEL_GATEWAY_PORT,
    LABEL_KIND,
    LABEL_NAMESPACE,
    LABEL_NODE,
    LABEL_SECRET,
    LABEL_SPEC_HASH,
    LABEL_UID,
    FileReference,
    NetworkAttachment,
    NetworkSpec,
    ObservedState,
    PublishedPort,
    Restart,
    RestartCondition,
    ServiceSpec,
    TaskState,
)
from reconciler.converge.status import SOCKS
from reconciler.converge.tasks import tasks_of_kind
from reconciler.manifest.platform import Namespace

USER = "zoe"
"""Who SOCKS asks for; the password is what counts."""

PASSWORD = "password"  # noqa: S105 - its name in the letter to the members

_NOBODY = "65534:65534"
_CONFIGURATION = "/etc/zoe/gateway.json"
_SOCKS_PORT = 1080
# It wipes its arguments as soon as it has read them; no other way to tell it a password.
_START_SOCKS = (
    f'exec microsocks -i 0.0.0.0 -p {_SOCKS_PORT} -u {USER} -P "$(cat /run/secrets/{SOCKS})"'
)
# Caddy tells of a request when it has ended; what is open now is told by the kernel.
_START_HTTP = f"{passage.SCRIPT} & exec caddy run --config {_CONFIGURATION}"
_LIMITS = Resources(cpu_millis=1_000, memory_bytes=256 * 1024**2)
_ALWAYS = Restart(condition=RestartCondition.ANY, delay_ms=2_000)


def desired(
    found: Planned,
    observed: ObservedState,
    *,
    host: Host,
    epoch: int,
    vault: Vault,
    network: Callable[[str], str],
) -> DesiredState:
    """Return what should exist for the gateways; ``network`` names a namespace's overlay."""
    if host.gateways is None:
        return DesiredState()
    making = _Making(host.deployment, host.gateways, epoch, vault)
    services: dict[str, DesiredService] = {}
    configs = _memory(found, observed)
    networks: dict[str, NetworkSpec] = {}
    secrets: dict[str, DesiredSecret] = {}
    for gateway in found.gateways:
        name = network(gateway.namespace)
        networks[name] = network_spec(name, host=host, namespace=gateway.namespace, epoch=epoch)
        config = making.config(gateway)
        configs[config.name] = config
        if (secret := making.secret(gateway)) is not None:
            secrets[secret.name] = secret
        for spec in making.services(gateway, config, secret, name):
            services[spec.name] = DesiredService(spec=spec)
    return DesiredState(services=services, configs=configs, networks=networks, secrets=secrets)


def password(namespace: str) -> Generated:
    """Return how the password of a namespace's SOCKS comes about."""
    return Generated(kind=RANDOM, scope=("gateway", namespace))


def letter_path(namespace: str) -> str:
    """Return where its members find it on the status branch: no execution's letter lies there."""
    return f"{FOLDER}/{namespace}/gateway.yaml"


def letters(found: Planned, namespaces: Mapping[str, Namespace]) -> dict[str, Letter]:
    """Return what the members of namespaces are told: the password, while there is SOCKS."""
    told = {}
    for gateway in found.gateways:
        owner = namespaces.get(gateway.namespace)
        if gateway.need.socks and owner is not None:
            path = letter_path(owner.name)
            told[path] = Letter(
                path=path,
                namespace=owner.name,
                subject="gateway",
                values={PASSWORD: password(owner.name)},
                members=owner.members,
            )
    return told


def _memory(found: Planned, observed: ObservedState) -> dict[str, DesiredConfig]:
    """Return the configs that remember the ports of namespaces whose gateways aren't needed."""
    needed = {gateway.namespace for gateway in found.gateways}
    return {
        config.name: DesiredConfig(name=config.name, labels=config.labels)
        for config in observed.configs
        if config.labels.get(LABEL_KIND) == KIND_GATEWAY
        and (namespace := config.labels.get(LABEL_NAMESPACE, "")) not in needed
        and str(found.ports.get(namespace)) == config.labels.get(LABEL_GATEWAY_PORT)
    }


@dataclass(frozen=True, slots=True)
class _Making:
    """The specs of one deployment's gateways."""

    deployment: str
    settings: Gateways
    epoch: int
    vault: Vault

    def config(self, gateway: Gateway) -> DesiredConfig:
        """Return what Caddy is told; its labels remember the port."""
        data = caddy.configuration()
        digest = hashlib.sha256(b"%d\n%s" % (gateway.port, data)).hexdigest()
        name = naming.gateway_file_name(
            deployment=self.deployment, namespace=gateway.namespace, content_hash=digest
        )
        labels = self._labels(gateway) | {LABEL_GATEWAY_PORT: str(gateway.port)}
        return DesiredConfig(name=name, labels=labels, data=data)

    def services(
        self,
        gateway: Gateway,
        config: DesiredConfig,
        secret: DesiredSecret | None,
        network: str,
    ) -> tuple[ServiceSpec, ...]:
        """Return the parts that are needed."""
        parts = []
        if gateway.need.http:
            parts.append(self._http(gateway, config, network))
        if secret is not None:
            parts.append(self._socks(gateway, secret, network))
        return tuple(map(_hashed, parts))

    def _http(self, gateway: Gateway, config: DesiredConfig, network: str) -> ServiceSpec:
        return replace(
            self._part(gateway, HTTP, network),
            entrypoint=("/bin/sh", "-c", _START_HTTP),
            environment=(("HOME", "/tmp"), ("XDG_CONFIG_HOME", "/tmp"), ("XDG_DATA_HOME", "/tmp")),  # noqa: S108 - the container's own
            configs=(FileReference(name=config.name, target=_CONFIGURATION),),
            ports=(PublishedPort(name=HTTP, target=caddy.PORT, published=gateway.port),),
        )

    def secret(self, gateway: Gateway) -> DesiredSecret | None:
        """Return the password of SOCKS, where that is needed."""
        if not gateway.need.socks:
            return None
        recipe = password(gateway.namespace)
        name = naming.gateway_file_name(
            deployment=self.deployment,
            namespace=gateway.namespace,
            content_hash=self.vault.digest(recipe),
        )
        labels = self._labels(gateway) | {LABEL_SECRET: gateway.namespace}
        return DesiredSecret(name=name, labels=labels, recipe=recipe)

    def _socks(self, gateway: Gateway, secret: DesiredSecret, network: str) -> ServiceSpec:
        uid, _, gid = _NOBODY.partition(":")
        file = FileReference(name=secret.name, target=SOCKS, uid=uid, gid=gid, mode=0o400)
        return replace(
            self._part(gateway, SOCKS, network),
            entrypoint=("/bin/sh", "-c", _START_SOCKS),
            secrets=(file,),
            ports=(PublishedPort(name=SOCKS, target=_SOCKS_PORT, published=gateway.port + 1),),
        )

    def _part(self, gateway: Gateway, part: str, network: str) -> ServiceSpec:
        return ServiceSpec(
            name=naming.gateway_name(
                deployment=self.deployment,
                namespace=gateway.namespace,
                part=part,
                node=gateway.node,
            ),
            image=self.settings.image,
            labels=self._labels(gateway) | {LABEL_COMPONENT: part, LABEL_NODE: gateway.node},
            node=gateway.node,
            user=_NOBODY,
            reservations=RESERVED,
            limits=_LIMITS,
            pids_limit=1024,
            restart=_ALWAYS,
            networks=(NetworkAttachment(network=network),),
        )

    def _labels(self, gateway: Gateway) -> dict[str, str]:
        return {
            LABEL_DEPLOYMENT: self.deployment,
            LABEL_NAMESPACE: gateway.namespace,
            LABEL_KIND: KIND_GATEWAY,
            LABEL_UID: "",
            LABEL_EPOCH: str(self.epoch),
        }


def _hashed(spec: ServiceSpec) -> ServiceSpec:
    """Label a part with the digest of all that it is made of: a newer Zoe may make another."""
    return replace(spec, labels={**spec.labels, LABEL_SPEC_HASH: spec.applied_hash})


def notes(observed: ObservedState) -> tuple[Note, ...]:
    """Return which gateways can't start, and what the engine says."""
    found = []
    for service, tasks in tasks_of_kind(observed, KIND_GATEWAY):
        if not tasks or not tasks[-1].error or tasks[-1].state is TaskState.RUNNING:
            continue
        namespace = service.spec.labels.get(LABEL_NAMESPACE, "")
        message = f"the gateway of {namespace} can't start: {tasks[-1].error}"
        found.append(Note(uid="", name=service.spec.name, reason="GatewayFailed", message=message))
    return tuple(found)
