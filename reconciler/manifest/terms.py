"""What an Execution says besides what runs: when, how long, how important, how often again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.manifest import quantities
from reconciler.manifest.build import Builder
from reconciler.manifest.diagnostic import Complaint
from reconciler.manifest.documents import Execution
from reconciler.manifest.spec import After, File, Retries, UpdateMode


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


def terms_of(execution: Execution, builder: Builder) -> Terms:
    """Return a document's terms; problems are left in ``builder``."""
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


def unplaced(terms: Terms) -> Terms:
    """Return the terms with files told apart by content, wherever it is kept."""
    if not terms.files:
        return terms
    return replace(terms, files=tuple(replace(file, blob="") for file in terms.files))
