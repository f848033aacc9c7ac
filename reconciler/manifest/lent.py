"""What the platform's repository lends to those of tenants: rules, namespaces, and applications.

A tenant's repository says nothing of the kind itself. It sees the platform's ZApps beside its own,
and no other tenant's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from reconciler.manifest.build import Attach, Attachment
from reconciler.manifest.diagnostic import Diagnostic, Severity
from reconciler.manifest.intake import Revision, finder
from reconciler.manifest.places import is_platforms
from reconciler.manifest.platform import Namespace, Platform, Reservation
from reconciler.manifest.zapps import ZApp


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """A commit of the platform's source, as far as tenants may use it.

    ``files`` are path -> blob of that commit; ``attachment`` finds a file in a folder of it.
    """

    source_id: str
    platform: Platform
    namespaces: Mapping[str, Namespace]
    reservations: Mapping[str, Reservation]
    zapps: Mapping[str, ZApp]
    broken_zapps: Mapping[str, str]
    files: Mapping[str, str]
    attachment: Callable[[str, str], Attachment]

    def is_of_platform(self, zapp: ZApp) -> bool:
        """Tell whether a ZApp is the platform's, and not one that a tenant gave the same name."""
        return self.zapps.get(zapp.name) is zapp

    def homes(self, kind: str) -> dict[str, str]:
        """Return name -> file of what the platform has of a kind: nobody else may take the name."""
        if kind != "ZApp":
            return {}
        return {name: f"{self.source_id}:{zapp.path}" for name, zapp in self.zapps.items()}

    def rules(self) -> Platform:
        """Return the platform as it binds tenants.

        What it grants to ZApps by name it grants to its own, so nobody gets it by taking the name
        of one that isn't there.
        """
        granted = tuple(name for name in self.platform.baseline_zapps if name in self.zapps)
        return replace(self.platform, baseline_zapps=granted)

    def attach(self, zapp: ZApp, asked: dict[str, str | None]) -> Attach:
        """Return what finds files beside a ZApp, and notes which were asked for."""
        return finder(self.attachment, self.files, f"zapps/{zapp.folder}", asked)


def own_part(revision: Revision) -> Revision:
    """Return a tenant's revision without what only the platform's source may say."""
    files = {path: blob for path, blob in revision.files.items() if not is_platforms(path)}
    refused = [entry for entry in revision.refused if not is_platforms(entry[0])]
    return replace(revision, files=files, refused=refused)


def unread(files: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Say once that a tenant's repository holds what is read from the platform's only."""
    paths = sorted(path for path in files if is_platforms(path))
    if not paths:
        return
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    yield Diagnostic(
        file=paths[0],
        line=0,
        column=0,
        pointer="",
        code="PlatformOnly",
        message=f"{paths[0]}{more}: read from the platform's repository only, ignored here",
        remedy="remove it; a tenant's repository holds zapps/ and executions/NAMESPACE/",
        severity=Severity.WARNING,
    )
