"""Which runs a name, a namespace and a set have: kept, so that who asks needn't look at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from policy.model.execution import Uid
from reconciler.converge.status import SetName


class _Place(NamedTuple):
    namespace: str
    name: str
    of_set: SetName | None


class RunsByName:
    """The runs with a status document. Answers are in the order in which they first came."""

    def __init__(self) -> None:
        self._places: dict[Uid, _Place] = {}
        self._numbers: dict[Uid, int] = {}
        self._next = 0
        self._of_name: dict[tuple[str, str], tuple[Uid, ...]] = {}
        """Not sets: hardly any name has more than a few."""
        self._in_namespace: dict[str, set[Uid]] = defaultdict(set)
        self._in_set: dict[SetName, set[Uid]] = defaultdict(set)
        self._in_folder: dict[str, set[Uid]] = defaultdict(set)

    def __eq__(self, other: object) -> bool:
        """Tell whether the same runs are in the same places, in whichever order they came."""
        return isinstance(other, RunsByName) and self._places == other._places

    __hash__ = None  # type: ignore[assignment]  # it changes

    def put(self, uid: Uid, namespace: str, name: str, of_set: SetName | None) -> None:
        """Take up a run, or what it is by now."""
        place = _Place(namespace, name, of_set)
        if self._places.get(uid) == place:
            return
        number = self._numbers.get(uid, self._next)
        self.drop(uid)
        self._next = max(self._next, number + 1)
        self._numbers[uid], self._places[uid] = number, place
        whole = (place.namespace, place.name)
        self._of_name[whole] = (*self._of_name.get(whole, ()), uid)
        self._in_namespace[place.namespace].add(uid)
        self._in_folder[uid[:2]].add(uid)
        if place.of_set is not None:
            self._in_set[place.of_set].add(uid)

    def drop(self, uid: Uid) -> None:
        """Forget a run, if it is there."""
        place = self._places.pop(uid, None)
        if place is None:
            return
        del self._numbers[uid]
        whole = (place.namespace, place.name)
        self._of_name[whole] = tuple(one for one in self._of_name[whole] if one != uid)
        if not self._of_name[whole]:
            del self._of_name[whole]
        _take(self._in_namespace, place.namespace, uid)
        _take(self._in_folder, uid[:2], uid)
        if place.of_set is not None:
            _take(self._in_set, place.of_set, uid)

    def of_name(self, namespace: str, name: str) -> list[Uid]:
        """Return the runs of a name."""
        return self._ordered(self._of_name.get((namespace, name), ()))

    def in_namespace(self, namespace: str) -> list[Uid]:
        """Return the runs in a namespace."""
        return self._ordered(self._in_namespace.get(namespace, ()))

    def beside_set(self, of_set: SetName) -> list[Uid]:
        """Return all runs of the names of which one is in a set."""
        names = {self._places[uid][:2] for uid in self._in_set.get(of_set, ())}
        return self._ordered(uid for name in names for uid in self._of_name[name])

    def in_folder(self, folder: str) -> list[Uid]:
        """Return the runs whose uids begin with two digits."""
        return self._ordered(self._in_folder.get(folder, ()))

    def _ordered(self, uids: Iterable[Uid]) -> list[Uid]:
        return sorted(uids, key=self._numbers.__getitem__)


def _take(of: dict[Any, set[Uid]], key: object, uid: Uid) -> None:
    """Take a run away, and the set with it when it was the last: keys come and go for years."""
    of[key].discard(uid)
    if not of[key]:
        del of[key]
