"""What a pass went by: the next one compares with it to see what has changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from policy.model.execution import Allocation, Uid
from reconciler.converge.accounting import Progress
from reconciler.converge.history import Runtimes
from reconciler.converge.ledger import Record
from reconciler.converge.tasks import Grouped
from reconciler.manifest.spec import Manifest

Name = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roll:
    """The names of a pass.

    Attributes:
        wanted: The uid that a name stands for; of a schedule it is the newest run.
        runs: (source, run) -> uid of every name, wanted or remembered.
        newest: The highest run of every (source, namespace, name): each source counts its own.
        uids: What was called: those that are wanted, those that are remembered, and the newest
            runs of schedules.
    """

    wanted: Mapping[Name, Uid]
    runs: Mapping[Name, Mapping[tuple[str, int], Uid]]
    newest: Mapping[tuple[str, str, str], int]
    uids: tuple[frozenset[Uid], frozenset[Uid], Mapping[Uid, Uid | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """The parts that a pass was made of, as they were at its end.

    Attributes:
        common: What every execution depends on.
        manifests: What was wanted.
        records: What was known, with what the pass added; so are ``placements``.
        progress: What executions had done when the pass began.
        runtimes: What was known of applications when the pass began.
        grouped: What was there.
        roll: The names.
        calm: Those of whom there was nothing to say and to do, and until when no clock of theirs
            changes that (None: there is no such clock). See ``calm``.
    """

    common: tuple[object, ...]
    manifests: Mapping[Uid, Manifest]
    records: Mapping[Uid, Record]
    placements: Mapping[Uid, tuple[Allocation, ...]]
    progress: Mapping[Uid, Progress]
    runtimes: Runtimes
    grouped: Grouped
    roll: Roll
    calm: Mapping[Uid, datetime | None]
