"""How old what is shown is, and what to do when it is too old."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.view.picture import Picture
from reconciler.view.words import instant

LATE = 3
"""So many intervals without a pass mean that nobody makes them."""
AT_LEAST = timedelta(seconds=10)
"""A busy machine may take as long for one pass, however short its interval is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How old all of this is. ``told`` is "" while database and loop are as they should be."""

    read_at: datetime
    pass_at: datetime | None = None
    commit: str = ""
    told: str = ""

    @property
    def is_stale(self) -> bool:
        """Whether a banner is due."""
        return bool(self.told)


def of(picture: Picture, *, now: datetime) -> Freshness:
    """Return how old a picture is."""
    pulse = picture.pulse
    return Freshness(
        read_at=picture.read_at,
        pass_at=pulse.at if pulse else None,
        commit=pulse.commit if pulse else "",
        told=_told(picture, now),
    )


def _told(picture: Picture, now: datetime) -> str:
    pulse = picture.pulse
    if picture.is_stale:
        return (
            f"the database can't be reached: this is what was known at {instant(picture.read_at)}; "
            "what runs goes on, and the operator finds the cause with zoe doctor"
        )
    if pulse is None:
        return (
            "nobody has looked at Git and the cluster yet: has the operator started zoe run? "
            "zoe doctor says what keeps it from working"
        )
    if now - pulse.at > max(AT_LEAST, LATE * timedelta(seconds=pulse.interval_s)):
        why = f" ({pulse.problem})" if pulse.problem else ""
        return (
            f"nobody has looked at Git and the cluster since {instant(pulse.at)}{why}: "
            "what runs goes on, but no change is carried out until zoe run does its work again"
        )
    return ""
