"""Label selectors as kubectl has them: ``team=aml,stage!=test,course,!done``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LONGEST = 500
MOST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One part: ``key=value``, ``key!=value``, ``key`` (is there) or ``!key`` (isn't)."""

    key: str
    value: str | None
    is_negated: bool = False

    def admits(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels meet it. Like kubectl, ``key!=value`` takes who has no such key."""
        has = self.key in labels if self.value is None else labels.get(self.key) == self.value
        return has != self.is_negated


Selector = tuple[Requirement, ...]


def parse(text: str) -> Selector:
    """Return the requirements, all of which must be met; "" asks for nothing.

    Raises:
        ValueError: It isn't a selector; says what is wrong with it.
    """
    if len(text) > LONGEST:
        raise ValueError(f"a selector has at most {LONGEST} characters")
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) > MOST:
        raise ValueError(f"a selector has at most {MOST} parts")
    return tuple(_requirement(part) for part in parts)


def admits(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Tell whether labels meet all requirements."""
    # A plain loop: this is asked of every execution there is.
    for requirement in selector:  # noqa: SIM110
        if not requirement.admits(labels):
            return False
    return True


def _requirement(part: str) -> Requirement:
    for operator, is_negated in (("!=", True), ("==", False), ("=", False)):
        key, found, value = part.partition(operator)
        if found:
            return _checked(key.strip(), value.strip(), is_negated, part)
    return _checked(part.removeprefix("!").strip(), None, part.startswith("!"), part)


def _checked(key: str, value: str | None, is_negated: bool, part: str) -> Requirement:
    if not key or any(mark in key + (value or "") for mark in "=! "):
        raise ValueError(f"{part!r} isn't part of a selector: write key=value, key!=value or key")
    return Requirement(key=key, value=value, is_negated=is_negated)
