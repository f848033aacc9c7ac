"""Builds the sources: their mirrors in the state directory, and who fetches into them.

What comes over a network is fetched in processes of their own where somebody lends those
(``zoe run``, ``zoe once``); what lies on this machine, and what people's verbs fetch, is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.config import Settings, SourceSettings
from reconciler.ports import Source
from reconciler.source.desired import Reader
from reconciler.source.tenants import Tenants

if TYPE_CHECKING:
    from reconciler.git.fetchers import Fetchers
    from reconciler.git.tenant import BoundedFetcher
    from reconciler.reviewer.service import Heads
    from reconciler.source.lookout import Remote


def platform(settings: Settings, fetchers: Fetchers | None = None) -> Source:
    """Return the platform's source. Raises ConfigError."""
    from reconciler.git.fetchers import FetchedApart, is_local
    from reconciler.git.source import GitSource

    declared = settings.platform_source
    mirror = settings.state_dir / "mirrors" / f"{declared.id}.git"
    if fetchers is None or is_local(declared):
        return GitSource(declared, mirror)
    return FetchedApart(declared, mirror, fetchers)


def tenants(
    settings: Settings,
    reader: Callable[[Settings, Source], Reader],
    fetchers: Fetchers | None = None,
) -> Tenants:
    """Return the tenants' sources; nothing is fetched before somebody looks.

    Raises ConfigError.
    """
    declared = [source for source in settings.sources if source.role == "tenant"]
    if not declared:
        return Tenants()
    from reconciler.git.tenant import TenantReader
    from reconciler.source.lookout import Lookout

    lookout = Lookout({one.id: _remote(settings, one, fetchers) for one in declared})
    read = [
        TenantReader(one, _mirror(settings, one), damaged=partial(lookout.mend, one.id))
        for one in declared
    ]
    return Tenants([reader(settings, source) for source in read], lookout)


def heads(settings: Settings) -> Heads:
    """Return where heads of the platform's pull requests are fetched to. Raises ConfigError."""
    from reconciler.git.fetchers import Fetchers, is_local
    from reconciler.git.pulls import HeadsApart, PullHeads

    declared = settings.platform_source
    mirror = settings.state_dir / "mirrors" / f"{declared.id}-review.git"
    if is_local(declared):
        return PullHeads(declared, mirror)
    return HeadsApart(declared, mirror, Fetchers(settings.limits))


def tenant_tip(settings: Settings, declared: SourceSettings) -> str:
    """Fetch a tenant's source and return its tip. Raises ConfigError, SourceUnavailable."""
    return _fetcher(settings, declared).fetch()


def mirrors(settings: Settings) -> Sequence[Source]:
    """Return what reads the mirrors of all sources, the platform's first. Raises ConfigError."""
    from reconciler.git.tenant import TenantReader

    declared = [source for source in settings.sources if source.role == "tenant"]
    return [
        platform(settings),
        *(TenantReader(one, _mirror(settings, one)) for one in declared),
    ]


def _remote(settings: Settings, declared: SourceSettings, fetchers: Fetchers | None) -> Remote:
    from reconciler.git.fetchers import RemoteApart, is_local

    if fetchers is None or is_local(declared):
        return _fetcher(settings, declared)
    return RemoteApart(declared, _mirror(settings, declared), fetchers)


def _fetcher(settings: Settings, declared: SourceSettings) -> BoundedFetcher:
    from reconciler.git.tenant import BoundedFetcher

    limits = settings.limits
    return BoundedFetcher(
        declared,
        _mirror(settings, declared),
        most_bytes=limits.fetch_mib * 1024**2,
        most_s=limits.fetch_s,
    )


def _mirror(settings: Settings, declared: SourceSettings) -> Path:
    """Return where a tenant's mirror is: apart from the platform's, whatever its id is."""
    return settings.state_dir / "mirrors" / "tenants" / f"{declared.id}.git"
