"""What the log of a namespace's gateway tells of use: requests that ended, connections still open.

Caddy writes a line when a request has ended, which for a websocket may be tomorrow. So beside it a
line is written every few seconds with the addresses that the gateway is connected to. These lines
show as well that nothing is missing between them: where they stop, nothing is known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address
from typing import Any

TOLD_EVERY_S = 5
LONGEST_SILENCE_MS = 3 * TOLD_EVERY_S * 1000
"""More time than this between two lines, and some may be missing between them."""

_ESTABLISHED, _HEADER = "01", "st"
# Only what every shell has by itself, but for date and sleep: a list that is short for want of a
# tool would say that nothing is open. `of` comes from the table's head: it could be read.
SCRIPT = (
    "while :; do "
    'told="$(while read -r _ _ there state _; do case "$state" in '
    f"{_HEADER}) printf ' of';; {_ESTABLISHED}) printf ' %s' \"$there\";; "
    'esac; done </proc/net/tcp)"; '
    'printf \'open %s%s .\\n\' "$(date +%s)" "$told"; '
    f"sleep {TOLD_EVERY_S}; done"
)
"""Writes the open connections to the log, for ever."""

_OPEN = re.compile(r"open ([0-9]{1,12}) of((?: [0-9A-F]{8}:[0-9A-F]{4})*) \.", re.ASCII)

Place = tuple[str, int]
"""An address and a port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """What was told at a moment: one request that ended, or all connections that are open."""

    at_ms: int
    route: str = ""
    places: frozenset[Place] = frozenset()
    is_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """The newest part of a gateway's log without a gap: all of ``since_ms`` to ``told_ms``.

    Times are those of the gateway's node; requests may have ended after ``told_ms``, too.
    """

    since_ms: int
    told_ms: int
    lines: tuple[_Line, ...]

    def covers(self, needed: timedelta) -> bool:
        """Tell whether it reaches back so far."""
        return self.told_ms - self.since_ms >= needed // timedelta(milliseconds=1)

    def last_use(
        self, routes: Collection[str], places: Collection[Place], *, needed: timedelta
    ) -> timedelta | None:
        """Return how long before ``told_ms`` somebody was there; None if nobody was.

        Args:
            routes: The paths (without a slash at the end) whose requests count.
            places: Where connections lead that count.
            needed: How far back it has to be known. Before what is known, it was used.
        """
        at_ms = [
            line.at_ms
            for line in self.lines
            if line.route in routes or not line.places.isdisjoint(places)
        ]
        if not self.covers(needed):
            at_ms.append(self.since_ms)
        return timedelta(milliseconds=max(0, self.told_ms - max(at_ms))) if at_ms else None


def read(log: str) -> Passage | None:
    """Return what a log tells; None if it tells of no open connections."""
    lines = list(_lines(log))
    told = sorted((line.at_ms for line in lines if line.is_open), reverse=True)
    if not told:
        return None
    since_ms = told[0]
    for before_ms in told[1:]:
        if since_ms - before_ms > LONGEST_SILENCE_MS:
            break
        since_ms = before_ms
    known = tuple(line for line in lines if line.at_ms >= since_ms)
    return Passage(since_ms=since_ms, told_ms=told[0], lines=known)


def _lines(log: str) -> Iterator[_Line]:
    for text in log.splitlines():
        if (found := _OPEN.fullmatch(text)) is not None:
            places = frozenset(_place(item) for item in found[2].split())
            yield _Line(at_ms=int(found[1]) * 1000, places=places, is_open=True)
        elif text.startswith("{") and (ended := _ended(text)) is not None:
            yield ended


def _place(text: str) -> Place:
    """Return an address as the kernel writes it: the bytes of an address backwards (little end)."""
    address, _, port = text.partition(":")
    return str(IPv4Address(bytes.fromhex(address)[::-1])), int(port, 16)


def _ended(text: str) -> _Line | None:
    try:
        data: Any = json.loads(text)
        at_ms, route = int(data["ts"] * 1000), data["request"]["uri"]
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    return _Line(at_ms=at_ms, route=route) if isinstance(route, str) and route else None
