"""Named claims about an execution, each with a reason, a sentence, and since when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from reconciler.converge.edits import is_outdated, is_refused
from reconciler.converge.ledger import HELD_BY_OPERATOR
from reconciler.converge.phases import Facts
from reconciler.converge.status import Condition, Phase, Status


def conditions_of(
    facts: Facts, status: Status, *, previous: Mapping[str, Any] | None, now: datetime
) -> tuple[Condition, ...]:
    """Return the conditions of a status that has none yet; one that says the same keeps its time.

    Args:
        facts: What is known.
        status: With the phase and its sentence.
        previous: The last status document.
        now: The time of this pass.
    """
    return with_times(_conditions(facts, status), previous, now)


def _conditions(facts: Facts, status: Status) -> list[Condition]:
    """Return the conditions; those that are only told when true are left out otherwise."""
    conditions = [_ready(status), _validated(facts), _admitted(facts, status), _published(facts)]
    if facts.record.attempt_open:
        is_up = status.phase is Phase.RUNNING
        conditions.append(
            Condition(
                type="Healthy",
                status="True" if is_up else "False",
                reason="CoreUp" if is_up else "CoreMissing",
                message=status.message,
            )
        )
        conditions.append(_elastic(facts, status))
    conditions += _abnormal(facts, status)
    return conditions


def _ready(status: Status) -> Condition:
    value = {
        Phase.RUNNING: "True",
        Phase.SUCCEEDED: "True",
        Phase.SCHEDULED: "True",
        Phase.FAILED: "False",
        Phase.STOPPED: "False",
        Phase.INVALID: "False",
    }.get(status.phase, "Unknown")
    return Condition(type="Ready", status=value, reason=status.reason, message=status.message)


def _validated(facts: Facts) -> Condition:
    manifest = facts.manifest
    if manifest is None or (manifest.is_current and manifest.spec is not None):
        return Condition(type="Validated", status="True", reason="Valid")
    message = "its newest version is invalid; the last good one stays in force"
    return Condition(type="Validated", status="False", reason="ManifestInvalid", message=message)


def _admitted(facts: Facts, status: Status) -> Condition:
    if facts.record.attempt_open:
        return Condition(type="Admitted", status="True", reason="Admitted")
    if facts.record.is_final:
        return Condition(type="Admitted", status="False", reason="Ended")
    return Condition(type="Admitted", status="False", reason=status.reason, message=status.message)


def _published(facts: Facts) -> Condition:
    """True also while its news only waits for its turn: that would change with every push."""
    if facts.unpublished:
        told = facts.unpublished
        return Condition(type="StatusPublished", status="False", reason="PushFailed", message=told)
    return Condition(type="StatusPublished", status="True", reason="Published")


def _elastic(facts: Facts, status: Status) -> Condition:
    granted = sum(part.granted - min(part.core, part.granted) for part in status.components)
    wanted = sum(part.elastic for part in status.components)
    if granted >= wanted:
        return Condition(type="ElasticSatisfied", status="True", reason="AtMax")
    why = {
        "NoRoom": "more as room comes free",
        "CoolingDown": "it gave some up lately; no new ones for a while",
        "EndsSoon": "no new ones before it ends",
        HELD_BY_OPERATOR: "no new ones while it is held",
    }[facts.growth]
    message = f"{granted} of {wanted} elastic replicas granted: {why}"
    return Condition(type="ElasticSatisfied", status="False", reason=facts.growth, message=message)


def _abnormal(facts: Facts, status: Status) -> list[Condition]:
    found: list[Condition] = []
    record, manifest, spec = facts.record, facts.manifest, facts.spec
    if manifest is not None and is_outdated(record, manifest, spec):
        message = "its ZApp or Platform changed since it was admitted; the next run follows"
        found.append(_true("Outdated", "ZAppChanged", message))
    if (held := _held(facts)) is not None:
        found.append(held)
    if any(group.service.is_drifted for group in facts.groups):
        found.append(_true("Drifted", "ChangedByHand", "a service was changed by hand"))
    if facts.idle_soon is not None:
        found.append(_true("IdleSoon", "NobodyUsesIt", facts.idle_soon.sentence))
    if facts.idle_unknown:
        told = f"it can't be told whether it is used ({facts.idle_unknown}), so idle doesn't end it"
        found.append(_true("IdleUnknown", "ProbeFailed", told))
    if facts.silent and record.attempt_open:
        more = f" ({len(facts.silent) - 1} more)" if len(facts.silent) > 1 else ""
        told = f"{facts.silent[0]}; see zoe logs {facts.namespace}/{facts.name}{more}"
        found.append(_true("PortSilent", "NothingListens", told))
    if status.phase in (Phase.PENDING, Phase.QUEUED, Phase.STARTING, Phase.TERMINATING):
        found.append(_true("Reconciling", status.reason, status.message))
    elif (stuck := _stuck(facts)) is not None and record.attempt_open:
        found.append(_true("Reconciling", *stuck))
    if status.phase is Phase.FAILED:
        found.append(_true("Stalled", status.reason, status.message))
    return found


def _stuck(facts: Facts) -> tuple[str, str] | None:
    """Return why what runs can't be brought to what is wanted, if it can't."""
    if facts.failures:
        return "ActionFailed", f"{facts.failures[0]}; it is tried again, later each time"
    return next((note for note in facts.notes if note[0] == "NameConflict"), None)


def _held(facts: Facts) -> Condition | None:
    """Return the most lasting reason: a type of condition is told once."""
    record, manifest = facts.record, facts.manifest
    if facts.held is not None:
        return _true("Held", *facts.held)
    if facts.hold is not None:
        return _true("Held", HELD_BY_OPERATOR, facts.hold.sentence)
    if record.is_update_held:
        told = f"generation {record.generation} failed; {record.good_generation} stays in force"
        return _true("Held", "UpdateFailed", told)
    if manifest is not None and is_refused(record, manifest, facts.spec):
        message = "an edit of what has started needs a higher run"
        return _true("Held", "RunMustRise", message)
    return None


def _true(type_: str, reason: str, message: str) -> Condition:
    return Condition(type=type_, status="True", reason=reason, message=message)


def with_times(
    conditions: Sequence[Condition], previous: Mapping[str, Any] | None, now: datetime
) -> tuple[Condition, ...]:
    """Return them with the time since which each has had its status and reason."""
    before = {c["type"]: c for c in ((previous or {}).get("status", {})).get("conditions", [])}
    timed = []
    for condition in conditions:
        last = before.get(condition.type)
        same = last is not None and (last["status"], last["reason"]) == (
            condition.status,
            condition.reason,
        )
        timed.append(_since(condition, last["lastTransitionTime"] if last and same else now))
    return tuple(timed)


@lru_cache(maxsize=512)
def _since(condition: Condition, at: datetime | str) -> Condition:
    """Return it with its time; those that came about together are one object."""
    if isinstance(at, str):
        at = datetime.fromisoformat(at)
    return replace(condition, last_transition_at=at)
