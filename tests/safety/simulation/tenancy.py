"""A group's own repository in a world: fetched in the one thread, before each pass."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler import wire
from reconciler.config import Settings
from reconciler.ports import Source
from reconciler.source.lookout import Lookout, _looked
from reconciler.source.tenants import Tenants


class InlineLookout(Lookout):
    """Looks at once, where it is asked to: nothing goes on beside the one thread."""

    def _begin(self, source_ids: Iterable[str]) -> None:
        for source_id in source_ids:
            watched = self._watched[source_id]
            watched.finding = _looked(source_id, watched)


def tenants(settings: Settings, sources: Iterable[Source]) -> Tenants:
    """Return what reads these."""
    there = tuple(sources)
    lookout = InlineLookout({source.id: source for source in there})  # type: ignore[misc]
    return Tenants([wire.reader(settings, source) for source in there], lookout)
