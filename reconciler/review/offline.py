"""What a deployment remembers, as far as its status branch tells it: for previews without database.

The ledger's HMAC can't be checked without its key; a preview acts on nothing, so it is believed.
Runs are matched by namespace, name and run: somebody's clone needn't know the deployment's name,
on which uids depend.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from policy.model.execution import Execution, Uid
from policy.progress import speed
from reconciler import canonical
from reconciler.converge.accounting import Progress, Use
from reconciler.converge.ledger import Entry, Record, fold
from reconciler.converge.snapshots import Taken
from reconciler.converge.world import Identity, Memory, Wanted
from reconciler.errors import InvariantViolated
from reconciler.manifest.spec import ExecutionSpec


def recall(ledger: Iterable[Any], taken: Taken, base: Wanted) -> tuple[Memory, Taken]:
    """Return a memory, and the snapshot with its executions under the same uids.

    What was frozen isn't on the branch: an execution that was admitted is taken to run as its
    manifest resolves now.

    Args:
        ledger: Parsed files of the mirrored ledger; what can't be understood is left out.
        taken: The snapshot on the branch.
        base: What is desired now.
    """
    ours = {(m.namespace, m.name, m.run): m.uid for m in base.manifests.values()}
    records: dict[Uid, Record] = {}
    identities: dict[Uid, Identity] = {}
    renamed: dict[Uid, Uid] = {}
    for identity, record in _told(ledger):
        uid = ours.get((identity.namespace, identity.name, identity.run), record.uid)
        renamed[record.uid] = uid
        records[uid] = replace(record, uid=uid)
        identities[uid] = identity
    executions = tuple(replace(e, uid=renamed.get(e.uid, e.uid)) for e in taken.snapshot.executions)
    seen = replace(taken, snapshot=replace(taken.snapshot, executions=executions))
    last_seq = max((record.last_seq for record in records.values()), default=0)
    memory = Memory(
        records=records,
        identities=identities,
        frozen=_frozen(records, base),
        placements={e.uid: e.allocations for e in executions if e.is_admitted},
        progress={e.uid: _progress(e, seen.snapshot.now_ms) for e in executions},
        usage={tenant.name: Use(usage=tenant.usage) for tenant in seen.snapshot.tenants},
        last_seq=last_seq,
        published_seq=last_seq,
    )
    return memory, seen


def _told(ledger: Iterable[Any]) -> Iterable[tuple[Identity, Record]]:
    for told in ledger:
        try:
            entries = [canonical.from_data(Entry, fact) for fact in told["facts"]]
            record = fold(entries)
            if record is not None:
                name = Identity(namespace=told["namespace"], name=told["name"], run=record.run)
                yield name, record
        except (TypeError, ValueError, KeyError, InvariantViolated):
            continue


def _frozen(records: Mapping[Uid, Record], base: Wanted) -> Mapping[tuple[Uid, int], ExecutionSpec]:
    return {
        (uid, record.generation_in_force): manifest.spec
        for uid, record in records.items()
        if (manifest := base.manifests.get(uid)) is not None and manifest.spec is not None
    }


def _progress(execution: Execution, now_ms: int) -> Progress:
    return Progress(
        work=execution.done(now_ms),
        as_of_ms=now_ms,
        rate=speed(execution, execution.held),
        grown_ms=execution.grown_ms,
        shrunk_ms=execution.shrunk_ms,
    )
