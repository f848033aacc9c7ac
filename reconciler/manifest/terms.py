"""What an Execution says besides what runs: when, how long, how important, how often again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler.manifest import times
from reconciler.manifest.build import Builder, bound
from reconciler.manifest.diagnostic import Path
from reconciler.manifest.execution import Execution
from reconciler.manifest.idleness import IdleTerms, idle_terms
from reconciler.manifest.spec import After, File, Retries, UpdateMode

_SPEC: Path = ("spec",)


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
    reservation: str = ""
    not_before: datetime | None = None
    idle: IdleTerms = field(default_factory=IdleTerms)
    logs_kept_in: str = ""


def terms_of(execution: Execution, builder: Builder) -> Terms:
    """Return a document's terms; problems are left in ``builder``."""
    spec = execution.spec
    retries = spec.get("retries", {})
    return Terms(
        priority=spec.get("priority", "normal"),
        size=spec.get("size", ""),
        lifetime_ms=bound(spec, "lifetime", builder, _SPEC),
        queue_timeout_ms=bound(spec, "queueTimeout", builder, _SPEC),
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
        reservation=spec.get("reservation", ""),
        not_before=builder.measured(times.moment, spec["notBefore"], (*_SPEC, "notBefore"), None)
        if "notBefore" in spec
        else None,
        idle=idle_terms(spec, builder),
        logs_kept_in=spec.get("logs", {}).get("keep", ""),
    )


def unplaced(terms: Terms) -> Terms:
    """Return the terms with files told apart by content, wherever it is kept."""
    if not terms.files:
        return terms
    return replace(terms, files=tuple(replace(file, blob="") for file in terms.files))
