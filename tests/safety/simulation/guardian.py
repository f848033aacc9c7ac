"""Watches the prune guard from outside: what left Git, counted anew, and what became of it.

It knows the trees that people pushed and the facts that were committed, and none of the code that
decides. Held is what DESIGN §11 calls a mass delete, until its commit is confirmed; nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from policy.model.execution import Uid
from reconciler.converge.ledger import EndReason, Entry, Fact, Record
from reconciler.converge.status import set_of
from reconciler.stored import Changes, ExecutionRow
from tests.safety.simulation.desk import Asked

_AT_ONCE = 5
_SHARE = 20
_FEW = 4

Document = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Whose a run is, and which document asked for it."""

    source: str
    namespace: str
    full_name: str
    document: Document


@dataclass
class Guardian:
    """The promises about deletes, as of each commit of the ledger."""

    asked: Mapping[str, Asked]
    """By commit."""
    known: dict[Uid, Known] = field(default_factory=dict)
    accepted: dict[str, str] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)

    def see(
        self,
        changes: Changes,
        entries: Sequence[Entry],
        before: Mapping[Uid, Record],
        *,
        confirmed: Collection[str],
        kept: Collection[str],
    ) -> None:
        """Judge what was just committed on top of ``before``; ``kept`` names are on hold."""
        self.accepted |= changes.accepted
        self.known |= {row.uid: _known(row) for row in changes.executions}
        deleted = {
            entry.uid
            for entry in entries
            if entry.fact is Fact.CANCELLED and entry.reason == EndReason.DELETED
        }
        live = [uid for uid, record in before.items() if not record.is_final and uid in self.known]
        fresh = {e.uid for e in entries if e.fact is Fact.FIRST_SEEN} & self.known.keys()
        for source, commit in self.accepted.items():
            asked = self.asked.get(commit)
            if asked is None:
                continue
            mine = [self.known[uid] for uid in live if self.known[uid].source == source]
            more = [self.known[uid] for uid in fresh if self.known[uid].source == source]
            of_sets = asked.of_sets & {known.full_name for known in self.known.values()}
            judged = _Judged(asked, mine, [*mine, *more], kept, of_sets)
            gone = [self.known[uid] for uid in deleted if uid in self.known]
            of_source = [k for k in gone if k.source == source]
            self.breaches += judged.wrongly_deleted(of_source, is_confirmed=commit in confirmed)
            told = [self.known[row.uid] for row in changes.executions if _is_held(row)]
            self.breaches += judged.wrongly_held(k for k in told if k.source == source)


class _Judged:
    """What left one source, by its accepted commit."""

    def __init__(
        self,
        asked: Asked,
        live: Sequence[Known],
        most: Sequence[Known],
        kept: Collection[str],
        of_sets: Collection[str],
    ) -> None:
        self._asked = asked
        self._unreadable = asked.unreadable | {name.partition("/")[0] for name in of_sets}
        left = [known for known in live if known.full_name not in asked.names]
        gone = [k for k in left if k.full_name not in {*asked.hidden, *kept}]
        going = [k for k in gone if k.namespace not in self._unreadable]  # the others wait
        lives = (live, most)  # what is seen for the first time counts, or it doesn't
        self._surely = [_Accidents(going, had, asked, is_empty=asked.is_empty) for had in lives]
        self._perhaps = [_Accidents(left, had, asked, is_empty=not asked.names) for had in lives]

    def wrongly_deleted(self, deleted: Sequence[Known], *, is_confirmed: bool) -> Iterator[str]:
        for known in deleted:
            name = known.full_name
            if name in self._asked.names:
                yield f"{name} is deleted, and Git asks for it"
            elif name in self._asked.hidden and not is_confirmed:
                yield f"{name} is deleted, and its file can't be read"
            elif known.namespace in self._unreadable and not is_confirmed:
                yield f"{name} is deleted, and a file of its namespace can't be read"
            elif all(found.has(known) for found in self._surely) and not is_confirmed:
                yield f"{name} is deleted with many, and nobody confirmed it"

    def wrongly_held(self, held: Iterator[Known]) -> Iterator[str]:
        for known in held:
            if not any(found.has(known) for found in self._perhaps):
                yield f"{known.full_name} is held, and its delete is an everyday one"


class _Accidents:
    """Which deletes look like an accident: too many, most of a namespace, most of a set."""

    def __init__(
        self, gone: Sequence[Known], live: Sequence[Known], asked: Asked, *, is_empty: bool
    ) -> None:
        documents = {known.document for known in gone}
        of_live = {(known.namespace, known.document) for known in live}
        of_gone = {(known.namespace, known.document) for known in gone}
        had, lost = (Counter(space for space, _ in of) for of in (of_live, of_gone))
        most = max(_AT_ONCE, len(of_live) * _SHARE // 100)
        self._all = bool(gone) and (is_empty or len(documents) > most)
        self._namespaces = {s for s in lost if had[s] >= _FEW and 2 * lost[s] > had[s]}
        stays = {k.document for k in live if k.full_name in asked.names | asked.hidden}
        of_sets = Counter(k.document for k in gone if k.document[0] == "set")
        sizes = Counter(k.document for k in live)
        self._sets = {
            s for s, n in of_sets.items() if sizes[s] >= _FEW and 2 * n > sizes[s] and s in stays
        }

    def has(self, known: Known) -> bool:
        return self._all or known.namespace in self._namespaces or known.document in self._sets


def _known(row: ExecutionRow) -> Known:
    of_set = set_of(row.status)
    full_name = f"{row.namespace}/{row.name}"
    return Known(
        source=row.source_id or "platform",
        namespace=row.namespace,
        full_name=full_name,
        document=("set", *of_set) if of_set else ("one", full_name),
    )


def _is_held(row: ExecutionRow) -> bool:
    conditions = row.status["status"]["conditions"]
    return any(c["type"] == "Held" and c["reason"] == "MassDelete" for c in conditions)
