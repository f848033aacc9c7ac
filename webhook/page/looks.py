"""How a state looks: its symbol and its colour stand beside its word, never for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """A symbol of ``macros.html`` and a class of the style sheet."""

    symbol: str
    colour: str


LOOKS: Mapping[str, Look] = {
    "Invalid": Look("alert", "bad"),
    "Failed": Look("bad", "bad"),
    "Unknown": Look("unknown", "bad"),
    "Running": Look("run", "good"),
    "Starting": Look("start", "busy"),
    "Queued": Look("wait", "wait"),
    "Pending": Look("pending", "wait"),
    "Terminating": Look("end", "busy"),
    "Scheduled": Look("clock", "off"),
    "Suspended": Look("pause", "off"),
    "Succeeded": Look("ok", "off"),
    "Stopped": Look("stop", "off"),
    # Of nodes.
    "ready": Look("ok", "good"),
    "drained": Look("pause", "wait"),
    "down": Look("bad", "bad"),
}
"""Executions' states in the order in which people want to see them."""

STATES = tuple(word for word in LOOKS if word[0].isupper())


def by_state(counts: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Yield the states that there are, in the order of :data:`LOOKS`, others behind them."""
    known = [word for word in LOOKS if counts.get(word)]
    others = sorted(word for word, number in counts.items() if number and word not in LOOKS)
    for word in (*known, *others):
        yield word, counts[word]
