"""What a reviewer should know of a change that is valid: warnings, each with its place."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from reconciler.manifest.diagnostic import Diagnostic, Severity
from reconciler.manifest.literals import CODE as LITERAL
from reconciler.manifest.spec import Manifest, Service
from reconciler.review.masking import is_secret, is_secret_argument


def advice(manifest: Manifest, *, missing: Collection[str] = ()) -> tuple[Diagnostic, ...]:
    """Return the warnings about an execution that is new or edited.

    ``missing`` are images that their registry doesn't have.
    """
    if manifest.spec is None:
        return ()
    return tuple(_found(manifest, missing))


def _found(manifest: Manifest, missing: Collection[str]) -> Iterator[Diagnostic]:
    spec = manifest.spec
    if spec is None:
        return
    if spec.lifetime_ms is None:
        yield _warning(
            manifest,
            code="NoLifetime",
            message=f"{manifest.namespace}/{manifest.name} has no lifetime: it may run for ever",
            remedy="add lifetime: 8h, or as long as it is needed",
        )
    for service in spec.services:
        if service.image in missing:
            yield _warning(
                manifest,
                code="TagNotFound",
                message=f"the image of service {service.name} isn't there: {service.image}",
                remedy="look the tag up; an image that not everybody may see may be there",
            )
        for what in _literals(service):
            yield _warning(
                manifest,
                code=LITERAL,
                message=f"{what} of service {service.name} looks like a secret: whoever reads "
                "the repository has it",
                remedy="put it into a secret of the namespace, and change it where it is from",
            )


def _literals(service: Service) -> Iterator[str]:
    for name, value in service.environment:
        if is_secret(name, value):
            yield f"variable {name}"
    for name, value in service.labels:
        if is_secret(name, value):
            yield f"label {name}"
    if any(is_secret_argument(argument) for argument in service.command or ()):
        yield "an argument of the command"
    if any(is_secret_argument(argument) for argument in service.entrypoint or ()):
        yield "an argument of the entrypoint"


def _warning(manifest: Manifest, *, code: str, message: str, remedy: str) -> Diagnostic:
    return Diagnostic(
        file=manifest.origin.path,
        line=manifest.origin.line,
        column=1,
        pointer="",
        code=code,
        message=message,
        remedy=remedy,
        severity=Severity.WARNING,
    )
