"""Which kind of document belongs where in a configuration repository.

A kind is bound to its place: otherwise any author could grant himself whatever he likes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from reconciler.manifest.diagnostic import Complaint

_NAME = "[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?"
_PLACES = (
    ("Platform", re.compile(r"platform\.(?P<ext>ya?ml)")),
    ("Namespace", re.compile(r"namespaces/(?P<stem>[^/]+)\.(?P<ext>ya?ml)")),
    ("Reservation", re.compile(r"reservations/(?P<stem>[^/]+)\.(?P<ext>ya?ml)")),
    ("ExecutionSet", re.compile(r"sets/(?P<stem>[^/]+)\.(?P<ext>ya?ml)")),
    ("ZApp", re.compile(r"zapps/(?P<folder>[^/]+)/zapp\.(?P<ext>ya?ml)")),
    ("Execution", re.compile(r"executions/(?P<folder>[^/]+)/(?P<stem>[^/]+)\.(?P<ext>ya?ml)")),
)
_STRAY = re.compile(r"(?:namespaces|reservations|sets|zapps|executions)/.*\.ya?ml")
_FILES = re.compile(r"(?:(?:executions|zapps)/[^/]+|sets)/files/.*")
_PLATFORMS = re.compile(r"platform\.ya?ml|(?:namespaces|reservations|sets)(?:/.*)?")
_MANAGED = re.compile(r"platform\.ya?ml|(?:namespaces|reservations|sets|zapps|executions)(?:/.*)?")


class Standing(StrEnum):
    """What becomes of a file."""

    READ = "read"
    REFUSED = "refused"
    STRAY = "stray"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a managed path is for. ``folder`` is the namespace's or the ZApp's."""

    kind: str
    folder: str = ""
    stem: str = ""
    standing: Standing = Standing.READ
    complaint: Complaint | None = None


@lru_cache(maxsize=16_384)
def place_of(path: str) -> Place | None:
    """Return what belongs at ``path``; None where we read nothing and expect nothing."""
    for kind, pattern in _PLACES:
        if match := pattern.fullmatch(path):
            return _managed(kind, match)
    if _STRAY.fullmatch(path) and not _FILES.fullmatch(path):
        complaint = Complaint(
            "NothingReadHere",
            "no manifest is read from here",
            "move it to executions/NAMESPACE/NAME.yaml, zapps/NAME/zapp.yaml, "
            "namespaces/NAME.yaml, sets/NAME.yaml or reservations/NAME.yaml",
        )
        return Place(kind="", standing=Standing.STRAY, complaint=complaint)
    return None


def _managed(kind: str, match: re.Match[str]) -> Place:
    groups = match.groupdict()
    folder, stem = groups.get("folder") or "", groups.get("stem") or ""
    complaint = None
    if groups["ext"] == "yml":
        complaint = Complaint("NotYaml", "a manifest's name ends in .yaml", "rename it to .yaml")
    elif folder and re.fullmatch(_NAME, folder) is None:
        complaint = Complaint(
            "BadFolderName",
            f"{folder[:60]!r} isn't a name: at most 40 lower-case letters, digits and hyphens",
            "rename the folder",
        )
    standing = Standing.READ if complaint is None else Standing.REFUSED
    return Place(kind=kind, folder=folder, stem=stem, standing=standing, complaint=complaint)


def is_managed(path: str) -> bool:
    """Tell whether a tree entry is where manifests and their files are kept."""
    return _MANAGED.fullmatch(path) is not None


def is_platforms(path: str) -> bool:
    """Tell whether a path is where only the platform's own repository says something."""
    return _PLATFORMS.fullmatch(path) is not None


def is_name(text: str) -> bool:
    """Tell whether a text may name an execution."""
    return re.fullmatch(_NAME, text) is not None
