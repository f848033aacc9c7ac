"""What belongs on the status branch: noted while passes go on, made when it is to be pushed.

A run that changes ten times between two pushes costs one file, a table is made once however many
of its rows changed, and who didn't change costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from policy.model.execution import Uid
from reconciler.converge import mirror, publication, set_status
from reconciler.converge.mirror import Head
from reconciler.converge.newest import newest, rank
from reconciler.converge.status import SetName
from reconciler.manifest.spec import SetSummary
from reconciler.publishing import mirroring
from reconciler.working_set import WorkingSet

File = tuple[str, bytes | None]
"""A path and what lies there; None: nothing."""


class StatusFiles:
    """Which files aren't made yet, and how they are."""

    def __init__(self, known: WorkingSet, *, key: bytes) -> None:
        """Begin with all runs to be made; ``key`` seals the ledger's copy."""
        self._known, self._key = known, key
        self._uids: dict[Uid, None] = {}
        self._gone: dict[str, tuple[str, str]] = {}
        self._tables: set[str] = set()
        self._sets: Mapping[SetName, SetSummary] = {}
        self._of_sets: set[SetName] = set()
        self._set_paths = set(filter(publication.is_of_set, known.published))
        self._folders: dict[str, str] = {}
        self._stale: set[str] = set()
        self._untold: Set[Uid] = frozenset()
        self.touch(known.statuses)

    @property
    def is_waiting(self) -> bool:
        """Whether something is to be made."""
        return bool(self._uids or self._gone or self._tables or self._of_sets)

    def touch(self, uids: Iterable[Uid], *, sets: Sequence[SetSummary] | None = None) -> None:
        """Note that these runs changed; ``sets`` are those in force, None if that isn't known."""
        told = dict.fromkeys(uids)
        statuses = self._known.statuses
        self._uids |= told
        self._stale |= {uid[:2] for uid in told}
        touched = {of for uid in told if uid in statuses and (of := statuses[uid].of_set)}
        if sets is not None:
            before = self._sets
            self._sets = {(one.spec.namespace, one.spec.name): one for one in sets}
            touched |= {name for name, one in self._sets.items() if before.get(name) != one}
            paths = {publication.set_path(*name) for name in self._sets}
            self._gone |= dict.fromkeys(self._set_paths - paths, ("", ""))
            self._set_paths = paths
        self._of_sets |= touched

    def forget(self, uid: Uid) -> None:
        """Note that a run isn't told any more, while it is known whose it was."""
        identity = self._known.identities[uid]
        whose = (identity.namespace, identity.name)
        path = publication.status_path(*whose, identity.run)
        self._gone |= {publication.ledger_path(uid): ("", ""), path: whose}
        self._uids.pop(uid, None)
        of_set = self._known.statuses[uid].of_set
        self._of_sets |= {of_set} if of_set is not None else set()
        self._stale.add(uid[:2])

    def leave_out(self, uids: Set[Uid]) -> None:
        """Tell the statuses of these no more, and of all others; their facts stay."""
        changed = (self._untold ^ uids) & self._known.statuses.keys()
        self._untold = uids
        self.touch(changed)

    def make(self) -> Iterator[File]:
        """Yield what was noted since the last time, as it is by now."""
        known, gone, uids = self._known, self._gone, self._uids
        self._gone, self._uids = {}, {}
        for path, (namespace, name) in gone.items():
            yield path, self._status(path, namespace, name)
            self._tables |= {namespace} if namespace else set()
        for uid in uids:
            identity = known.identities.get(uid)
            if identity is None:
                continue
            if known.entries.get(uid):
                run = mirroring.run_of(known, uid)
                yield publication.ledger_path(uid), mirror.run_file(run, key=self._key)
            whose = (identity.namespace, identity.name)
            path = publication.status_path(*whose, identity.run)
            yield path, self._status(path, *whose)
            self._tables.add(identity.namespace)
        yield from self._made_tables()
        yield from self._made_sets()

    def head(self, *, deployment: str) -> Head:
        """Return the head of what is committed now."""
        known = self._known
        for folder in self._stale:
            self._folders.pop(folder, None)
            runs = ((uid, known.entries.get(uid)) for uid in known.runs.in_folder(folder))
            self._folders |= mirror.folders((uid, facts[-1].seq) for uid, facts in runs if facts)
        self._stale.clear()
        return mirroring.head_of(known, self._folders, deployment=deployment)

    def _status(self, path: str, namespace: str, name: str) -> bytes | None:
        """Return what a path tells: of the runs that share it, the newest."""
        known = self._known
        sharing = [
            uid
            for uid in known.runs.of_name(namespace, name)
            if publication.status_path(namespace, name, known.identities[uid].run) == path
        ]
        if not sharing:
            return None
        whole = {uid: known.statuses[uid].whole() for uid in sharing}
        last = max(sharing, key=lambda uid: rank(whole[uid]))
        return None if last in self._untold else publication.status_file(whole[last])

    def _made_tables(self) -> Iterator[File]:
        tables, self._tables = self._tables, set()
        for namespace in sorted(tables):
            runs = self._known.runs.in_namespace(namespace)
            documents = newest(self._known.statuses[uid].whole() for uid in runs)
            told = [d for d in documents if d["metadata"]["uid"] not in self._untold]
            table = publication.readme_file(namespace, told)
            yield publication.readme_path(namespace), table

    def _made_sets(self) -> Iterator[File]:
        touched, self._of_sets = self._of_sets, set()
        for name in sorted(touched & self._sets.keys()):
            runs = self._known.runs.beside_set(name)
            members = set_status.members_of(self._known.statuses[uid].whole() for uid in runs)
            told = set_status.document(self._sets[name], members.get(name, ()))
            yield publication.set_path(*name), publication.dump(told)
