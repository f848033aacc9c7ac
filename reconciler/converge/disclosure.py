"""Which generated secrets the members of a namespace are told: those of runs that may be used."""

from __future__ import annotations

from collections.abc import Mapping

from policy.model.execution import Uid
from reconciler.converge.draft import Draft
from reconciler.converge.letters import Letter, path_of
from reconciler.converge.secrets import Generated, generated
from reconciler.manifest.secret_mount import SSH_KEY
from reconciler.manifest.spec import ExecutionSpec


def letters(draft: Draft) -> Mapping[str, Letter]:
    """Return path -> letter of every run that was admitted, hasn't ended, and has such secrets."""
    found: dict[str, Letter] = {}
    for uid, record in draft.records.items():
        if record.is_final or not record.incarnation:
            continue
        spec = draft.spec_of(uid, record)
        if spec is None or not any(service.secrets for service in spec.services):
            continue
        values = _values(spec, draft.identity(uid).namespace, uid)
        if values:
            letter = _letter(draft, uid, values)
            found[letter.path] = letter
    return found


def _letter(draft: Draft, uid: Uid, values: Mapping[str, Generated]) -> Letter:
    identity = draft.identity(uid)
    return Letter(
        path=path_of(identity.namespace, identity.name),
        namespace=identity.namespace,
        subject=f"{identity.name} run {identity.run}",
        values=values,
        members=draft.owner(identity.namespace).members,
    )


def _values(spec: ExecutionSpec, namespace: str, uid: Uid) -> Mapping[str, Generated]:
    """Return what is published of a spec: of a key pair both halves."""
    found: dict[str, Generated] = {}
    for mount in generated(spec):
        scope = (namespace, uid, mount.name)
        found[mount.name] = Generated(kind=mount.generate, scope=scope)
        if mount.generate == SSH_KEY:
            found[f"{mount.name}.pub"] = Generated(kind=mount.generate, scope=scope, is_public=True)
    return found
