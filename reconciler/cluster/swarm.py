"""Docker Swarm behind ``ports.Cluster``: the calls, and who may be touched by them.

What the dictionaries hold is in translate.py and listing.py, what errors mean in failures.py, how
the engine is reached in connection.py, and how all of the Swarm is read in survey.py.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from reconciler.cluster import probe
from reconciler.cluster.connection import Connection, url
from reconciler.cluster.dictionary import Json, Kind
from reconciler.cluster.events import EventListener
from reconciler.cluster.failures import reading, writing
from reconciler.cluster.frames import keep_last, payloads
from reconciler.cluster.gate import Gate
from reconciler.cluster.listing import ids_by_name, observed_node
from reconciler.cluster.survey import Survey, alive, labels
from reconciler.cluster.text import last_bytes
from reconciler.cluster.translate import to_service
from reconciler.converge.state import (
    LABEL_DEPLOYMENT,
    LABEL_UID,
    ConfigSpec,
    NetworkSpec,
    ObservedState,
    SecretSpec,
    ServiceSpec,
)
from reconciler.errors import ClusterUnavailable, ConflictError, Missing
from reconciler.ports import Clock

log = logging.getLogger(__name__)

DEFAULT_TIMEOUT_S = 15.0
_LOG_CHUNK_BYTES = 16_384
_POLLED_MOST = 100
_FILTERS = {"networks": {"scope": ["swarm"]}}


class SwarmCluster:
    """The Swarm of one engine. Nothing is connected before the first call; safe for threads.

    ``deployment`` is the label value that makes objects ours. ``docker_host`` is as in
    DOCKER_HOST, which counts (with its TLS variables) where it is empty. ``timeout_s`` bounds
    each wait for the engine but those for logs, with which nodes may be slow.
    """

    def __init__(
        self,
        deployment: str,
        *,
        clock: Clock,
        docker_host: str = "",
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> None:
        self._deployment = deployment
        self._clock = clock
        self._connection = Connection(docker_host, timeout_s)
        self._connected = self._connection.client
        self._events = EventListener(self._connection.events)
        self._survey = Survey(deployment)
        self._writes = 0
        self._are_many = False
        self._gate = Gate(self._mark)
        self._ids: dict[tuple[Kind, str], str] = {}

    def _mark(self) -> tuple[int, int] | None:
        return (self._writes, self._events.changes) if self._events.hears else None

    def close(self) -> None:
        """End the event stream and the connections. May be called twice."""
        self._events.close()
        self._connection.close()

    def observe(self) -> ObservedState:
        """Return one complete reading; raises ClusterUnavailable if any listing fails."""
        return self._gate.read(self._observed)

    def refresh(self, last: ObservedState, services: Collection[str]) -> ObservedState | None:
        """Return the last reading with the tasks of some services read anew, if that is enough."""
        with contextlib.suppress(Missing):  # the service itself is gone
            return self._gate.reread(last, lambda: self._reread(last, services))
        return None

    def _observed(self) -> ObservedState:
        taken_at, breaks = self._clock.now(), self._events.breaks
        client = self._connected()
        with reading("listing the Swarm"):
            state = self._survey.read(
                lambda what: self._connection.listing(client, what, _FILTERS.get(what)),
                taken_at=taken_at,
                watch=breaks,
            )
        self._ids = dict(self._survey.ids)
        self._tell_of_others(len(state.foreign_names))
        return state if breaks == self._events.breaks else replace(state, watch=None)

    def _tell_of_others(self, count: int) -> None:
        """Log that each reading goes through very many, once until they are fewer."""
        are_many = count >= probe.OTHERS_MANY
        if are_many and not self._are_many:
            told = {"services": count, "remedy": probe.OTHERS_REMEDY}
            log.warning("many services that aren't ours are read in each pass", extra=told)
        self._are_many = are_many

    def _reread(self, last: ObservedState, services: Collection[str]) -> ObservedState:
        taken_at = self._clock.now()
        if not services:
            return replace(last, taken_at=taken_at)
        client = self._connected()
        # The engine finds the tasks of a service at once; of very many, all are as soon listed.
        those = {"service": sorted(services)} if len(services) <= _POLLED_MOST else None
        with reading("listing tasks"):
            answer = self._connection.listing(client, "tasks", those)
            return self._survey.reread(
                last, answer, None if those is None else services, taken_at=taken_at
            )

    @contextlib.contextmanager
    def _writing(self, what: str) -> Iterator[None]:
        try:
            with writing(what):
                yield
        finally:
            self._writes += 1  # whatever came of it

    def create_network(self, spec: NetworkSpec) -> str:
        """Create an overlay network and return its id."""
        client = self._connected()
        with self._writing(f"create network {spec.name}"):
            answer = client.create_network(
                spec.name,
                driver="overlay",
                scope="swarm",
                check_duplicate=True,
                options={"encrypted": ""} if spec.is_encrypted else {},
                attachable=False,
                labels=dict(spec.labels),
            )
        return self._remember(Kind.NETWORK, spec.name, answer["Id"])

    def remove_network(self, network_id: str) -> None:
        """Remove a network by id; ConflictError while a service uses it."""
        client = self._connected()
        with contextlib.suppress(Missing), self._writing(f"remove network {network_id}"):
            client.remove_network(network_id)

    def create_config(self, spec: ConfigSpec) -> str:
        """Create a config and return its id."""
        client = self._connected()
        with self._writing(f"create config {spec.name}"):
            answer = client.create_config(spec.name, spec.data, labels=dict(spec.labels))
        return self._remember(Kind.CONFIG, spec.name, answer["ID"])

    def remove_config(self, config_id: str) -> None:
        """Remove a config by id; ConflictError while a service uses it."""
        client = self._connected()
        with contextlib.suppress(Missing), self._writing(f"remove config {config_id}"):
            client.remove_config(config_id)

    def create_secret(self, spec: SecretSpec) -> str:
        """Create a secret and return its id."""
        client = self._connected()
        with self._writing(f"create secret {spec.name}"):
            answer = client.create_secret(spec.name, spec.data, labels=dict(spec.labels))
        return self._remember(Kind.SECRET, spec.name, answer["ID"])

    def remove_secret(self, secret_id: str) -> None:
        """Remove a secret of ours by id; ConflictError while a service uses it."""
        client = self._connected()
        with contextlib.suppress(Missing):
            with reading(f"reading secret {secret_id}"):
                current = client.inspect_secret(secret_id)
            if not self._is_ours(current["Spec"]):
                raise ConflictError(f"secret {secret_id} isn't of deployment {self._deployment}")
            with self._writing(f"remove secret {secret_id}"):
                client.remove_secret(secret_id)

    def create_service(self, spec: ServiceSpec) -> str:
        """Create a service and return its id."""
        client = self._connected()
        body = self._body(client, spec)
        with self._forgetting_ids(), self._writing(f"create service {spec.name}"):
            answer = client.create_service(
                body["TaskTemplate"],
                name=body["Name"],
                labels=body["Labels"],
                mode=body["Mode"],
                update_config=body["UpdateConfig"],
                endpoint_spec=body["EndpointSpec"],
            )
        return str(answer["ID"])

    def update_service(self, service_id: str, version: int, spec: ServiceSpec) -> None:
        """Replace a service's spec as read at ``version``.

        The service is read again first: one that isn't ours isn't touched, and its ForceUpdate
        counter (raised by hand with `docker service update --force`) must be sent back, or
        Swarm would restart every task.
        """
        client = self._connected()
        current = self._ours(client, service_id)
        if current["Version"]["Index"] != version:
            raise ConflictError(f"update service {spec.name}: changed since it was read")
        body = self._body(client, spec)
        template = body["TaskTemplate"]
        template["ForceUpdate"] = current["Spec"]["TaskTemplate"].get("ForceUpdate", 0)
        with self._forgetting_ids(), self._writing(f"update service {spec.name}"):
            client.update_service(
                service_id,
                version,
                template,
                name=body["Name"],
                labels=body["Labels"],
                mode=body["Mode"],
                update_config=body["UpdateConfig"],
                endpoint_spec=body["EndpointSpec"],
            )

    def remove_service(self, service_id: str, *, uid: str) -> None:
        """Remove a service by id if it still carries our ``uid`` label; ConflictError if not."""
        client = self._connected()
        with contextlib.suppress(Missing):
            current = self._ours(client, service_id)
            if labels(current["Spec"]).get(LABEL_UID) != uid:
                raise ConflictError(f"service {service_id} isn't of {uid} (any more)")
            with self._writing(f"remove service {service_id}"):
                client.remove_service(service_id)

    def logs(self, service_id: str, *, tail: int, limit_bytes: int = 65_536) -> str:
        """Return the last lines of each task of a service, ``limit_bytes`` at most.

        Tasks of a node that doesn't answer are left out after the time-out.
        """
        client = self._connected()
        with reading(f"logs of {service_id}"):
            response = client.get(
                url(client, f"/services/{service_id}/logs"),
                params={"stdout": 1, "stderr": 1, "tail": tail},
                stream=True,
                timeout=DEFAULT_TIMEOUT_S,
            )
            with contextlib.closing(response):
                if response.status_code == 404:
                    raise Missing(f"logs of {service_id}: the service is gone")
                response.raise_for_status()
                # One byte more, to tell a log that was cut from one that fits.
                data = keep_last(payloads(_until_silent(response)), limit=limit_bytes + 1)
        return last_bytes(data, limit=limit_bytes)

    def wait_for_event(self, timeout_s: float) -> bool:
        """Wait until something of the Swarm changed, at most ``timeout_s``; tell whether it did."""
        return self._events.wait(timeout_s)

    def probe(self) -> tuple[probe.Finding, ...]:
        """Return what `zoe doctor` says about the engine and the Swarm; raises nothing."""
        try:
            client = self._connected()
            with reading("asking the engine"):
                findings = probe.examine(client.info(), probe.parse_api(client.api_version))
                if not all(finding.is_ok for finding in findings if finding.code == "SwarmManager"):
                    return findings
                nodes = [observed_node(node) for node in client.nodes()]
                services = self._connection.listing(client, "services")
                ours = [self._is_ours(service["Spec"]) for service in services.items()]
        except (ClusterUnavailable, Missing) as error:
            return (probe.unreachable(str(error)),)
        others = probe.examine_services(ours.count(True), ours.count(False), services.size_bytes)
        return (*findings, *probe.examine_nodes(nodes), others)

    def _ours(self, client: Any, service_id: str) -> Json:
        with reading(f"reading service {service_id}"):
            current: Json = client.inspect_service(service_id)
        if not self._is_ours(current["Spec"]):
            raise ConflictError(f"service {service_id} isn't of deployment {self._deployment}")
        return current

    def _is_ours(self, data: Mapping[str, Any]) -> bool:
        return labels(data).get(LABEL_DEPLOYMENT) == self._deployment

    def _body(self, client: Any, spec: ServiceSpec) -> Json:
        api = probe.parse_api(client.api_version)
        return to_service(spec, id_of=lambda kind, name: self._id_of(client, kind, name), api=api)

    def _id_of(self, client: Any, kind: Kind, name: str) -> str:
        known = self._ids.get((kind, name))
        if known is not None:
            return known
        with reading(f"looking up {kind} {name}"):
            match kind:
                case Kind.NETWORK:
                    found = ids_by_name(_networks(client, name))
                case Kind.CONFIG:
                    found = ids_by_name(configs=client.configs(filters={"name": name}))
                case Kind.SECRET:
                    found = ids_by_name(secrets=client.secrets(filters={"name": name}))
        if (kind, name) not in found:  # the engine's filter takes a part of the name for it
            raise Missing(f"no {kind} {name}")
        return self._remember(kind, name, found[kind, name])

    def _remember(self, kind: Kind, name: str, id_: str) -> str:
        self._ids[kind, name] = id_
        return id_

    @contextlib.contextmanager
    def _forgetting_ids(self) -> Iterator[None]:
        """Drop the known ids when something is missing: it may be there under a new id."""
        try:
            yield
        except Missing:
            self._ids = {}
            raise


def _networks(client: Any, name: str) -> list[Json]:
    return alive(client.networks(names=[name], filters={"scope": "swarm"}))


def _until_silent(response: Any) -> Iterator[bytes]:
    """Yield parts of a log until it ends, or until the engine waits for a node that is silent."""
    import requests.exceptions

    has_any = False
    try:
        for part in response.iter_content(_LOG_CHUNK_BYTES):
            has_any = True
            yield part
    except requests.exceptions.RequestException:
        if not has_any:
            raise
