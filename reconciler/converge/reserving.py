"""From reservations as they are written to the windows that policy keeps capacity for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice

from policy.model import reservation as policy
from reconciler.converge import calendar
from reconciler.converge.calendar import Span
from reconciler.converge.instants import epoch_ms
from reconciler.manifest.platform import Reservation

# Nothing is admitted for longer than it can be seen that a window comes: a week and a day, so that
# a weekly one is always there.
HORIZON = timedelta(days=8)
MOST_EACH = 3
PREFETCH_LEAD = timedelta(minutes=30)


def windows(
    reservations: Mapping[str, Reservation], *, now: datetime
) -> tuple[policy.Reservation, ...]:
    """Return what is open now or comes next: at most three windows of each, by start and name."""
    found = [
        _window(reservation, span)
        for reservation in reservations.values()
        for span in _spans(reservation, now)
    ]
    return tuple(sorted(found, key=lambda window: (window.starts_ms, window.name)))


def is_open_or_soon(reservation: Reservation, *, now: datetime) -> bool:
    """Tell whether its nodes should have their images by now, or fetch them."""
    return any(span.starts_at <= now + PREFETCH_LEAD for span in _spans(reservation, now))


def alarms(
    reservations: Iterable[Reservation], *, now: datetime, lead_ms: int
) -> Iterator[datetime]:
    """Yield when these windows change something: prefetching, clearing, opening, closing."""
    for reservation in reservations:
        for span in _spans(reservation, now):
            yield span.starts_at - timedelta(milliseconds=lead_ms)
            yield span.starts_at
            yield span.ends_at
            if reservation.prefetch:
                yield span.starts_at - PREFETCH_LEAD


def _spans(reservation: Reservation, now: datetime) -> tuple[Span, ...]:
    near = _spans_near(reservation, now.replace(second=0, microsecond=0))
    return tuple(span for span in near if span.ends_at > now)


@lru_cache(maxsize=1024)
def _spans_near(reservation: Reservation, minute: datetime) -> tuple[Span, ...]:
    found = calendar.spans(reservation.window, now=minute, until=minute + HORIZON)
    return tuple(islice(found, MOST_EACH))


def _window(reservation: Reservation, span: Span) -> policy.Reservation:
    return policy.Reservation(
        name=reservation.name,
        starts_ms=epoch_ms(span.starts_at),
        ends_ms=epoch_ms(span.ends_at),
        slots=reservation.slots,
        slot=reservation.slot,
        constraints=reservation.constraints,
        namespaces=frozenset(reservation.namespaces),
    )
