"""Which Swarm secrets to make and to forget.

Secrets are immutable: a new value is a new secret, and its services are brought to it. The old one
stays for an hour after that, for tasks that Swarm starts from the old spec meanwhile.

Only those that we made are forgotten, by deployment and kind. Our deployment's label is also what
keeps a manifest from naming them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from policy.model.execution import Uid
from reconciler.converge.desired_state import DesiredSecret, DesiredState
from reconciler.converge.state import (
    KIND_GATEWAY,
    KIND_SECRET,
    LABEL_DEPLOYMENT,
    LABEL_KIND,
    LABEL_SECRET,
    LABEL_UID,
    ObservedFile,
    ObservedState,
    ServiceSpec,
)

_KINDS = frozenset({KIND_GATEWAY, KIND_SECRET})

RETENTION = timedelta(hours=1)
"""How long a value that was replaced can still be mounted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSecret:
    """Make a secret; its value comes about at that moment."""

    secret: DesiredSecret


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveSecret:
    """Forget a secret that nothing uses."""

    id: str
    name: str
    uid: str


def new_secrets(desired: DesiredState, observed: ObservedState) -> list[CreateSecret]:
    """Return what has to be made."""
    have = {secret.name for secret in observed.secrets}
    return [
        CreateSecret(secret=secret)
        for name, secret in sorted(desired.secrets.items())
        if name not in have
    ]


def old_secrets(
    desired: DesiredState, observed: ObservedState, known: Collection[Uid], *, deployment: str
) -> list[RemoveSecret]:
    """Return those that we made, know, and need no more, by name; others are ``orphans``."""
    used = {file.name for service in observed.services for file in service.spec.secrets}
    successors = _successors(desired, observed)
    return [
        RemoveSecret(id=secret.id, name=secret.name, uid=secret.labels.get(LABEL_UID, ""))
        for secret in sorted(observed.secrets, key=lambda s: s.name)
        if _is_made_here(secret, deployment)
        and _is_known(secret, known)
        and secret.name not in desired.secrets
        and secret.name not in used
        and not _is_retained(secret, desired, successors, observed.taken_at)
    ]


def _is_known(secret: ObservedFile, known: Collection[Uid]) -> bool:
    # A gateway's is its namespace's, and can be made again.
    is_of_gateway = secret.labels.get(LABEL_KIND) == KIND_GATEWAY
    return is_of_gateway or secret.labels.get(LABEL_UID) in known


def taken_name(spec: ServiceSpec, desired: DesiredState, there: Mapping[str, ObservedFile]) -> str:
    """Return the name of a secret of ours that somebody else's bears, if a service mounts one."""
    for file in spec.secrets:
        ours, present = desired.secrets.get(file.name), there.get(file.name)
        if ours is None or present is None:
            continue
        if any(present.labels.get(k) != ours.labels.get(k) for k in (LABEL_DEPLOYMENT, LABEL_UID)):
            return file.name
    return ""


def _is_made_here(secret: ObservedFile, deployment: str) -> bool:
    """Tell whether we made a secret: for an execution, or for a gateway."""
    labels = secret.labels
    return labels.get(LABEL_DEPLOYMENT) == deployment and labels.get(LABEL_KIND) in _KINDS


_Owner = tuple[str, str]


def _owner(labels: Mapping[str, str]) -> _Owner:
    return labels.get(LABEL_UID, ""), labels.get(LABEL_SECRET, "")


def _successors(desired: DesiredState, observed: ObservedState) -> Mapping[_Owner, datetime]:
    """Return since when the secrets that are wanted are there."""
    return {
        _owner(secret.labels): secret.created_at
        for secret in observed.secrets
        if secret.name in desired.secrets
    }


def _is_retained(
    secret: ObservedFile,
    desired: DesiredState,
    successors: Mapping[_Owner, datetime],
    now: datetime,
) -> bool:
    owner = _owner(secret.labels)
    since = successors.get(owner)
    if since is not None:
        return now - since < RETENTION
    return any(_owner(wanted.labels) == owner for wanted in desired.secrets.values())
