"""Objects of one kind by id, with names that are unique whatever their case."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from reconciler.errors import NameTaken


class Named(Protocol):
    """What has an id and a name."""

    @property
    def id(self) -> str:
        """Return the id, never used twice."""

    @property
    def name(self) -> str:
        """Return the name."""


T = TypeVar("T", bound=Named)


class Shelf(Generic[T]):
    """A kind's objects in the order of their creation."""

    def __init__(self) -> None:
        self._items: dict[str, T] = {}
        self._ids: dict[str, str] = {}

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._items.values()))

    def check_free(self, name: str) -> None:
        """Raise NameTaken if an object has that name."""
        if name.lower() in self._ids:
            raise NameTaken(f"name conflicts with an existing object: {name} already exists")

    def put(self, item: T) -> None:
        """Add an object whose name was found free."""
        self._items[item.id] = item
        self._ids[item.name.lower()] = item.id

    def get(self, id_: str) -> T | None:
        """Return the object of that id."""
        return self._items.get(id_)

    def name_of(self, id_: str) -> str:
        """Return the object's name, or the id itself where it is gone."""
        item = self._items.get(id_)
        return id_ if item is None else item.name

    def named(self, name: str) -> T | None:
        """Return the object of exactly that name."""
        item = self._items.get(self._ids.get(name.lower(), ""))
        return item if item is not None and item.name == name else None

    def drop(self, id_: str) -> None:
        """Take an object away; its name is free again."""
        item = self._items.pop(id_)
        del self._ids[item.name.lower()]
