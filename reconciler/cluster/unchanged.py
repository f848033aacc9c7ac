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
            id_, version = item["ID"], item["Version"]["Index"]
            before = known.get(id_)
            if before is None or before[0] != version:
                before = (version, make(item))
            if is_whole(before[1]):
                kept[id_] = before
            found.append(before[1])
        self._known, self._watch = kept, watch
        return tuple(found)
