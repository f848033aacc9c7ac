"""What the nodes' agents tell of an execution's containers, compared with what they told before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from policy.model.execution import Uid
from reconciler.agent.server import MOST_CONTAINERS, PATH
from reconciler.converge.consumption import Consumed, Container, Look, is_use
from reconciler.probes.asking import NotUnderstood, asking, data_of

PURPOSE = "agent"
"""What their token is derived as, from the installation's key."""

NONE_OFFERED = (
    "no agent tells what its containers consume: the operator deploys them (docs/idle.md), or ask "
    "by another type of probe"
)
NONE_UP = "none of its containers is up"


@dataclass(slots=True)
class Agents:
    """The agents of all nodes; ``port`` 0 = there are none."""

    port: int = 0
    token: str = field(default="", repr=False)
    _looks: dict[Uid, Look] = field(default_factory=dict)

    def last_use(self, uid: Uid, containers: Sequence[Container]) -> timedelta | None:
        """Return 0 if it was used since it was asked about the last time, else None.

        Raises:
            NotUnderstood: It isn't known: of one of its containers nothing was learned.
        """
        if not self.port:
            raise NotUnderstood(NONE_OFFERED)
        if not containers:
            raise NotUnderstood(NONE_UP)
        # An answer that is missing between two leaves a gap; that is for who asks to judge.
        after = self._look(containers)
        before, self._looks[uid] = self._looks.get(uid, {}), after
        return timedelta(0) if is_use(before, after) else None

    def forget(self, uids: Iterable[Uid]) -> None:
        """Drop what is known of executions that aren't asked about any more."""
        for uid in uids:
            self._looks.pop(uid, None)

    def _look(self, containers: Sequence[Container]) -> Look:
        by_node: dict[str, list[str]] = defaultdict(list)
        for container in containers:
            by_node[container.address].append(container.id)
        found: dict[str, Consumed] = {}
        for address, ids in by_node.items():
            for first in range(0, len(ids), MOST_CONTAINERS):
                found |= self._asked(address, ids[first : first + MOST_CONTAINERS])
        return found

    def _asked(self, address: str, ids: Sequence[str]) -> Look:
        ask = asking(address, self.port, token=self.token, scheme="Bearer")
        data = data_of(ask(f"{PATH}?{urlencode([('container', id_) for id_ in ids])}"), PATH)
        try:
            return {id_: _consumed(data["at_us"], data["containers"][id_]) for id_ in ids}
        except (KeyError, TypeError) as error:
            raise NotUnderstood("the agent of its node knows nothing of its container") from error


def _consumed(at_us: Any, told: Mapping[str, Any]) -> Consumed:
    numbers = (at_us, told["cpu_us"], told["network_bytes"])
    if not all(type(number) is int for number in numbers):
        raise TypeError(numbers)
    return Consumed(at_us=numbers[0], cpu_us=numbers[1], network_bytes=numbers[2])
