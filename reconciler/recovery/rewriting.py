"""What was recovered, as a database takes it: facts with numbers, frozen specs, rows for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from policy.model.execution import Uid
from reconciler.converge.describe import status_of
from reconciler.converge.ledger import ADOPTED_AS_IS, Entry, Fact, fold
from reconciler.converge.phases import Facts
from reconciler.converge.recovery import Recovered
from reconciler.converge.state import ObservedState
from reconciler.converge.status import document
from reconciler.converge.tasks import groups_by_uid
from reconciler.converge.world import Wanted
from reconciler.manifest.spec import ExecutionSpec
from reconciler.stored import ExecutionRow, FrozenSpec


class Writing:
    """What is recovered, as the database takes it."""

    def __init__(
        self,
        recovered: Recovered,
        wanted: Wanted,
        *,
        last_seq: int,
        now: datetime,
        by: str,
        told: str = "the database was rebuilt",
    ) -> None:
        """Take what was found; ``last_seq`` is the highest number that is known to be given.

        ``told`` says what was done.
        """
        self._told = told
        self._recovered = recovered
        self._wanted = wanted
        self._now = now
        self._by = by
        self._next = max([last_seq, *(fact.seq for fact in recovered.facts)]) + 1
        self._records = dict(recovered.records)

    def numbered(self, stand_ins: Mapping[Uid, ExecutionSpec | None]) -> tuple[Entry, ...]:
        """Return all facts with their numbers; the last one says that this was done."""
        told = [fact for fact in self._recovered.facts if fact.seq]
        fresh = [fact for fact in self._recovered.facts if not fact.seq]
        fresh += [self._adopted(uid) for uid in sorted(stand_ins)]
        done = Entry(
            uid=Uid(""),
            run=0,
            fact=Fact.CONFIRMED,
            at=self._now,
            by=self._by,
            told=self._told,
        )
        numbers = range(self._next, self._next + len(fresh) + 1)
        news = [replace(f, seq=n) for f, n in zip((*fresh, done), numbers, strict=True)]
        return (*told, *news)

    def _adopted(self, uid: Uid) -> Entry:
        record = self._records[uid]
        fact = Entry(
            uid=uid,
            run=record.run,
            fact=Fact.HELD,
            at=self._now,
            generation=record.generation,
            attempt=record.attempt,
            reason=ADOPTED_AS_IS,
        )
        folded = fold([fact], record)
        if folded is not None:
            self._records[uid] = folded
        return fact

    def frozen(self, specs: Mapping[Uid, ExecutionSpec | None]) -> tuple[FrozenSpec, ...]:
        """Return the frozen specs to write."""
        return tuple(
            FrozenSpec(
                uid=uid,
                generation=self._records[uid].generation_in_force,
                spec_hash=self._records[uid].spec_hash,
                spec=spec,
            )
            for uid, spec in sorted(specs.items())
            if spec is not None
        )

    def rows(
        self, specs: Mapping[Uid, ExecutionSpec | None], observed: ObservedState
    ) -> tuple[ExecutionRow, ...]:
        """Return what is told of each run until the next pass tells it anew."""
        groups = groups_by_uid(observed)
        return tuple(
            self._row(
                Facts(
                    namespace=identity.namespace,
                    name=identity.name,
                    record=self._records[uid],
                    manifest=self._wanted.manifests.get(uid),
                    spec=specs.get(uid),
                    groups=groups.get(uid, ()) if self._records[uid].attempt_open else (),
                    placements=self._recovered.placements.get(uid, ()),
                ),
                source_id=identity.source_id or self._wanted.source_id,
                type_=self._recovered.types.get(uid, ""),
            )
            for uid, identity in sorted(self._recovered.identities.items())
        )

    def _row(self, facts: Facts, *, source_id: str, type_: str) -> ExecutionRow:
        status = status_of(facts, previous=None, now=self._now)
        status = replace(status, type=status.type or type_)
        return ExecutionRow(
            uid=facts.record.uid,
            namespace=facts.namespace,
            name=facts.name,
            run=facts.record.run,
            source_id=source_id,
            phase=str(status.phase),
            reason=status.reason,
            status=document(status),
            is_final=facts.record.is_final,
            updated_at=self._now,
        )
