"""The commits that were looked at: what each changed, what it did, what was desired then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reconciler.view.execution import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitLine:
    """``outcome``: accepted, or held back for the reason ``told``."""

    id: str
    subject: str
    author: str
    committed_at: datetime
    seen_at: datetime
    outcome: str
    told: str = ""
    added: int = 0
    changed: int = 0
    removed: int = 0
    problems: int = 0
    pull: int | None = None
    signer: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commits:
    """The newest first; ``next`` is the cursor of the older ones."""

    lines: tuple[CommitLine, ...]
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Did:
    """What a commit did to one execution."""

    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitView:
    """``did`` are the facts that it brought about, ``desired`` what was wanted as of it.

    ``more`` counts the names that ``desired`` leaves out.
    """

    line: CommitLine
    message: str
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    did: tuple[Did, ...] = ()
    desired: tuple[str, ...] = ()
    more: int = 0
