"""Resolved values to domain objects: quantities to integers, short forms to long ones.

What comes out is neutral: it depends on the document alone, not on the platform's defaults, grants
or image mirrors, so that its digest says whether the document changed its meaning.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from policy.model.execution import Constraint, Operator
from policy.model.resources import Resources
from reconciler.manifest import quantities
from reconciler.manifest.ciphertext import one_line
from reconciler.manifest.diagnostic import Complaint, Path, Problem, quoted
from reconciler.manifest.quantities import MAX_DURATION_MS
from reconciler.manifest.secret_mount import SSH_KEY, SecretMount
from reconciler.manifest.spec import (
    Dependency,
    DependsCondition,
    File,
    Healthcheck,
    Port,
    Route,
    Service,
    Tmpfs,
    Ulimit,
    Volume,
)
from reconciler.manifest.suggest import did_you_mean
from reconciler.manifest.targets import check_target

T = TypeVar("T")
D = TypeVar("D")

LEAST_PROBE_MS = 100
"""A health check starts a process: more often, a few services keep their node busy with it."""

MOST_GRACE_MS = 3_600_000
"""Whoever waits for a room waits for what is stopped in it, too."""

UNLIMITED = -1
_HEALTH_COMMANDS = ("CMD", "CMD-SHELL", "NONE")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of the repository that a manifest delivers: blob id and sha256 of its bytes."""

    blob: str
    content_hash: str


Attach = Callable[[str], Attachment]
"""Finds a ``files/...`` path beside the manifest; raises Complaint if it can't be delivered."""


@dataclass(slots=True)
class Builder:
    """Builds what one document says, and keeps what was wrong with it."""

    attach: Attach
    problems: list[Problem] = field(default_factory=list)

    def measured(self, measure: Callable[[Any], T], value: Any, path: Path, default: D) -> T | D:
        """Return ``measure(value)``; a complaint is kept as a problem at ``path``."""
        try:
            return measure(value)
        except Complaint as complaint:
            self.problems.append(complaint.at(path))
            return default

    def services(
        self, services: Mapping[str, Any], secrets: Mapping[str, Any], path: Path
    ) -> tuple[Service, ...]:
        """Return the services, sorted by name."""
        return tuple(
            self._service(name, services[name], secrets, (*path, name)) for name in sorted(services)
        )

    def _service(
        self, name: str, value: Mapping[str, Any], secrets: Mapping[str, Any], path: Path
    ) -> Service:
        core, maximum, scaling = _replicas(value.get("replicas", 1))
        resources = value.get("resources", {})
        limits = resources.get("limits", {})
        placement = value.get("placement", {})
        return Service(
            name=name,
            image=value["image"],
            command=self._arguments(value.get("command"), (*path, "command")),
            entrypoint=self._arguments(value.get("entrypoint"), (*path, "entrypoint")),
            environment=self.measured(
                _environment, value.get("environment", {}), (*path, "environment"), ()
            ),
            user=str(value.get("user", "")),
            working_dir=value.get("working_dir", ""),
            healthcheck=self._healthcheck(value.get("healthcheck"), (*path, "healthcheck")),
            depends_on=_dependencies(value.get("depends_on", ())),
            ports=tuple(_port(port) for port in value.get("ports", ())),
            volumes=self._volumes(value.get("volumes", ()), (*path, "volumes")),
            secrets=self._secrets(value.get("secrets", ()), secrets, (*path, "secrets")),
            files=self.files(value.get("files", ()), (*path, "files")),
            tmpfs=self._tmpfs(value.get("tmpfs", ()), (*path, "tmpfs")),
            shm_bytes=self._memory(value.get("shm_size", 0), (*path, "shm_size")),
            ulimits=self._ulimits(value.get("ulimits", {}), (*path, "ulimits")),
            stop_grace_ms=self._duration(
                value.get("stop_grace_period", "10s"),
                (*path, "stop_grace_period"),
                most_ms=MOST_GRACE_MS,
            ),
            labels=self.measured(_labels, value.get("labels", {}), (*path, "labels"), ()),
            core=core,
            maximum=maximum,
            reservations=self.resources(
                resources.get("reservations", {}), (*path, "resources", "reservations")
            ),
            limits=self.resources(limits, (*path, "resources", "limits")),
            pids_limit=limits.get("pids", 4096),
            constraints=constraints(placement.get("constraints", ())),
            spread=placement.get("spread", ""),
            max_per_node=placement.get("max_replicas_per_node", 0),
            completes=value.get("completes", False),
            security_profile=value.get("security_profile", "restricted"),
            revocable=scaling.get("revocable", True),
            speedup=self._speedup(
                scaling.get("speedup", ())[:maximum], (*path, "replicas", "speedup")
            ),
        )

    def resources(self, value: Mapping[str, Any], path: Path) -> Resources:
        """Return an amount of cpus, memory and generic resources; what isn't said is 0."""
        return Resources.of(
            cpu_millis=self.measured(
                quantities.cpu_millis, value.get("cpus", 0), (*path, "cpus"), 0
            ),
            memory_bytes=self._memory(value.get("memory", 0), (*path, "memory")),
            generic=value.get("generic", {}).items(),
        )

    def _speedup(self, curve: Sequence[Any], path: Path) -> tuple[int, ...]:
        return tuple(
            self.measured(quantities.thousandths, value, (*path, index), 1000)
            for index, value in enumerate(curve)
        )

    def _memory(self, value: object, path: Path) -> int:
        return self.measured(quantities.memory_bytes, value, path, 0)

    def _duration(
        self, value: object, path: Path, *, least_ms: int = 0, most_ms: int = MAX_DURATION_MS
    ) -> int:
        def within(text: object) -> int:
            return quantities.duration_within(text, least_ms, most_ms)

        return self.measured(within, value, path, least_ms)

    def _arguments(self, value: str | Sequence[Any] | None, path: Path) -> tuple[str, ...] | None:
        if value is None:
            return None
        if isinstance(value, str):
            return self.measured(_split, value, path, ())
        return tuple(_text(item) for item in value)

    def _healthcheck(self, value: Mapping[str, Any] | None, path: Path) -> Healthcheck | None:
        if value is None:
            return None
        return Healthcheck(
            test=self.measured(_health_test, value["test"], (*path, "test"), ()),
            interval_ms=self._duration(
                value.get("interval", "10s"), (*path, "interval"), least_ms=LEAST_PROBE_MS
            ),
            timeout_ms=self._duration(
                value.get("timeout", "5s"), (*path, "timeout"), least_ms=LEAST_PROBE_MS
            ),
            start_period_ms=self._duration(
                value.get("start_period", "0s"), (*path, "start_period")
            ),
            retries=value.get("retries", 3),
        )

    def _secrets(
        self, mounts: Sequence[Any], secrets: Mapping[str, Any], path: Path
    ) -> tuple[SecretMount, ...]:
        built: list[SecretMount] = []
        for index, mount in enumerate(mounts):
            value = {"source": mount} if isinstance(mount, str) else mount
            source = value["source"]
            if source not in secrets:
                remedy = did_you_mean(
                    source, secrets, otherwise=f"add secrets: {{{source}: {{generate: random}}}}"
                )
                message = f"no secret {quoted(source)} under spec.secrets"
                self.problems.append(Complaint("UnknownSecret", message, remedy).at((*path, index)))
                continue
            built.append(self._secret(source, value, secrets[source]))
        return tuple(built)

    def _secret(
        self, name: str, mount: Mapping[str, Any], origin: Mapping[str, Any]
    ) -> SecretMount:
        generate = origin.get("generate", "")
        # ssh refuses a private key that others may read.
        mode = "0400" if generate == SSH_KEY else "0444"
        place = ("spec", "secrets", name, "age")
        return SecretMount(
            swarm_name=origin.get("swarm", ""),
            target=mount.get("target", name),
            uid=mount.get("uid", "0"),
            gid=mount.get("gid", "0"),
            mode=int(mount.get("mode", mode), 8),
            name="" if "swarm" in origin else name,
            age=self.measured(one_line, origin["age"], place, "") if "age" in origin else "",
            generate=generate,
        )

    def files(self, items: Sequence[Mapping[str, Any]], path: Path) -> tuple[File, ...]:
        """Return the files to deliver, each with the blob and digest of its content."""
        built: list[File] = []
        for index, item in enumerate(items):
            found = self.measured(self.attach, item["source"], (*path, index, "source"), None)
            if found is not None:
                built.append(
                    File(
                        source=item["source"],
                        blob=found.blob,
                        content_hash=found.content_hash,
                        target=self._target(item["target"], (*path, index, "target")),
                        mode=int(item.get("mode", "0444"), 8),
                    )
                )
        return tuple(built)

    def _target(self, value: str, path: Path) -> str:
        return self.measured(check_target, value, path, value)

    def _volumes(self, items: Sequence[Mapping[str, Any]], path: Path) -> tuple[Volume, ...]:
        return tuple(
            Volume(
                type=item["type"],
                target=self._target(item["target"], (*path, index, "target")),
                source=item.get("source", ""),
                read_only=item.get("read_only", False),
            )
            for index, item in enumerate(items)
        )

    def _ulimits(self, value: Mapping[str, Any], path: Path) -> tuple[Ulimit, ...]:
        return tuple(
            self.measured(_ulimit, (name, limit), (*path, name), Ulimit(name=name, soft=0, hard=0))
            for name, limit in sorted(value.items())
        )

    def _tmpfs(self, items: Sequence[Any], path: Path) -> tuple[Tmpfs, ...]:
        return tuple(
            Tmpfs(target=self._target(item, (*path, index)))
            if isinstance(item, str)
            else Tmpfs(
                target=self._target(item["target"], (*path, index, "target")),
                size_bytes=self._memory(item.get("size", 0), (*path, index, "size")),
            )
            for index, item in enumerate(items)
        )


def constraints(items: Sequence[str]) -> tuple[Constraint, ...]:
    """Return the rules on nodes that texts such as ``node.labels.x == y`` say."""
    return tuple(_constraint(item) for item in items)


def _constraint(text: str) -> Constraint:
    operator = Operator.EQUAL if "==" in text else Operator.NOT_EQUAL
    attribute, value = text.split(operator, 1)
    return Constraint(attribute=attribute.strip(), operator=operator, value=value.strip())


def labels_of(metadata: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the labels of a document, sorted."""
    return _labels(metadata.get("labels", {}))


def _labels(value: Mapping[str, str] | Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(value.items() if isinstance(value, Mapping) else _pairs(value)))


def _pairs(items: Sequence[str]) -> list[tuple[str, str]]:
    pairs = [_pair(item) for item in items]
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            message = f"{quoted(name)} stands there twice"
            raise Complaint("Duplicate", message, "keep one of the two")
    return pairs


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _text(value: object) -> str:
    return str(getattr(value, "text", value))


def _environment(value: Mapping[str, Any] | Sequence[str]) -> tuple[tuple[str, str], ...]:
    if isinstance(value, Mapping):
        return tuple(sorted((name, _text(item)) for name, item in value.items()))
    return tuple(sorted(_pairs(value)))


def _replicas(value: int | Mapping[str, Any]) -> tuple[int, int, Mapping[str, Any]]:
    if isinstance(value, Mapping):
        return value["core"], value["max"], value
    return value, value, {}


def _dependencies(value: Sequence[str] | Mapping[str, Any]) -> tuple[Dependency, ...]:
    if not isinstance(value, Mapping):
        return tuple(Dependency(service=name) for name in sorted(value))
    return tuple(
        Dependency(
            service=name,
            condition=DependsCondition(value[name].get("condition", DependsCondition.HEALTHY)),
        )
        for name in sorted(value)
    )


def _port(value: Mapping[str, Any]) -> Port:
    return Port(
        name=value["name"],
        target=value["target"],
        protocol=value.get("protocol", "tcp"),
        app_protocol=value.get("app_protocol", ""),
        path=value.get("path", ""),
        mode=value.get("mode", "host"),
        published=value.get("published", 0),
        route=Route(value.get("route", Route.STRIP)),
    )


def _ulimit(named: tuple[str, int | Mapping[str, int]]) -> Ulimit:
    name, limit = named
    if isinstance(limit, int):
        return Ulimit(name=name, soft=limit, hard=limit)
    soft, hard = limit["soft"], limit["hard"]
    # -1 is without end: more than any number.
    if hard != UNLIMITED and not UNLIMITED < soft <= hard:
        told = "-1 (none)" if soft == UNLIMITED else soft
        message = f"the soft limit {told} is more than the hard limit {hard}"
        remedy = f"write soft: 0 to {hard}" if hard else "write soft: 0"
        raise Complaint("OutOfRange", message, remedy)
    return Ulimit(name=name, soft=soft, hard=hard)


def _split(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        message = f"{quoted(text)} has a quote without an end"
        raise Complaint("BadCommand", message, "write a list of arguments") from error


def _health_test(value: str | Sequence[Any]) -> tuple[str, ...]:
    if isinstance(value, str):
        return ("CMD-SHELL", value)
    test = tuple(_text(item) for item in value)
    if test[0] not in _HEALTH_COMMANDS:
        message = f"a test begins with CMD or CMD-SHELL, not {quoted(test[0])}"
        raise Complaint("BadHealthcheck", message, f"write [CMD, {quoted(test[0], limit=40)}, ...]")
    return test


def bound(value: Mapping[str, Any], key: str, builder: Builder, path: Path) -> int | None:
    """Return a length of time that mustn't be 0; None if it isn't there."""
    if key not in value:
        return None
    place = (*path, key)
    amount = builder.measured(quantities.duration_ms, value[key], place, 1)
    if amount == 0:
        complaint = Complaint(
            "OutOfRange", "a length of 0 leaves no time", "write 1h, or remove it"
        )
        builder.problems.append(complaint.at(place))
    return amount
