"""Whether an execution was used, by what its containers consumed between two looks at them.

Either counts: CPU time, since somebody may compute without a word, and traffic, since somebody may
read what costs nothing to serve. What can't be compared counts as use: a container that wasn't
there before, or one whose counters began anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CPU_PERCENT = 5
"""Of one CPU, on average and of all containers of an execution together: less is no use."""

NETWORK_BYTES_S = 4_096
"""In and out, on average and of all containers together: less is no use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container that runs, and the address of its node."""

    id: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumed:
    """What a container has had until ``at_us``, by the clock of its node that only ever rises."""

    at_us: int
    cpu_us: int
    network_bytes: int


Look = Mapping[str, Consumed]
"""What all containers of an execution have had, by their ids."""


def is_use(before: Look, after: Look) -> bool:
    """Tell whether what was consumed between two looks is more than a program at rest needs."""
    cpu_us_s = network_bytes_s = 0
    for id_, now in after.items():
        then = before.get(id_)
        if then is None or now.at_us <= then.at_us:
            return True
        if now.cpu_us < then.cpu_us or now.network_bytes < then.network_bytes:
            return True
        # Rounded up, so that many small ones aren't nothing together.
        elapsed_us = now.at_us - then.at_us
        cpu_us_s += -((then.cpu_us - now.cpu_us) * 1_000_000 // elapsed_us)
        network_bytes_s += -((then.network_bytes - now.network_bytes) * 1_000_000 // elapsed_us)
    return cpu_us_s > CPU_PERCENT * 10_000 or network_bytes_s > NETWORK_BYTES_S
