"""What the worker is given and what it answers. It is given no credentials and no addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.converge.host import Host
from reconciler.converge.world import Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the loop knows at one moment: all that a preview depends on beside the two commits.

    ``good`` is path -> (blob, commit) of the newest valid content; ``snapshot`` the document of
    ``converge.snapshots`` as text.
    """

    accepted: str
    memory: Memory
    snapshot: str | None
    good: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Two commits, in a repository that is only read, and what is known beside them.

    ``kept`` is what the loop's reader has read, pickled (:class:`reconciler.source.desired.Kept`);
    ``missing`` are images that their registry doesn't have.
    """

    repository: Path
    source_id: str
    base: str
    head: str
    known: Known
    host: Host
    kept: bytes
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The worker's answer. With ``problem`` or ``conflicts`` there is no plan.

    ``tree`` is the digest of the files that a merge leaves ("" = the base has the head already);
    ``plan`` is as ``zoe plan -o json`` prints it, and ``body`` as ``-o markdown`` does. ``errors``
    counts those that the change brings; ``images`` are those that registries may be asked for.
    ``is_damaged``: the repository is to be fetched anew. ``is_cut_off``: the worker could reach
    no network.
    """

    is_cut_off: bool = False
    problem: str = ""
    is_damaged: bool = False
    conflicts: tuple[str, ...] = ()
    tree: str = ""
    plan: Mapping[str, object] = field(default_factory=dict)
    body: str = ""
    verdict: str = ""
    errors: int = 0
    images: tuple[str, ...] = ()
