"""What a listing says again is handed over as the same object: nothing of it is read anew.

The Swarm numbers each change of an object; under one number it is one and the same, as long as
the manager isn't another one, or one that was put back to an older state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Unchanged(Generic[T]):
    """The objects of one listing by id. Whoever lost the manager from sight forgets them all."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, T]] = {}
        self._watch: int | None = None

    def read(
        self,
        listed: Iterable[Mapping[str, Any]],
        make: Callable[[Mapping[str, Any]], T],
        *,
        watch: int,
        is_whole: Callable[[T], bool] = lambda _: True,
    ) -> tuple[T, ...]:
        """Return what is listed.

        Args:
            listed: As the engine lists it.
            make: Returns the object for an item.
            watch: Changes when the manager may be another one.
            is_whole: Tells whether an object will be the same until its number changes.
        """
        known = self._known if watch == self._watch else {}
        kept: dict[str, tuple[int, T]] = {}
        found: list[T] = []
        for item in listed:
            numbered = _numbered(item, make, known)
            if is_whole(numbered[1]):
                kept[item["ID"]] = numbered
            found.append(numbered[1])
        self._known, self._watch = kept, watch
        return tuple(found)

    def reread(
        self, listed: Iterable[Mapping[str, Any]], make: Callable[[Mapping[str, Any]], T]
    ) -> tuple[T, ...]:
        """Return a part of the listing that was read again; the others stay known as they were."""
        found = {item["ID"]: _numbered(item, make, self._known) for item in listed}
        self._known |= found
        return tuple(made for _, made in found.values())


def _numbered(
    item: Mapping[str, Any],
    make: Callable[[Mapping[str, Any]], T],
    known: Mapping[str, tuple[int, T]],
) -> tuple[int, T]:
    version = item["Version"]["Index"]
    before = known.get(item["ID"])
    return before if before is not None and before[0] == version else (version, make(item))
