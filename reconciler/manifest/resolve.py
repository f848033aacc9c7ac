"""An Execution document to what runs: ZApp, parameters, expressions, defaults, permissions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from policy.model.execution import ApplicationType
from reconciler import canonical
from reconciler.manifest import quantities
from reconciler.manifest.application import Application
from reconciler.manifest.build import Attach, Builder
from reconciler.manifest.diagnostic import Complaint, Path, Problem, quoted
from reconciler.manifest.execution import Execution
from reconciler.manifest.expand import Identity
from reconciler.manifest.grants import Offer, grant
from reconciler.manifest.identity import uid_of
from reconciler.manifest.idleness import IDLE
from reconciler.manifest.notify import refuse_targets
from reconciler.manifest.parameters import bind
from reconciler.manifest.platform import Namespace, Platform, Reservation
from reconciler.manifest.scalars import Number
from reconciler.manifest.spec import DEFAULT_RESERVATIONS, ExecutionSpec, Service
from reconciler.manifest.suggest import closest, did_you_mean
from reconciler.manifest.terms import Terms, terms_of, unplaced
from reconciler.manifest.zapps import SERVICES, ZApp

_ZAPP: Path = ("spec", "zapp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a document is resolved against.

    ``attach`` finds an Execution's own files, ``attach_zapp`` those of a ZApp. ``is_tenant``: the
    source is a tenant's, which holds executions of the namespaces that list it.
    """

    deployment: str
    source_id: str
    commit: str
    platform: Platform
    namespace: Namespace | None
    namespaces: Collection[str]
    reservations: Mapping[str, Reservation]
    zapps: Mapping[str, ZApp]
    broken_zapps: Mapping[str, str]
    offer: Offer
    attach: Attach
    attach_zapp: Callable[[ZApp], Attach]
    is_tenant: bool = False


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
    """Return what a document, valid by itself, means here.

    ``document_hash`` is there even beside problems with what the document refers to, so that a
    ZApp that is gone doesn't look like an edit.
    """
    identity = identity_of(execution, context)
    body = _body(execution, identity, context)
    problems = list(body.problems)
    spec = None
    if context.namespace is None:
        problems.append(_unknown_namespace(execution, context.namespaces))
    elif context.is_tenant and context.source_id not in context.namespace.sources:
        problems.append(_not_granted(context.source_id, context.namespace))
    elif body.spec is not None:
        spec, refusals = grant(
            body.spec,
            platform=context.platform,
            namespace=context.namespace,
            offer=context.offer,
            path=SERVICES,
        )
        problems += blame_zapp(refusals, body.spec.zapp)
    problems += refuse_targets(execution.spec, execution.namespace, context.platform)
    return Resolved(
        identity=identity,
        document_hash=body.document_hash,
        spec=None if any(problem.is_error for problem in problems) else spec,
        problems=tuple(problems),
    )


def _unknown_namespace(execution: Execution, known: Collection[str]) -> Problem:
    name = execution.namespace
    message = f"nobody declared the namespace {quoted(name)}"
    remedy = f"add namespaces/{name}.yaml"
    if execution.item is not None and not execution.item.set.namespace:
        remedy += ", or namespaceDefaults to platform.yaml"
    elif near := closest(name, known):
        remedy = f"did you mean executions/{near}/? Else {remedy}"
    complaint = Complaint("UnknownNamespace", message, remedy)
    return complaint.at(("metadata",), at_key=True)


def _not_granted(source_id: str, namespace: Namespace) -> Problem:
    message = f"the namespace {namespace.name} doesn't take executions from {source_id}"
    listed = ", ".join((*namespace.sources, source_id))
    remedy = (
        f"have the operator write sources: [{listed}] into the spec of "
        f"namespaces/{namespace.name}.yaml"
    )
    return Complaint("SourceNotGranted", message, remedy).at(("metadata",), at_key=True)


def identity_of(execution: Execution, context: Context) -> Identity:
    """Return who a document is, whatever else it says."""
    return Identity(
        name=execution.name,
        namespace=execution.namespace,
        run=execution.run,
        commit=context.commit,
        given=execution.given,
        uid=uid_of(
            deployment=context.deployment,
            source_id=context.source_id,
            namespace=execution.namespace,
            name=execution.name,
            run=execution.run,
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Body:
    """A neutral spec or problems, and the digest of what the document itself says."""

    document_hash: str
    spec: ExecutionSpec | None = None
    problems: Sequence[Problem] = ()


def _body(execution: Execution, identity: Identity, context: Context) -> _Body:
    builder = Builder(attach=context.attach)
    terms = terms_of(execution, builder)
    build = _from_zapp if "zapp" in execution.spec else _inline
    body = build(execution, terms, identity, context)
    if not builder.problems:
        return body
    return replace(body, spec=None, problems=[*builder.problems, *body.problems])


def _unknown_zapp(name: str, context: Context) -> Problem:
    if name in context.broken_zapps:
        message = f"the ZApp {quoted(name)} has errors itself"
        complaint = Complaint("BrokenZApp", message, f"see {context.broken_zapps[name]}")
    else:
        otherwise = f"add zapps/{name}/zapp.yaml"
        remedy = did_you_mean(name, context.zapps, otherwise=otherwise)
        complaint = Complaint("UnknownZApp", f"no ZApp {quoted(name)}", remedy)
    return complaint.at(_ZAPP)


def _inline(execution: Execution, terms: Terms, identity: Identity, context: Context) -> _Body:
    # Its own files come with its terms.
    value = {key: part for key, part in execution.spec.items() if key != "files"}
    application = Application(value, context.attach, {})
    reserved = context.platform.default_reservations
    spec, problems = application.spec(terms, identity, reserved)
    problems += _check_type(execution, spec.type)
    if problems:
        return _Body(document_hash="", problems=problems)
    # The commit and the platform's defaults aren't what the author said.
    nowhere = replace(identity, commit="")
    neutral = spec
    if not application.is_same(identity, reserved, nowhere, DEFAULT_RESERVATIONS):
        neutral, _ = application.spec(terms, nowhere, DEFAULT_RESERVATIONS)
    said = {"terms": unplaced(terms), "type": neutral.type, "services": _without_blobs(neutral)}
    return _Body(document_hash=canonical.digest(said), spec=spec)


def _from_zapp(execution: Execution, terms: Terms, identity: Identity, context: Context) -> _Body:
    name, given = execution.spec["zapp"], execution.spec.get("parameters", {})
    said = {"terms": unplaced(terms), "zapp": name, "parameters": _normalised(given)}
    said_hash = canonical.digest(said)
    zapp = context.zapps.get(name)
    if zapp is None:
        return _Body(document_hash=said_hash, problems=[_unknown_zapp(name, context)])
    path: Path = ("spec", "parameters") if given else _ZAPP
    values, problems = bind(zapp.spec.get("parameters", {}), given, path=path)
    if problems:
        return _Body(document_hash=said_hash, problems=problems)
    application = Application(zapp.spec, context.attach_zapp(zapp), values)
    spec, problems = application.spec(terms, identity, context.platform.default_reservations)
    of_zapp = _OF_ZAPP if "idle" in execution.spec else (*_OF_ZAPP, IDLE)
    problems = blame_zapp(problems, name, parts=of_zapp) + _check_type(execution, spec.type)
    if problems:
        return _Body(document_hash=said_hash, problems=problems)
    return _Body(document_hash=said_hash, spec=replace(spec, zapp=name))


_OF_ZAPP: Sequence[Path] = (SERVICES, ("spec", "files"), ("spec", "secrets"))


def blame_zapp(
    problems: list[Problem], zapp: str, *, parts: Sequence[Path] = _OF_ZAPP
) -> list[Problem]:
    """Return the problems of the ZApp's ``parts`` as seen from the Execution that runs it."""
    if not zapp:
        return problems
    return [
        replace(
            problem,
            path=_ZAPP,
            at_key=False,
            message=f"ZApp {zapp}, {'.'.join(map(str, problem.path[1:]))}: {problem.message}",
        )
        if problem.path[:2] in parts
        else problem
        for problem in problems
    ]


def _check_type(execution: Execution, type_: ApplicationType) -> list[Problem]:
    """Return what only a batch may have."""
    if type_ is ApplicationType.BATCH:
        return []
    if execution.item is not None and execution.item.set.repeats:
        complaint = Complaint(
            "RepeatOutsideBatch", f"{type_} has no end to be started after", "remove repeat"
        )
        return [complaint.at(("spec",), at_key=True)]
    if "retries" not in execution.spec:
        return []
    message = f"{type_} isn't retried: what ends is started again as long as it runs"
    complaint = Complaint("RetriesOutsideBatch", message, "remove it")
    return [complaint.at(("spec", "retries"), at_key=True)]


def _without_blobs(spec: ExecutionSpec) -> tuple[Service, ...]:
    """Return the services with their files told apart by content only."""
    return tuple(
        replace(service, files=tuple(replace(file, blob="") for file in service.files))
        if service.files
        else service
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
