"""PURE: from logs that are looked at again and again to lines that are each printed once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from reconciler.view.execution import Log


@dataclass(slots=True, kw_only=True)
class Lines:
    """Remembers what was printed of each part; ``component`` "" = of all."""

    component: str
    tail: int
    _seen: dict[tuple[str, str, int], list[str]] = field(default_factory=dict)

    def chosen(self, logs: Iterable[Log]) -> list[Log]:
        """Return those of the component that is wanted."""
        return [log for log in logs if self.component in ("", log.component)]

    def new(self, logs: Iterable[Log]) -> Iterator[str]:
        """Yield the lines that weren't there before, with their component if there are several."""
        mine = self.chosen(logs)
        prefixes = _prefixes(mine)
        for log in mine:
            lines = log.text.splitlines()[-self.tail :]
            place = (log.component, log.node, log.attempt)
            if log.attempt and place not in self._seen:
                # What ended had been running: its last lines may have been printed as that.
                before = self._seen.pop((log.component, log.node, 0), [])
            else:
                before = self._seen.get(place, [])
            self._seen[place] = lines
            prefix = prefixes[log.component, log.node]
            yield from (f"{prefix}{line}" for line in added(before, lines))


def added(before: Sequence[str], after: Sequence[str]) -> Sequence[str]:
    """Return the lines of ``after`` that follow the last ones of ``before``, if it goes on there.

    Both are ends of the same text, the second taken later.
    """
    for length in range(min(len(before), len(after)), 0, -1):
        if list(before[-length:]) == list(after[:length]):
            return after[length:]
    return after


def _prefixes(logs: Sequence[Log]) -> dict[tuple[str, str], str]:
    """Return what tells parts apart: components if there are several, nodes where needed.

    Attempts of one component follow one another, wherever they ran: nothing to tell apart.
    """
    nodes: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for log in logs:
        nodes[log.component, log.attempt].add(log.node)
    several = {component for (component, _), found in nodes.items() if len(found) > 1}
    is_one = len({log.component for log in logs}) == 1
    return {
        (log.component, log.node): _prefix(
            log, with_node=log.component in several, is_needed=not is_one
        )
        for log in logs
    }


def _prefix(log: Log, *, with_node: bool, is_needed: bool) -> str:
    if with_node:
        return f"{log.component} on {log.node} | "
    return f"{log.component} | " if is_needed else ""
