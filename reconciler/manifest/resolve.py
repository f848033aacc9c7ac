"""An Execution document to what runs: ZApp, parameters, expressions, defaults, permissions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from policy.model.execution import ApplicationType
from policy.model.resources import Resources
from reconciler import canonical
from reconciler.manifest import quantities
from reconciler.manifest.build import Attach, Builder
from reconciler.manifest.diagnostic import Complaint, Path, Problem, quoted
from reconciler.manifest.documents import SERVICES, Execution, ZApp
from reconciler.manifest.expand import Identity, expand
from reconciler.manifest.grants import Offer, grant
from reconciler.manifest.identity import uid_of
from reconciler.manifest.parameters import bind
from reconciler.manifest.rules import check_services
from reconciler.manifest.scalars import Number
from reconciler.manifest.spec import (
    DEFAULT_RESERVATIONS,
    After,
    ExecutionSpec,
    File,
    Namespace,
    Platform,
    Retries,
    Service,
    UpdateMode,
)
from reconciler.manifest.suggest import did_you_mean
from reconciler.manifest.validate import check_resolved

_ZAPP: Path = ("spec", "zapp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a document is resolved against.

    ``attach`` finds an Execution's own files, ``attach_zapp`` those of a ZApp by its folder.
    """

    deployment: str
    source_id: str
    commit: str
    platform: Platform
    namespace: Namespace | None
    zapps: Mapping[str, ZApp]
    broken_zapps: Mapping[str, str]
    offer: Offer
    attach: Attach
    attach_zapp: Callable[[str], Attach]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What came of a document: a spec, or problems."""

    identity: Identity
    document_hash: str = ""
    spec: ExecutionSpec | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def spec_hash(self) -> str:
        """Digest of the whole spec."""
        return canonical.digest(self.spec) if self.spec else ""


def resolve(execution: Execution, context: Context) -> Resolved:
    """Return what a document, valid by itself, means here."""
    identity = _identity(execution, context)
    body, problems = _body(execution, identity, context)
    if problems or body is None:
        return Resolved(identity=identity, problems=tuple(problems))
    if context.namespace is None:
        message = f"nobody declared the namespace {quoted(execution.namespace)}"
        remedy = f"add namespaces/{execution.namespace}.yaml"
        complaint = Complaint("UnknownNamespace", message, remedy)
        return Resolved(identity=identity, problems=(complaint.at(("metadata",), at_key=True),))
    spec, problems = grant(
        body.spec,
        platform=context.platform,
        namespace=context.namespace,
        offer=context.offer,
        path=SERVICES,
    )
    if problems:
        found = tuple(blame_zapp(problems, body.spec.zapp))
        return Resolved(identity=identity, problems=found)
    return Resolved(identity=identity, document_hash=body.document_hash, spec=spec)


def _identity(execution: Execution, context: Context) -> Identity:
    return Identity(
        name=execution.name,
        namespace=execution.namespace,
        run=execution.run,
        commit=context.commit,
        uid=uid_of(
            deployment=context.deployment,
            source_id=context.source_id,
            namespace=execution.namespace,
            name=execution.name,
            run=execution.run,
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an Execution says besides what runs. ``files`` go to every service."""

    priority: str = "normal"
    size: str = ""
    lifetime_ms: int | None = None
    queue_timeout_ms: int | None = None
    after: tuple[After, ...] = ()
    retries: Retries = field(default_factory=Retries)
    files: tuple[File, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    update: UpdateMode = UpdateMode.NEVER


@dataclass(frozen=True, slots=True, kw_only=True)
class _Body:
    """A neutral spec, and the digest of what the document itself says."""

    spec: ExecutionSpec
    document_hash: str


def _body(
    execution: Execution, identity: Identity, context: Context
) -> tuple[_Body | None, list[Problem]]:
    builder = Builder(attach=context.attach)
    terms = _terms(execution, builder)
    if builder.problems:
        return None, builder.problems
    name = execution.spec.get("zapp", "")
    if not name:
        return _inline(execution, terms, identity, context)
    zapp = context.zapps.get(name)
    if zapp is None:
        return None, [_unknown_zapp(name, context)]
    return _from_zapp(execution, zapp, terms, identity, context)


def _terms(execution: Execution, builder: Builder) -> Terms:
    spec = execution.spec
    retries = spec.get("retries", {})
    return Terms(
        priority=spec.get("priority", "normal"),
        size=spec.get("size", ""),
        lifetime_ms=_bound(spec, "lifetime", builder),
        queue_timeout_ms=_bound(spec, "queueTimeout", builder),
        after=tuple(
            After(name=entry["name"], when=entry.get("when", "succeeded"))
            for entry in spec.get("after", ())
        ),
        retries=Retries(
            failure=retries.get("failure", 0),
            node_lost=retries.get("nodeLost", 1),
            no_retry=tuple(sorted(set(retries.get("exitCodes", {}).get("noRetry", ())))),
        ),
        files=builder.files(spec.get("files", ()), ("spec", "files")),
        labels=execution.labels,
        update=UpdateMode(spec.get("update", "never")),
    )


def _bound(spec: Mapping[str, Any], key: str, builder: Builder) -> int | None:
    if key not in spec:
        return None
    amount = builder.measured(quantities.duration_ms, spec[key], ("spec", key), 1)
    if amount == 0:
        complaint = Complaint(
            "OutOfRange", "a length of 0 leaves no time", "write 1h, or remove it"
        )
        builder.problems.append(complaint.at(("spec", key)))
    return amount


def _unknown_zapp(name: str, context: Context) -> Problem:
    if name in context.broken_zapps:
        message = f"the ZApp {quoted(name)} has errors itself"
        complaint = Complaint("BrokenZApp", message, f"see {context.broken_zapps[name]}")
    else:
        otherwise = f"add zapps/{name}/zapp.yaml"
        remedy = did_you_mean(name, context.zapps, otherwise=otherwise)
        complaint = Complaint("UnknownZApp", f"no ZApp {quoted(name)}", remedy)
    return complaint.at(_ZAPP)


def _inline(
    execution: Execution, terms: Terms, identity: Identity, context: Context
) -> tuple[_Body | None, list[Problem]]:
    # Its own files come with its terms.
    value = {key: part for key, part in execution.spec.items() if key != "files"}
    application = _Application(value, context.attach, {})
    reserved = context.platform.default_reservations
    spec, problems = application.spec(terms, identity, reserved)
    problems += _check_retries(execution, spec.type)
    if problems:
        return None, problems
    # The commit and the platform's defaults aren't what the author said.
    nowhere = replace(identity, commit="")
    neutral = spec
    if not application.is_same(identity, reserved, nowhere, DEFAULT_RESERVATIONS):
        neutral, _ = application.spec(terms, nowhere, DEFAULT_RESERVATIONS)
    said = {"terms": _unplaced(terms), "type": neutral.type, "services": _without_blobs(neutral)}
    return _Body(spec=spec, document_hash=canonical.digest(said)), []


def _from_zapp(
    execution: Execution, zapp: ZApp, terms: Terms, identity: Identity, context: Context
) -> tuple[_Body | None, list[Problem]]:
    given = execution.spec.get("parameters", {})
    path: Path = ("spec", "parameters") if given else _ZAPP
    values, problems = bind(zapp.spec.get("parameters", {}), given, path=path)
    if problems:
        return None, problems
    application = _Application(zapp.spec, context.attach_zapp(zapp.folder), values)
    spec, problems = application.spec(terms, identity, context.platform.default_reservations)
    problems = blame_zapp(problems, zapp.name) + _check_retries(execution, spec.type)
    if problems:
        return None, problems
    said = {"terms": _unplaced(terms), "zapp": zapp.name, "parameters": _normalised(given)}
    spec = replace(spec, zapp=zapp.name)
    return _Body(spec=spec, document_hash=canonical.digest(said)), []


@dataclass(frozen=True, slots=True)
class _Application:
    """Type, services and secrets: a ZApp with its parameters, or an Execution's own."""

    value: Mapping[str, Any]
    attach: Attach
    parameters: Mapping[str, Any]

    def spec(
        self, terms: Terms, identity: Identity, reserved: Resources
    ) -> tuple[ExecutionSpec, list[Problem]]:
        """Return the neutral spec; it is worth nothing where there are problems."""
        type_ = ApplicationType(self.value["type"])
        services, problems = self._services(identity, reserved)
        if not problems:
            services = tuple(
                replace(service, files=service.files + terms.files) for service in services
            )
            problems = check_services(services, type_, path=SERVICES)
        if type_ is ApplicationType.BATCH and len(services) == 1:
            services = (replace(services[0], completes=True),)
        spec = ExecutionSpec(
            type=type_,
            services=services,
            priority=terms.priority,
            size=terms.size,
            lifetime_ms=terms.lifetime_ms,
            queue_timeout_ms=terms.queue_timeout_ms,
            after=terms.after,
            retries=terms.retries,
        )
        return spec, problems

    def is_same(
        self, identity: Identity, reserved: Resources, other: Identity, others: Resources
    ) -> bool:
        """Tell whether the services come out the same from either."""
        if "{{" not in str(self.value["services"]):
            return True
        return self._expanded(identity, reserved) == self._expanded(other, others)

    def _expanded(
        self, identity: Identity, reserved: Resources
    ) -> tuple[dict[str, Any], list[Problem]]:
        return expand(
            self.value["services"],
            parameters=self.parameters,
            identity=identity,
            defaults=reserved,
            path=SERVICES,
        )

    def _services(
        self, identity: Identity, reserved: Resources
    ) -> tuple[tuple[Service, ...], list[Problem]]:
        services, problems = self._expanded(identity, reserved)
        if not problems:
            problems = self._check_changed(services)
        if problems:
            return (), problems
        builder = Builder(attach=self.attach)
        built = builder.services(services, self.value.get("secrets", {}), SERVICES)
        if "files" in self.value:
            shared = builder.files(self.value["files"], ("spec", "files"))
            built = tuple(replace(service, files=service.files + shared) for service in built)
        return built, builder.problems

    def _check_changed(self, services: Mapping[str, Any]) -> list[Problem]:
        """Check what expressions were replaced in; the rest has been checked as written."""
        written = self.value["services"]
        return [
            problem
            for name, service in services.items()
            if service != written[name]
            for problem in check_resolved("service", service, path=(*SERVICES, name))
        ]


def blame_zapp(problems: list[Problem], zapp: str) -> list[Problem]:
    """Return the problems as seen from the Execution that runs the ZApp."""
    if not zapp:
        return problems
    return [
        replace(
            problem,
            path=_ZAPP,
            at_key=False,
            message=f"ZApp {zapp}, {'.'.join(map(str, problem.path[1:]))}: {problem.message}",
        )
        if problem.path[:2] in (SERVICES, ("spec", "files"))
        else problem
        for problem in problems
    ]


def _check_retries(execution: Execution, type_: ApplicationType) -> list[Problem]:
    if type_ is ApplicationType.BATCH or "retries" not in execution.spec:
        return []
    message = f"{type_} isn't retried: what ends is started again as long as it runs"
    complaint = Complaint("RetriesOutsideBatch", message, "remove it")
    return [complaint.at(("spec", "retries"), at_key=True)]


def _unplaced(terms: Terms) -> Terms:
    return replace(terms, files=tuple(replace(file, blob="") for file in terms.files))


def _without_blobs(spec: ExecutionSpec) -> tuple[Service, ...]:
    """Return the services with their files told apart by content only."""
    return tuple(
        replace(service, files=tuple(replace(file, blob="") for file in service.files))
        for service in spec.services
    )


def _normalised(value: Any) -> Any:
    """Return parameter values with amounts in one spelling.

    By their looks, not by the declared type: editing a ZApp mustn't change what a document says.
    """
    match value:
        case dict():
            return {key: _normalised(item) for key, item in value.items()}
        case list():
            return [_normalised(item) for item in value]
        case Number():
            return f"number {value.text}"
        case str():
            try:
                return f"{quantities.memory_bytes(value)} bytes"
            except Complaint:
                return value
        case _:
            return value
