"""When a pass looks for what is past its time: as soon as others are asked for, else seldom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from policy.model.execution import Uid
from reconciler.converge.instants import is_within
from reconciler.converge.world import Wanted
from reconciler.manifest.spec import Manifest

EVERY = timedelta(hours=1)


class Tidying:
    """The time of the last look, and what was asked for then."""

    def __init__(self) -> None:
        self._at: datetime | None = None
        self._manifests: Mapping[Uid, Manifest] | None = None

    def soon(self) -> None:
        """Have the next pass look. Any thread."""
        self._at = None

    def is_due(self, wanted: Wanted, now: datetime) -> bool:
        """Tell whether this pass is to look."""
        at = self._at
        is_recent = at is not None and is_within(EVERY, at, now)
        return not is_recent or wanted.manifests is not self._manifests

    def done(self, wanted: Wanted, now: datetime) -> None:
        """Note that a pass has looked."""
        self._at, self._manifests = now, wanted.manifests
