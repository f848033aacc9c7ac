"""Tenants' sources in a pass: which commit of each is desired, and what they all want together.

They are fetched beside the loop (``lookout``); a pass takes what was found last and reads it from
the mirrors. Whatever is wrong with a source holds what came from there, and nothing else.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from reconciler import changes
from reconciler.converge import union
from reconciler.converge.union import Name, Part, Union
from reconciler.converge.world import Memory, Reading, Wanted
from reconciler.errors import SourceUnavailable
from reconciler.manifest.diagnostic import Diagnostic
from reconciler.manifest.lent import Lent
from reconciler.manifest.ownership import Rules, rules_of_tenant
from reconciler.manifest.spec import Manifest, SetSummary
from reconciler.reporting.commit_log import CommitLog
from reconciler.reporting.records import CommitRow, Recorded, Recording
from reconciler.source import acceptance
from reconciler.source.acceptance import Acceptance
from reconciler.source.desired import Reader
from reconciler.source.lookout import Finding, Lookout
from reconciler.source.trust import TenantReferee
from reconciler.stored import GoodFile
from reconciler.working_set import WorkingSet

log = logging.getLogger(__name__)

_NOTHING = Wanted()


@dataclass(slots=True)
class Tenant:
    """One of them, as the last pass left it."""

    reader: Reader
    acceptance: Acceptance = field(default_factory=lambda: Acceptance(commit=""))
    part: Part | None = None
    log: CommitLog = field(init=False)
    referee: TenantReferee = field(init=False)
    unreadable: tuple[Finding | None, Lent, str] | None = None
    """What was found and lent when the tip couldn't be read, and why: not tried again with it."""
    settled: Mapping[str, tuple[str, str]] | None = None
    """These good files are stored."""

    def __post_init__(self) -> None:
        """Follow and judge its commits."""
        self.log = CommitLog(self.reader)
        self.referee = TenantReferee(self.reader.source.provenance)

    @property
    def id(self) -> str:
        """Return the declared id."""
        return self.reader.source.id


class Tenants:
    """All of them, in the order of zoe.toml. Belongs to the loop's thread."""

    def __init__(self, readers: Iterable[Reader] = (), lookout: Lookout | None = None) -> None:
        """Take a reader of each; ``lookout`` fetches the same sources."""
        self._tenants = {reader.source.id: Tenant(reader) for reader in readers}
        self.lookout = lookout or Lookout({})
        self._inputs: tuple[Wanted, ...] = ()
        self._contested: frozenset[Name] = frozenset()
        self._whose: Mapping[Name, str] = {}
        self._union: Union | None = None
        self._platform = _NOTHING

    @property
    def ids(self) -> Collection[str]:
        """Return their ids."""
        return self._tenants.keys()

    @property
    def shown(self) -> object:
        """Return an object that is another one when what is shown of tenants may differ."""
        return self._union

    def want(
        self,
        platform: Wanted,
        lent: Lent | None,
        *,
        known: WorkingSet,
        memory: Memory,
        confirmed: frozenset[str],
    ) -> Wanted:
        """Return what the platform and all tenants want together.

        Args:
            platform: What the platform's source wants.
            lent: What it lends.
            known: What is stored: accepted commits and good files.
            memory: The same, as this pass sees it.
            confirmed: What operators have confirmed.
        """
        self._platform = platform
        gone = known.accepted.keys() - self._tenants.keys() - {platform.source_id}
        if lent is None or not (self._tenants or gone):
            return platform
        for tenant in self._tenants.values():
            tenant.part = self._read(tenant, lent, known, confirmed)
        parts = [t.part for t in self._tenants.values() if t.part is not None]
        united = self._united(parts, memory)
        let_go = {
            source: Reading(commit=known.accepted[source], is_confirmed=True)
            for source in gone
            if parting(source, known.accepted[source]) in confirmed
        }
        readings = {part.source_id: part.reading for part in parts} | let_go
        return replace(united.wanted, tenants=readings)

    def acceptances(self) -> tuple[Acceptance, ...]:
        """Return which commits are desired, and why not the newest."""
        return tuple(tenant.acceptance for tenant in self._tenants.values())

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Return what is wrong in tenants' files, and where sources clash; files name theirs."""
        found = [
            replace(item, file=f"{tenant.id}:{item.file}")
            for tenant in self._tenants.values()
            for item in tenant.reader.diagnostics
        ]
        clashes = self._union.clashes if self._union else ()
        found += [
            replace(item, file=f"{source}:{item.file}") if source else item
            for source, item in clashes
        ]
        return tuple(found)

    def manifests(self) -> tuple[Manifest, ...]:
        """Return the executions in force that tenants add."""
        if self._union is None:
            return ()
        wanted = self._union.wanted
        return tuple(m for m in wanted.manifests.values() if wanted.source(m.origin.source_id))

    def sets(self) -> tuple[SetSummary, ...]:
        """Return the sets in force that tenants add."""
        of_platform = set(self._platform.sets)
        united = self._union.wanted.sets if self._union else ()
        return tuple(found for found in united if found not in of_platform)

    def newly_accepted(self, known: WorkingSet) -> dict[str, str]:
        """Return the commits that are desired from now on, by source."""
        return {
            tenant.id: tenant.acceptance.commit
            for tenant in self._tenants.values()
            if tenant.acceptance.commit
            and known.accepted.get(tenant.id) != tenant.acceptance.commit
        }

    def good_files(self, known: WorkingSet) -> tuple[GoodFile, ...]:
        """Return the files whose newest valid content isn't the one that is stored."""
        found: list[GoodFile] = []
        for tenant in self._tenants.values():
            good = tenant.reader.good
            if good is tenant.settled or tenant.reader.catalogue is None:
                continue
            changed = changes.good_files(tenant.id, known.good_files(tenant.id), good)
            if not changed:
                tenant.settled = good
            found += changed
        return tuple(found)

    def recording(self, recorded: Recorded, at: datetime) -> Recording:
        """Return what is written down of their commits."""
        commits: list[CommitRow] = []
        documents: dict[str, Mapping[str, str | None]] = {}
        for tenant in self._tenants.values():
            commits += tenant.log.held(tenant.acceptance, recorded, at)
            if not tenant.acceptance.commit or tenant.reader.catalogue is None:
                continue
            documents[tenant.id] = tenant.log.documents(recorded)
            commits += tenant.log.accepted(
                *(tenant.acceptance.commit, documents[tenant.id], recorded, at),
                rules=partial(self._rules, tenant.id),
            )
        return Recording(commits=tuple(commits), documents=documents)

    def read(self) -> Iterator[tuple[Reader, Wanted]]:
        """Yield what reads each, and what it wants by itself."""
        for tenant in self._tenants.values():
            if tenant.part is not None:
                yield tenant.reader, tenant.part.wanted

    def read_blob(self, blob: str, *, first: Reader) -> bytes:
        """Return a blob's bytes from whichever source has it, the platform's ``first``.

        Raises:
            SourceUnavailable: None has.
        """
        try:
            return first.read_blob(blob)
        except SourceUnavailable:
            for tenant in self._tenants.values():
                with contextlib.suppress(SourceUnavailable):
                    return tenant.reader.read_blob(blob)
            raise

    def readers(self) -> Iterator[Reader]:
        """Yield what reads each source."""
        return (tenant.reader for tenant in self._tenants.values())

    def close(self) -> None:
        """Look no more."""
        self.lookout.close()

    # -- one source -----------------------------------------------------------------------------

    def _read(
        self, tenant: Tenant, lent: Lent, known: WorkingSet, confirmed: frozenset[str]
    ) -> Part:
        accepted = known.accepted.get(tenant.id, "")
        tenant.acceptance = self._accept(tenant, accepted, confirmed)
        wanted = None
        if tenant.acceptance.commit:
            wanted = self._wanted(tenant, accepted, lent, known)
        if wanted is None:
            told = tenant.acceptance.message or f"{tenant.id}: it hasn't been read yet"
            missing = ("SourceUnavailable", f"{told}; what came from there stays as it is")
            return Part(source_id=tenant.id, wanted=_NOTHING, reading=Reading(missing=missing))
        before = tenant.part
        reading = Reading(
            commit=wanted.commit,
            message=wanted.message,
            # A group may end the last it has; a tree without any file is an accident.
            tree_is_empty=wanted.tree_is_empty and not tenant.reader.files,
            unparsed_namespaces=wanted.unparsed_namespaces,
            is_confirmed=acceptance.is_confirmed(wanted.commit, confirmed),
        )
        if before is not None and before.wanted is wanted and before.reading == reading:
            return before
        return Part(source_id=tenant.id, wanted=wanted, reading=reading)

    def _accept(self, tenant: Tenant, accepted: str, confirmed: frozenset[str]) -> Acceptance:
        found = self.lookout.finding(tenant.id)
        if found is None:
            return Acceptance(commit=accepted, tenant=tenant.id)
        told = acceptance.accept(
            tenant.reader.source,
            accepted=accepted,
            confirmed=confirmed,
            judge=lambda base, tip: tenant.referee.objections(base, tip, self._rules(tenant.id)),
            judges_first=True,
            fetch=lambda: _tip(found),
        )
        return _of(tenant, told)

    def _wanted(
        self, tenant: Tenant, accepted: str, lent: Lent, known: WorkingSet
    ) -> Wanted | None:
        """Return what a source wants; where its tip can't be read, what it wanted before."""
        found, tip = self.lookout.finding(tenant.id), tenant.acceptance.commit
        good, why = known.good_files(tenant.id), tenant.unreadable
        if why is None or why[0] is not found or why[1] is not lent:
            error = _trial(tenant, tip, good, lent)
            tenant.unreadable = None if error is None else (found, lent, error)
        if tenant.unreadable is None:
            return tenant.reader.read(tip, good=good, lent=lent)
        told = Acceptance(commit=accepted, hold="SourceUnavailable", message=tenant.unreadable[2])
        tenant.acceptance = _of(tenant, told)
        if accepted and accepted != tip and _trial(tenant, accepted, good, lent) is None:
            return tenant.reader.read(accepted, good=good, lent=lent)
        before = tenant.part.wanted if tenant.part is not None else None
        return before if before is not None and before.commit == accepted else None

    def _rules(self, source_id: str) -> Rules:
        return rules_of_tenant(self._platform.platform, self._platform.namespaces, source_id)

    # -- all of them ----------------------------------------------------------------------------

    def _united(self, parts: Sequence[Part], memory: Memory) -> Union:
        """Return what all want together, worked out anew only where something changed."""
        inputs = (self._platform, *(part.wanted for part in parts))
        is_same = len(inputs) == len(self._inputs) and all(
            one is other for one, other in zip(inputs, self._inputs, strict=True)
        )
        if not is_same:
            self._contested = union.contested(self._platform, parts, memory)
        whose = union.holders(self._contested, self._platform, parts, memory)
        if self._union is None or not is_same or whose != self._whose:
            self._union = union.unite(self._platform, parts, whose)
        self._inputs, self._whose = inputs, whose
        return self._union


def parting(source_id: str, accepted: str) -> str:
    """Return what an operator confirms to let go of what came from a source that isn't any more.

    It holds until the source is back and goes on from another commit.
    """
    return f"{source_id}@{accepted}"


def _tip(found: Finding) -> str:
    if found.error is not None:
        raise found.error
    return found.tip


def _of(tenant: Tenant, told: Acceptance) -> Acceptance:
    """Return the same for people, who must know which source it is about."""
    names_it = not told.message or told.message.startswith(f"{tenant.id}:")
    message = told.message if names_it else f"{tenant.id}: {told.message}"
    return replace(told, tenant=tenant.id, message=message)


def _trial(
    tenant: Tenant, commit: str, good: Mapping[str, tuple[str, str]], lent: Lent
) -> str | None:
    """Read a commit; return why that can't be done, if it can't. The reader keeps what it read."""
    try:
        tenant.reader.read(commit, good=good, lent=lent)
    except SourceUnavailable as error:
        return str(error)
    except Exception as error:
        # Whatever a tenant commits, the others go on.
        log.exception("a fault in reading", extra={"source": tenant.id, "commit": commit})
        return f"a fault in zoe itself ({type(error).__name__}); its log says more"
    return None
