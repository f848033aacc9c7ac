"""Where an execution stands in the queue, and why: its key in words, part by part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from policy.model.cluster import Snapshot
from policy.model.execution import ApplicationType, EstimateBasis, Execution
from policy.model.tenant import Tenant
from policy.rank import Key, rules_of
from policy.settings import Policy, PolicySettings
from policy.share import dominant_share
from policy.words import format_duration, format_share


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One part of a key, in the order in which they count: smaller values go first."""

    name: str
    value: int
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """Somebody who waits and is served earlier; ``because`` says what puts it ahead."""

    uid: str
    name: str
    because: str


RULES: Mapping[Policy, str] = {
    Policy.FIFO: "in order of arrival, with elastic replicas counting as core",
    Policy.EASY: "in order of arrival; what delays nobody at the head may pass",
    Policy.FIFO_MALLEABLE: "in order of arrival, with the core alone",
    Policy.FIFO_FLEXIBLE: "in order of arrival; elastic replicas yield to cores",
    Policy.SIZE_FLEXIBLE: "the smallest first; elastic replicas yield to cores",
    Policy.LAS_FLEXIBLE: "who has had the least service so far first",
    Policy.FAIR: (
        "who has waited for too long first, then priority, people before batch, "
        "namespaces that used little, small before large"
    ),
}
"""Each policy's rule in a sentence. Under all of them a higher priority goes first."""

_AHEAD_BY: Mapping[str, str] = {
    "filler": "it isn't a filler",
    "aged": "it has waited for longer than anybody should",
    "priority": "its priority is higher",
    "borrowing": "its namespace is within its guarantee",
    "interactive": "somebody waits in front of it",
    "share": "its namespace used less lately",
    "size": "it has less to do",
    "queued": "it came earlier",
    "arrival": "it came earlier",
}


def factors(
    execution: Execution,
    key: Key,
    snapshot: Snapshot,
    settings: PolicySettings,
    capacity: Mapping[str, int],
) -> tuple[Factor, ...]:
    """Return what decides an execution's place, in the order in which it counts.

    Last, with ``fair``, comes when it will be served next whatever its rank.
    """
    tell = _Words(execution, snapshot, settings, capacity)
    tier, _ = key
    names = _names(settings)
    # The tier of one that has aged says nothing more: order of arrival decides.
    is_aged = rules_of(settings).ages and tier[1] == 0
    shown = names[:2] if is_aged else names
    found = [
        Factor(name=name, value=value, told=told)
        for name, value in zip(shown, tier, strict=False)
        if (told := tell.words(name, value))
    ]
    found.append(Factor(name="arrival", value=execution.queued_ms, told=tell.arrival()))
    # That it hasn't aged says nothing of its place now, so it is told last.
    found.sort(key=lambda factor: factor.name == "aged" and factor.value > 0)
    return tuple(found)


def ahead_because(mine: Key, other: Key, settings: PolicySettings) -> str:
    """Return the first part of the key that puts ``other`` ahead, in words."""
    if other > mine:  # it is behind by rank, but those who can never start are passed
        return "it can start, which this one can't"
    names = _names(settings)
    for name, my_part, other_part in zip(names, mine[0], other[0], strict=False):
        if my_part != other_part:
            return _AHEAD_BY[name]
    return _AHEAD_BY["arrival"]


def _names(settings: PolicySettings) -> Sequence[str]:
    """Return what the parts of a waiting execution's tier are (``rank.Ranking``)."""
    match settings.policy:
        case Policy.FAIR:
            return ("filler", "aged", "priority", "borrowing", "interactive", "share", "size")
        case Policy.SIZE_FLEXIBLE if not settings.preempts_elastic:
            return ("filler", "priority", "waiting", "size")
        case Policy.SIZE_FLEXIBLE | Policy.LAS_FLEXIBLE:
            return ("filler", "priority", "size")
        case Policy.FIFO_FLEXIBLE:
            return ("filler", "priority", "queued")
        case Policy.FIFO | Policy.EASY | Policy.FIFO_MALLEABLE:
            return ("filler", "priority")


class _Words:
    """The parts of one execution's key as sentences; "" where one says nothing."""

    def __init__(
        self,
        execution: Execution,
        snapshot: Snapshot,
        settings: PolicySettings,
        capacity: Mapping[str, int],
    ) -> None:
        self._execution, self._snapshot, self._settings = execution, snapshot, settings
        self._capacity = capacity

    def words(self, name: str, value: int) -> str:
        """Return a part as a sentence."""
        tell: Callable[[int], str] | None = {
            "filler": self._filler,
            "aged": self._aged,
            "priority": self._priority,
            "borrowing": self._borrowing,
            "interactive": self._interactive,
            "share": self._share,
            "size": self._size,
        }.get(name)
        return tell(value) if tell else ""

    def arrival(self) -> str:
        """Return what decides where all else is equal."""
        waited_ms = self._snapshot.now_ms - self._execution.queued_ms
        return f"waits for {format_duration(waited_ms)}"

    def _filler(self, value: int) -> str:
        return "is a filler: runs only in what everybody else leaves" if value else ""

    def _aged(self, value: int) -> str:
        limit = format_duration(self._settings.ageing_ms)
        if not value:
            return f"has waited for more than {limit}: is served next, and room is kept for it"
        left_ms = self._execution.queued_ms + self._settings.ageing_ms - self._snapshot.now_ms
        if self._execution.is_filler:
            return ""
        left = format_duration(left_ms)
        return f"is served next, whatever its rank, in {left} (after {limit} of waiting)"

    def _priority(self, value: int) -> str:
        return f"priority {-value}"

    def _borrowing(self, value: int) -> str:
        if not any(tenant.guaranteed for tenant in self._snapshot.tenants):
            return ""
        namespace = self._execution.namespace
        if value:
            return f"with it namespace {namespace} would use more than it is guaranteed"
        return f"namespace {namespace} is within what it is guaranteed"

    def _interactive(self, value: int) -> str:
        if self._execution.type is not ApplicationType.INTERACTIVE:
            return "isn't interactive: those go first"
        if not value:
            return "is interactive: goes first"
        share = format_share(self._settings.interactive_permille * 1000)
        return f"is interactive, but those hold {share} of the cluster already"

    def _share(self, _value: int) -> str:
        tenants = {tenant.name: tenant for tenant in self._snapshot.tenants}
        tenant = tenants.get(self._execution.namespace, Tenant(name=""))
        share = dominant_share(
            tenant.usage,
            self._capacity,
            half_life_ms=self._settings.half_life_ms,
            weight=tenant.weight,
        )
        weight = f" (weight {tenant.weight})" if tenant.weight != 1 else ""
        used = format_share(share) + " of the cluster" if share else "nothing"
        return f"namespace {self._execution.namespace} used {used} lately{weight}"

    def _size(self, _value: int) -> str:
        now_ms = self._snapshot.now_ms
        estimate, had_ms = self._execution.estimate, self._execution.attained_ms(now_ms)
        if self._settings.policy is Policy.LAS_FLEXIBLE or estimate is None:
            known = "" if estimate else "nothing is known of how long it runs; "
            return f"{known}has had {format_duration(had_ms)} of service so far"
        left = f"takes about {format_duration(self._execution.remaining_ms(now_ms))}"
        match estimate.basis:
            case EstimateBasis.HINT:
                return f"{left}, its author says"
            case EstimateBasis.HISTORY:
                runs = "1 earlier run" if estimate.samples == 1 else f"{estimate.samples} runs"
                return f"{left}, by its history of {runs}"
            case _:
                return left
