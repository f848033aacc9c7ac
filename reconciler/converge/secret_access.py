"""Whether an execution may have the secrets that it names, and has them.

Who may mount a Swarm secret can't be read off a manifest: the operator may say so with a label on
the secret itself. What we made is for the execution that it was made for, whoever names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from policy.model.execution import Uid
from reconciler.converge.desired_state import DesiredState
from reconciler.converge.draft import Draft
from reconciler.converge.edits import would_change
from reconciler.converge.ledger import Record
from reconciler.converge.secrets import refusal_of
from reconciler.converge.state import LABEL_DEPLOYMENT, LABEL_NAMESPACE, ObservedFile
from reconciler.manifest.platform import Namespace
from reconciler.manifest.spec import ExecutionSpec, Manifest

Why = tuple[str, str]
"""A reason code, and a sentence that says what to do."""


def trouble(draft: Draft, uid: Uid, spec: ExecutionSpec) -> Why | None:
    """Return why an execution can't have all of its secrets now.

    Asked only where the keys are: a preview sees no secrets of the Swarm and opens none.
    """
    vault = draft.world.vault
    if not vault.is_open or not any(service.secrets for service in spec.services):
        return None
    name = draft.identity(uid).namespace
    owner = draft.owner(name)
    named = sorted({m.swarm_name for s in spec.services for m in s.secrets if m.swarm_name})
    found = (_of_swarm(secret, owner, draft.secrets) for secret in named)
    refusal = next((why for why in found if why is not None), None)
    return refusal or refusal_of(spec, namespace=name, uid=uid, vault=vault)


def held_back(
    draft: Draft, uid: Uid, record: Record | None, manifest: Manifest | None
) -> Manifest | None:
    """Return the manifest without an edit that names what it can't have: what runs goes on."""
    if record is None or manifest is None or manifest.spec is None or not record.attempt_open:
        return manifest
    spec, newest = draft.spec_of(uid, record), draft.newest_spec_of(uid, record)
    if not would_change(record, manifest, spec, newest=newest):
        return manifest
    why = trouble(draft, uid, manifest.spec)
    if why is None:
        return manifest
    draft.held[uid] = why
    return replace(manifest, spec=None)


def left_alone(draft: Draft, uid: Uid, record: Record, spec: ExecutionSpec) -> DesiredState | None:
    """Return what is there as what should be, where a secret of a live attempt can't be named.

    Its key is gone from here, perhaps for a while: nobody's work ends for that.
    """
    if not any(service.secrets for service in spec.services):
        return None
    namespace = draft.identity(uid).namespace
    why = refusal_of(spec, namespace=namespace, uid=uid, vault=draft.world.vault)
    if why is None:
        return None
    draft.held[uid] = why
    return draft.attempt_as_it_is(uid, record)


def _of_swarm(name: str, owner: Namespace, there: Mapping[str, ObservedFile]) -> Why | None:
    present = there.get(name)
    labels = present.labels if present is not None else {}
    if LABEL_DEPLOYMENT in labels:
        told = f"{name} was made by Zoe for somebody else; make your own with generate, or age"
        return "SecretNotGranted", told
    if name not in owner.secrets and labels.get(LABEL_NAMESPACE) != owner.name:
        # The same whether it exists: what there is, is nobody else's to learn.
        told = (
            f"the secret {name} isn't granted to {owner.name}; the operator adds it to "
            f"spec.secrets of namespaces/{owner.name}.yaml, or labels it "
            f"{LABEL_NAMESPACE}={owner.name}"
        )
        return "SecretNotGranted", told
    if present is None:
        made = f"docker secret create {name} FILE"
        told = f"the Swarm has no secret {name}; the operator makes it: {made}"
        return "SecretMissing", told
    return None
