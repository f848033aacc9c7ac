"""Amounts of what a node has and a replica needs. Integers only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """A vector of milli-CPUs, bytes of memory and counts of generic resources such as GPUs.

    ``generic`` is sorted by name and holds no zero, so that equal amounts compare equal.
    Build it through :meth:`of` unless it is known to be so already.
    """

    cpu_millis: int = 0
    memory_bytes: int = 0
    generic: tuple[tuple[str, int], ...] = ()

    @staticmethod
    def of(
        *, cpu_millis: int = 0, memory_bytes: int = 0, generic: Iterable[tuple[str, int]] = ()
    ) -> Resources:
        """Return the vector with generic amounts summed by name and put in order."""
        amounts: dict[str, int] = {}
        for name, count in generic:
            amounts[name] = amounts.get(name, 0) + count
        ordered = tuple(sorted((name, count) for name, count in amounts.items() if count))
        return Resources(cpu_millis=cpu_millis, memory_bytes=memory_bytes, generic=ordered)

    def __add__(self, other: Resources) -> Resources:
        if not (self.generic or other.generic):
            return Resources(
                cpu_millis=self.cpu_millis + other.cpu_millis,
                memory_bytes=self.memory_bytes + other.memory_bytes,
            )
        return Resources.of(
            cpu_millis=self.cpu_millis + other.cpu_millis,
            memory_bytes=self.memory_bytes + other.memory_bytes,
            generic=(*self.generic, *other.generic),
        )

    def __sub__(self, other: Resources) -> Resources:
        return self + other * -1

    def __mul__(self, count: int) -> Resources:
        return Resources.of(
            cpu_millis=self.cpu_millis * count,
            memory_bytes=self.memory_bytes * count,
            generic=((name, amount * count) for name, amount in self.generic),
        )

    def fits_in(self, free: Resources) -> bool:
        """Tell whether this demand is covered by ``free`` in every dimension it asks for.

        A dimension in which nothing is asked never refuses, even where ``free`` is negative
        (a node that others have overcommitted).
        """
        return not self.shortfall(free)

    def shortfall(self, free: Resources) -> tuple[tuple[str, int, int], ...]:
        """Return (dimension, needed, free) for every dimension that isn't covered."""
        missing: list[tuple[str, int, int]] = []
        if self.cpu_millis > 0 and self.cpu_millis > free.cpu_millis:
            missing.append(("cpu", self.cpu_millis, free.cpu_millis))
        if self.memory_bytes > 0 and self.memory_bytes > free.memory_bytes:
            missing.append(("memory", self.memory_bytes, free.memory_bytes))
        if self.generic:
            have = dict(free.generic)
            missing.extend(
                (name, count, have.get(name, 0))
                for name, count in self.generic
                if count > 0 and count > have.get(name, 0)
            )
        return tuple(missing)

    def how_many(self, free: Resources) -> int | None:
        """Return how often this demand fits into ``free``; None if it asks for nothing."""
        counts: list[int] = []
        if self.cpu_millis > 0:
            counts.append(free.cpu_millis // self.cpu_millis)
        if self.memory_bytes > 0:
            counts.append(free.memory_bytes // self.memory_bytes)
        if self.generic:
            have = dict(free.generic)
            counts.extend(have.get(name, 0) // count for name, count in self.generic if count > 0)
        return max(0, min(counts)) if counts else None


NOTHING = Resources()


def format_amount(dimension: str, amount: int) -> str:
    """Return an amount for people: ``1.5 CPUs``, ``2 GiB memory``, ``1 gpu``."""
    if dimension == "cpu":
        return f"{_thousandths(amount)} CPU{'' if amount == 1000 else 's'}"
    if dimension == "memory":
        return f"{_binary(amount)} memory"
    return f"{amount} {dimension}"


def format_resources(resources: Resources) -> str:
    """Return a vector for people: ``1.5 CPUs, 2 GiB memory``."""
    parts = [format_amount("cpu", resources.cpu_millis)] if resources.cpu_millis else []
    if resources.memory_bytes:
        parts.append(format_amount("memory", resources.memory_bytes))
    parts.extend(format_amount(name, count) for name, count in resources.generic)
    return ", ".join(parts) or "nothing"


def _thousandths(amount: int) -> str:
    sign, amount = ("-", -amount) if amount < 0 else ("", amount)
    whole, rest = divmod(amount, 1000)
    return f"{sign}{whole}.{rest:03d}".rstrip("0").rstrip(".") if rest else f"{sign}{whole}"


def _binary(amount: int) -> str:
    sign, amount = ("-", -amount) if amount < 0 else ("", amount)
    for unit, size in (("TiB", 1024**4), ("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if amount >= size:
            whole, rest = divmod(amount * 100 // size, 100)
            text = f"{whole}.{rest:02d}".rstrip("0").rstrip(".") if rest else str(whole)
            return f"{sign}{text} {unit}"
    return f"{sign}{amount} B"
