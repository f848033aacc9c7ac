"""The Platform, Namespaces, ZApps and Reservations in force: newest if valid, else last good."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from reconciler.manifest.diagnostic import Complaint, Diagnostic, Severity
from reconciler.manifest.documents import Parsed
from reconciler.manifest.execution import Execution
from reconciler.manifest.intake import Intake
from reconciler.manifest.lent import Lent
from reconciler.manifest.namespace_defaults import check_shared, made
from reconciler.manifest.places import place_of
from reconciler.manifest.platform import (
    Namespace,
    NamespaceDefaults,
    Platform,
    Reservation,
    ZAppSummary,
)
from reconciler.manifest.reservations import check_reservation, settle
from reconciler.manifest.sets import ExecutionSet
from reconciler.manifest.zapps import ZApp

Owned = Platform | Namespace | Reservation | ZApp


@dataclass(slots=True)
class Rulebook:
    """Platform, Namespaces, ZApps and Reservations in force: newest if valid, else last good."""

    intake: Intake
    lent: Lent | None = None
    platform: Platform = field(default_factory=Platform)
    namespaces: dict[str, Namespace] = field(default_factory=dict)
    zapps: dict[str, ZApp] = field(default_factory=dict)
    broken_zapps: dict[str, str] = field(default_factory=dict)
    reservations: dict[str, Reservation] = field(default_factory=dict)

    def settle(self) -> None:
        """Fill in everything."""
        if self.lent is not None:
            self._borrow(self.lent)
        for kind in ("Platform", "Namespace", "ZApp", "Reservation"):
            homes = self.lent.homes(kind) if self.lent else {}
            # Content that was good before comes first: it keeps its name against a newcomer.
            for path, parsed in sorted(self.intake.newest[kind].items(), key=self._rank):
                self._file(kind, path, parsed, homes)
            if kind == "Namespace":
                self._make_named()
        if not self.intake.newest["Platform"] and self.lent is None:
            self._warn_of_no_platform()

    def lend(self, source_id: str) -> Lent:
        """Return what tenants may use of it."""
        return Lent(
            source_id=source_id,
            platform=self.platform,
            namespaces=self.namespaces,
            reservations=self.reservations,
            zapps=self.zapps,
            broken_zapps=self.broken_zapps,
            files=self.intake.revision.files,
            attachment=self.intake.attachment,
        )

    def _borrow(self, lent: Lent) -> None:
        self.platform, self.namespaces = lent.rules(), dict(lent.namespaces)
        self.reservations = dict(lent.reservations)
        self.zapps, self.broken_zapps = dict(lent.zapps), dict(lent.broken_zapps)

    def _make_named(self) -> None:
        """Make the namespaces that sets over many name and nobody declared."""
        defaults = self.platform.namespace_defaults
        if defaults is None:
            return
        found: dict[str, Namespace] = {}
        for path, parsed in self.intake.newest["ExecutionSet"].items():
            content = parsed if parsed.is_valid else self.intake.last_good(path)
            for name in _namespaces(content):
                if name not in self.namespaces and name not in found:
                    found[name] = made(name, defaults)
        self.namespaces |= found
        self._warn_of_shared_ids(found.values(), defaults)

    def _warn_of_shared_ids(
        self, found: Collection[Namespace], defaults: NamespaceDefaults
    ) -> None:
        problems = [(0, problem) for problem in check_shared(found, defaults)]
        for path in self.intake.newest["Platform"]:
            if problems and path not in self.intake.bad:
                blob = self.intake.revision.files[path]
                self.intake.report(self.intake.locate(path, blob, problems))

    def summaries(self) -> tuple[ZAppSummary, ...]:
        """Return the applications by name, without what only an execution needs."""
        return tuple(
            ZAppSummary(
                name=zapp.name,
                title=zapp.title,
                path=zapp.path,
                type=zapp.spec["type"],
                parameters=zapp.spec.get("parameters", {}),
            )
            for _, zapp in sorted(self.zapps.items())
        )

    def _rank(self, item: tuple[str, Parsed]) -> tuple[bool, str]:
        path, revision = item[0], self.intake.revision
        return (not revision.was_good(path, revision.files.get(path)), path)

    def _file(self, kind: str, path: str, parsed: Parsed, homes: dict[str, str]) -> None:
        content = parsed if parsed.is_valid else self.intake.last_good(path)
        if content is parsed and (
            self._is_twin(kind, path, parsed, homes)
            or (kind == "Reservation" and self._is_misfit(path, parsed))
        ):
            content = self.intake.last_good(path)
        if content is None:
            place = place_of(path)
            if kind == "ZApp" and place is not None:
                self.broken_zapps[place.folder] = path
            return
        for _, name, item in _named(kind, content):
            if name not in homes:
                homes[name] = path
                self._own(item, is_current=content is parsed)

    def _is_twin(self, kind: str, path: str, parsed: Parsed, homes: Mapping[str, str]) -> bool:
        """Tell whether a file's newest content must give way, since others have its names.

        Otherwise whoever renames a namespace to one that is there would delete it.
        """
        taken, is_twin = dict(homes), False
        for index, name, _ in _named(kind, parsed):
            if name in taken:
                self._duplicate(path, index, kind, name, taken[name])
                is_twin = True
            taken.setdefault(name, path)
        return is_twin

    def _is_misfit(self, path: str, parsed: Parsed) -> bool:
        """Tell whether a file's newest content must give way: new, and at odds with the rest.

        What was in force before isn't at fault when a namespace or an image goes: it is told, and
        stays.
        """
        blob = self.intake.revision.files.get(path)
        if blob is None:
            return False
        is_newcomer = not self.intake.revision.was_good(path, blob)
        now = self.intake.revision.now or self.intake.first_seen(path, blob).committed_at
        found = [
            (index, problem if is_newcomer else replace(problem, severity=Severity.WARNING))
            for index, item in enumerate(parsed.contents)
            if isinstance(item, Reservation)
            for problem in check_reservation(
                item, platform=self.platform, namespaces=self.namespaces, now=now
            )
        ]
        if found:
            self.intake.report(self.intake.locate(path, blob, found))
        return any(problem.is_error for _, problem in found)

    def _own(self, item: Owned, *, is_current: bool) -> None:
        match item:
            case Platform():
                self.platform = item if is_current else replace(item, is_current=False)
            case Namespace():
                self.namespaces[item.name] = item if is_current else replace(item, is_current=False)
            case Reservation():
                settled = settle(item, self.platform)
                self.reservations[item.name] = replace(settled, is_current=is_current)
            case ZApp():
                self.zapps[item.name] = item

    def _duplicate(self, path: str, index: int, kind: str, name: str, home: str) -> None:
        message = f"{kind} {name} is in {home} too"
        complaint = Complaint("DuplicateIdentity", message, "rename one of the two")
        blob = self.intake.revision.files.get(path)
        if blob is not None:
            problem = complaint.at(("metadata", "name"))
            self.intake.report(self.intake.locate(path, blob, [(index, problem)]))

    def _warn_of_no_platform(self) -> None:
        diagnostic = Diagnostic(
            file="platform.yaml",
            line=0,
            column=0,
            pointer="",
            code="NoPlatform",
            message="there is no platform.yaml: defaults apply",
            remedy="add one, as zoe init writes it",
            severity=Severity.WARNING,
        )
        self.intake.report([diagnostic])


def _named(kind: str, content: Parsed) -> Iterator[tuple[int, str, Owned]]:
    """Yield what a file declares: index, name (of a platform, there is one) and content."""
    for index, item in enumerate(content.contents):
        if not isinstance(item, Execution | ExecutionSet):
            yield index, kind if isinstance(item, Platform) else item.name, item


def _namespaces(content: Parsed | None) -> Iterator[str]:
    """Yield the namespaces that the sets of a file name."""
    for item in content.contents if content is not None else ():
        if isinstance(item, ExecutionSet):
            yield from (member.namespace for member in item.members)
