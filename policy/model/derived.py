"""Values that are worked out of an object when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

T = TypeVar("T")


class derived(Generic[T]):
    """A property that is worked out once, and then is an attribute like any other.

    As ``functools.cached_property`` without its lock, which took most of the time and is gone from
    Python 3.12 on: two threads that ask at once both work it out, and come to the same. The
    object needs a ``__dict__``.
    """

    def __init__(self, work: Callable[[Any], T]) -> None:
        self._work = work
        self._name = work.__name__
        self.__doc__ = work.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object | None, owner: type) -> Self | T:
        """Work it out, and keep it where the next one finds it without asking us."""
        if instance is None:
            return self
        found = instance.__dict__[self._name] = self._work(instance)
        return found
