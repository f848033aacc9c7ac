"""The shape of the Docker API's dictionaries: ids for names, absent sections, nanoseconds. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

Json = dict[str, Any]
ApiVersion = tuple[int, int]


class Kind(StrEnum):
    """What a service names and the API wants by id."""

    NETWORK = "network"
    CONFIG = "config"
    SECRET = "secret"  # noqa: S105 - a word, not one of them


IdOf = Callable[[Kind, str], str]
"""Name to id. Raises Missing where there is no such object."""

NameOf = Callable[[Kind, str], str | None]
"""Id to name; None where the id isn't known."""

OLDEST_API: ApiVersion = (1, 41)
"""Below it the engine drops ulimits, capabilities and the pids limit without a word."""

NANOS_PER_MILLI = 1_000_000
NEVER_SET = -1
"""A number that no spec of ours holds: it shows as drift."""


def section(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return an object's member object; the API leaves empty ones out or says null."""
    return data.get(key) or {}


def items(data: Mapping[str, Any], key: str) -> Sequence[Any]:
    """Return an object's member list, likewise."""
    return data.get(key) or ()


def up(nanos: int) -> int:
    """Return whole thousandths, rounded up: a change by hand in a smaller unit stays visible."""
    return -(-nanos // NANOS_PER_MILLI)
