"""The specs that a name has had: what was frozen, else what a commit resolves to."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from policy.model.execution import Uid
from reconciler import canonical
from reconciler.converge.ledger import Entry, Fact, Record, fold
from reconciler.converge.runs import SCHEDULE
from reconciler.converge.world import Wanted
from reconciler.errors import Missing
from reconciler.manifest.spec import ExecutionSpec

_GENERATION = re.compile(r"(?:([0-9]{1,6})\.)?([0-9]{1,6})")
"""``GENERATION`` or ``RUN.GENERATION``: shorter than any id of a commit that Git would take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A resolved spec and where it is from; None where there is nothing."""

    told: str
    spec: ExecutionSpec | None

    @property
    def digest(self) -> str:
        """The digest of the normalised document; "" for nothing."""
        return "" if self.spec is None else canonical.digest(self.spec)


@dataclass(frozen=True)
class Versions:
    """All that is known of one name.

    Attributes:
        entries: The facts of all its runs, in their order.
        frozen: (uid, generation) -> what was frozen; may be empty.
        resolve: Returns the id of the commit that a revision stands for.
        read: Returns what a commit wants.
    """

    namespace: str
    name: str
    entries: Sequence[Entry]
    frozen: Mapping[tuple[Uid, int], ExecutionSpec]
    resolve: Callable[[str], str]
    read: Callable[[str], Wanted]

    def in_force(self) -> Version:
        """Return what runs, or what its newest run was admitted with."""
        admitted = [record for record in self._records.values() if record.incarnation]
        if not admitted:
            return Version(told="nothing in force", spec=None)
        record = max(admitted, key=lambda r: (r.attempt_open, *_rank(r)))
        found = self._generation(record, record.generation_in_force)
        return Version(told=f"{found.told}, in force", spec=found.spec)

    def named(self, version: str) -> Version:
        """Return a version by ``GENERATION``, ``RUN.GENERATION``, or a revision of Git.

        Raises:
            Missing: There is no such generation, or its spec isn't known any more.
            SourceUnavailable: There is no such commit.
        """
        match = _GENERATION.fullmatch(version)
        if match is None:
            return self.at(self.resolve(version))
        run, number = match.groups()
        return self._generation(self._of_run(int(run) if run else None), int(number))

    def at(self, commit: str, *, also_told: str = "") -> Version:
        """Return what a commit asks for.

        Raises:
            Missing: Its manifest is invalid there.
            SourceUnavailable: The commit can't be read.
        """
        wanted = self.read(commit)
        told = f"commit {commit[:12]}{also_told}"
        for identity, _, message in wanted.invalid:
            if (identity.namespace, identity.name) == (self.namespace, self.name):
                raise Missing(f"at {commit[:12]} it is invalid: {message}")
        for manifest in wanted.manifests.values():
            if (manifest.namespace, manifest.name) == (self.namespace, self.name):
                return Version(told=told, spec=manifest.spec)
        return Version(told=f"{told}, where it isn't", spec=None)

    @cached_property
    def _records(self) -> Mapping[int, Record]:
        of_run: dict[int, list[Entry]] = {}
        for entry in self.entries:
            of_run.setdefault(entry.run, []).append(entry)
        return {run: r for run, facts in of_run.items() if (r := fold(facts)) is not None}

    def _of_run(self, run: int | None) -> Record:
        if run is None and self._records:
            return max(self._records.values(), key=_rank)
        if run is None or run not in self._records:
            told = "nothing" if run is None else f"no run {run}"
            raise Missing(f"{told} of {self.namespace}/{self.name} is known; zoe history shows all")
        return self._records[run]

    def _generation(self, record: Record, number: int) -> Version:
        told = f"generation {number} of run {record.run}"
        if (spec := self.frozen.get((record.uid, number))) is not None:
            return Version(told=told, spec=spec)
        mine = (e for e in self.entries if e.uid == record.uid and e.fact is Fact.GENERATION)
        found = [entry for entry in mine if entry.generation == number]
        if not found:
            raise Missing(f"there is no {told}: zoe history shows those that there are")
        if not found[-1].commit:
            raise Missing(f"{told} was never admitted: name the commit that brought it")
        at = self.at(found[-1].commit)
        return Version(told=f"{told} ({at.told})", spec=at.spec)


def _rank(record: Record) -> tuple[bool, datetime, int]:
    """Return by what the newest run is found; a schedule itself isn't one."""
    return (record.run != SCHEDULE, record.first_seen_at, record.run)
