"""What carries our labels and nobody knows: told with how to remove it, and never touched."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from policy.model.execution import Uid
from reconciler.converge.state import (
    KIND_SECRET,
    KINDS_OF_NOBODY,
    LABEL_DEPLOYMENT,
    LABEL_EXECUTION,
    LABEL_KIND,
    LABEL_NAMESPACE,
    LABEL_UID,
    ObservedFile,
    ObservedService,
    ObservedState,
)

SERVICE, SECRET = "service", "secret"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """A service, or a secret that none uses. ``owner`` is who its labels say that it belongs to."""

    kind: str
    id: str
    name: str
    uid: str
    owner: str
    created_at: datetime

    @property
    def told(self) -> str:
        """What it is, and what to do about it."""
        adopt = f"zoe orphans adopt {self.name}, or: " if self.kind == SERVICE else ""
        return (
            f"{self.kind} {self.name} ({self.owner}) carries our labels but nobody knows it; "
            f"look at it, then: {adopt}zoe orphans remove {self.name}"
        )


def orphans(
    observed: ObservedState, known: Collection[Uid], *, deployment: str
) -> tuple[Orphan, ...]:
    """Return them by name.

    Args:
        observed: One complete reading.
        known: Every uid that the ledger knows. What is no single execution's has no uid and isn't
            missed: it can be made again.
        deployment: Whose secrets are ours; all are observed.
    """
    used = {file.name for service in observed.services for file in service.spec.secrets}
    found = [
        *_services(observed.services, known),
        *_secrets((s for s in observed.secrets if s.name not in used), known, deployment),
    ]
    return tuple(sorted(found, key=lambda orphan: (orphan.kind, orphan.name)))


def _services(services: Iterable[ObservedService], known: Collection[Uid]) -> Iterator[Orphan]:
    for service in services:
        labels = service.spec.labels
        uid = labels.get(LABEL_UID, "")
        if labels.get(LABEL_KIND) not in KINDS_OF_NOBODY and uid not in known:
            owner = f"{labels.get(LABEL_NAMESPACE, '?')}/{labels.get(LABEL_EXECUTION, '?')}"
            yield Orphan(
                kind=SERVICE,
                id=service.id,
                name=service.spec.name,
                uid=uid,
                owner=owner,
                created_at=service.created_at,
            )


def _secrets(
    secrets: Iterable[ObservedFile], known: Collection[Uid], deployment: str
) -> Iterator[Orphan]:
    for secret in secrets:
        labels = secret.labels
        uid = labels.get(LABEL_UID, "")
        is_ours = labels.get(LABEL_DEPLOYMENT) == deployment
        if is_ours and labels.get(LABEL_KIND) == KIND_SECRET and uid not in known:
            yield Orphan(
                kind=SECRET,
                id=secret.id,
                name=secret.name,
                uid=uid,
                owner=labels.get(LABEL_NAMESPACE, "?"),
                created_at=secret.created_at,
            )
