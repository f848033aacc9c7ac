"""The files of one commit, read: newest content, last good content, and what is wrong with them."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from reconciler.errors import NotAFile
from reconciler.manifest import documents, source_map
from reconciler.manifest.budget import Budget
from reconciler.manifest.build import Attach, Attachment
from reconciler.manifest.diagnostic import Complaint, Diagnostic, Problem
from reconciler.manifest.documents import Parsed
from reconciler.manifest.handling import AS_SHIPPED, Handling
from reconciler.manifest.limits import Limits
from reconciler.manifest.places import Place, Standing, is_managed, place_of
from reconciler.manifest.suggest import did_you_mean

Good = Mapping[str, tuple[str, str]]
"""Path -> (blob, commit) of the newest content that was valid, and where it was first seen."""

Key = tuple[str, str]
"""Path and blob."""

_CROWDED = "executions/"
"""Where everybody has a folder of their own, and as many files as they like."""


class CommitLike(Protocol):
    """A commit as far as it is carried along."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def author(self) -> str:
        """Who made it."""

    @property
    def committed_at(self) -> datetime:
        """When it was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A commit and how to read it. See :meth:`reconciler.manifest.catalogue.Loader.load`."""

    files: Mapping[str, str]
    read: Callable[[str], bytes]
    commit: CommitLike
    commit_of: Callable[[str], CommitLike]
    good: Good
    refused: Sequence[tuple[str, str]] = ()
    set_aside: Mapping[str, Complaint] = field(default_factory=dict)
    now: datetime | None = None

    def was_good(self, path: str, blob: str | None) -> bool:
        """Tell whether this content of a file was valid before."""
        good = self.good.get(path)
        return good is not None and good[0] == blob


def finder(
    find: Callable[[str, str], Attachment],
    files: Mapping[str, str],
    folder: str,
    asked: dict[str, str | None],
) -> Attach:
    """Return what finds files in ``folder`` and notes, by path, which blobs were asked for."""

    def attach(source: str) -> Attachment:
        path = f"{folder}/{source}"
        asked[path] = files.get(path)
        return find(folder, source)

    return attach


@dataclass(slots=True)
class Memory:
    """What was read before, by blob; only what the last commit needed is kept."""

    parsed: dict[Key, Parsed] = field(default_factory=dict)
    attachments: dict[str, Attachment | Complaint] = field(default_factory=dict)

    def with_(self, other: Memory) -> Memory:
        """Return both; nobody else's is changed."""
        return Memory(
            parsed={**self.parsed, **other.parsed},
            attachments={**self.attachments, **other.attachments},
        )


@dataclass(slots=True)
class Intake:
    """Reads the files of a revision, through what is remembered of earlier ones."""

    revision: Revision
    before: Memory
    limits: Limits
    handling: Handling = AS_SHIPPED
    kept: Memory = field(default_factory=Memory)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    bad: set[str] = field(default_factory=set)
    newest: dict[str, dict[str, Parsed]] = field(default_factory=lambda: defaultdict(dict))
    budget: Budget = field(init=False)

    def __post_init__(self) -> None:
        """Nothing is spent yet."""
        self.budget = Budget(self.limits)

    def read_all(self) -> None:
        """Fill ``newest`` with the content of every managed file, by kind and path."""
        self.read(self._in_turn())
        for path, reason in self.revision.refused:
            if is_managed(path):
                self._refuse(path, reason)

    def read(self, files: Iterable[tuple[str, str]]) -> None:
        """Add the content of files (path and blob) to ``newest``, as far as the budget goes."""
        for path, blob in files:
            place = place_of(path)
            if place is None:
                continue
            if place.standing is Standing.STRAY:
                self._stray(path, place)
                continue
            parsed = self._within(path, blob, place)
            self.newest[place.kind][path] = parsed
            if parsed.diagnostics:
                self.report(parsed.diagnostics)

    def report(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Add diagnostics; a file with an error among them is bad."""
        for diagnostic in diagnostics:
            self.diagnostics.append(diagnostic)
            if diagnostic.is_error:
                self.bad.add(diagnostic.file)

    def _in_turn(self) -> list[tuple[str, str]]:
        """Return the files with those first that were valid before: newcomers push nobody out.

        Among these the operator's are first, and of the others one of each folder after the other:
        a flood is behind everybody else's.
        """
        was_good = self.revision.was_good
        turns: Counter[str] = Counter()
        found: list[tuple[int, str, str]] = []
        for path, blob in sorted(self.revision.files.items()):
            turn = 0
            if not was_good(path, blob):
                folder = "/".join(path.split("/", 2)[:2]) if path.startswith(_CROWDED) else ""
                turns[folder] += bool(folder)
                turn = 1 + turns[folder]
            found.append((turn, path, blob))
        return [(path, blob) for _, path, blob in sorted(found)]

    def _within(self, path: str, blob: str, place: Place) -> Parsed:
        refusal = self.budget.refusal()
        if refusal is None:
            parsed = self._parsed(path, blob, place)
            if (refusal := self.budget.spend(parsed)) is None:
                return parsed
        return documents.refused(path, place, refusal)

    def _stray(self, path: str, place: Place) -> None:
        if place.complaint is not None:
            self.report(documents.refused(path, place, place.complaint).diagnostics)

    def _refuse(self, path: str, reason: str) -> None:
        """Take an entry that is never read for a file with an error: what was there stays."""
        place = place_of(path)
        complaint = _not_a_file(reason)
        parsed = documents.refused(path, place, complaint)
        self.report(parsed.diagnostics)
        if place is not None and place.standing is not Standing.STRAY:
            self.newest[place.kind][path] = parsed
        # A folder that became a link takes nothing away either.
        for below in self.revision.good:
            if below.startswith(f"{path}/") and below not in self.revision.files:
                self._refuse(below, reason)

    def _parsed(self, path: str, blob: str, place: Place) -> Parsed:
        if blob in self.revision.set_aside:
            return documents.refused(path, place, self.revision.set_aside[blob])
        key = (path, blob)
        parsed = self.kept.parsed.get(key) or self.before.parsed.get(key)
        if parsed is None:
            parsed = self._read(path, blob, place)
        self.kept.parsed[key] = parsed
        return parsed

    def _read(self, path: str, blob: str, place: Place) -> Parsed:
        if place.complaint is not None:
            return documents.refused(path, place, place.complaint)
        try:
            data = self.revision.read(blob)
        except NotAFile:
            return documents.refused(path, place, _not_a_file())
        except ValueError:
            message = f"the file has more than {self.limits.file_bytes} bytes (limits.file_bytes)"
            complaint = Complaint("FileTooLarge", message, "split it into several files")
            return documents.refused(path, place, complaint)
        return self.handling.parse(data, path, place, self.limits)

    def last_good(self, path: str) -> Parsed | None:
        """Return the newest content of a file that was valid, if there ever was one."""
        place = place_of(path)
        if place is None or path not in self.revision.good:
            return None
        parsed = self._parsed(path, self.revision.good[path][0], place)
        return parsed if parsed.is_valid else None

    def first_seen(self, path: str, blob: str) -> CommitLike:
        """Return the commit that this content of a file came with."""
        commit, first = self.revision.commit, self.first_seen_id(path, blob)
        return commit if first == commit.id else self.revision.commit_of(first)

    def first_seen_id(self, path: str, blob: str) -> str:
        """Return the id of :meth:`first_seen`, without asking for the commit."""
        if self.revision.was_good(path, blob):
            return self.revision.good[path][1]
        return self.revision.commit.id

    def locate(
        self, path: str, blob: str, found: Iterable[tuple[int, Problem]]
    ) -> list[Diagnostic]:
        """Return diagnostics for problems of documents by index; reads the text once more.

        Marks aren't kept: ten thousand files of them weigh more than all the rest.
        """
        reading = source_map.read(self.revision.read(blob), file=path, limits=self.limits)
        return [reading.locate(index, problem) for index, problem in found]

    def attachment(self, folder: str, source: str) -> Attachment:
        """Return blob and digest of a file that a manifest in ``folder`` delivers.

        Raises:
            Complaint: There is none, or it is too large.
        """
        path = f"{folder}/{source}"
        blob = self.revision.files.get(path)
        if blob is None:
            names = self._names_beside(folder)
            raise _no_file(path, names)
        found = self.kept.attachments.get(blob) or self.before.attachments.get(blob)
        if found is None:
            found = self._digest(path, blob)
        self.kept.attachments[blob] = found
        if isinstance(found, Complaint):
            raise found
        return found

    def _names_beside(self, folder: str) -> list[str]:
        start = f"{folder}/files/"
        return [
            path.removeprefix(f"{folder}/")
            for path in self.revision.files
            if path.startswith(start)
        ]

    def _digest(self, path: str, blob: str) -> Attachment | Complaint:
        limit = self.limits.attachment_bytes
        try:
            data = self.revision.read(blob)
        except NotAFile:
            return _not_a_file()
        except ValueError:
            data = b" " * (limit + 1)
        if len(data) > limit:
            message = f"{path} has more than {limit} bytes (limits.attachment_bytes)"
            return Complaint("FileTooLarge", message, "put large files into a volume or the image")
        return Attachment(blob, hashlib.sha256(data).hexdigest())


def _not_a_file(reason: str = "an entry for a file that names something else") -> Complaint:
    return Complaint("NotARegularFile", reason, "replace it with a regular file")


def _no_file(path: str, names: list[str]) -> Complaint:
    remedy = did_you_mean(path.split("/", 2)[-1], names, otherwise=f"add {path}")
    return Complaint("NoSuchFile", f"no regular file {path} in this repository", remedy)
