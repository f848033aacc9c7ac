"""The policy that platform.yaml chooses, and its parameters.

A parameter that the chosen policy doesn't use is an error: who wrote it expects an effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from policy.rank import rules_of
from policy.settings import Policy, PolicySettings, Score, SizeRule
from reconciler.manifest import quantities
from reconciler.manifest.build import Builder, bound
from reconciler.manifest.diagnostic import Complaint, Path, Problem

_PATH: Path = ("spec", "policy")
_DEFAULT = PolicySettings()

_EVERY = frozenset(Policy)
_RULES = {policy: rules_of(PolicySettings(policy=policy)) for policy in Policy}
_ELASTIC = frozenset(policy for policy in Policy if not _RULES[policy].is_rigid)
_TAKING = frozenset(policy for policy in Policy if _RULES[policy].takes_elastic)
_PASSING = frozenset(policy for policy in Policy if _RULES[policy].skips)
_AGEING = frozenset(policy for policy in Policy if _RULES[policy].ages)
_SHARING = frozenset(policy for policy in Policy if _RULES[policy].shares)
_SIZE = frozenset({Policy.SIZE_FLEXIBLE})

USED_BY: Mapping[str, frozenset[Policy]] = {
    "ageing": _AGEING,
    "interactiveShare": _SHARING,
    "halfLife": _SHARING,
    "entryPenalty": _SHARING,
    "size": _SIZE,
    "dimensions": _SIZE,
    "preemptElastic": _SIZE,
    "score": _EVERY,
    "minimumGrant": _TAKING,
    "regrowAfter": _ELASTIC,
    "slack": _TAKING,
    "minimumGain": _TAKING,
    "reservationLead": _EVERY,
    "backfillDepth": _PASSING,
}
"""Which policies use a parameter of platform.yaml."""


def build_policy(value: str | Mapping[str, Any], builder: Builder) -> PolicySettings:
    """Return the settings that a name, or a mapping with parameters, says.

    Headroom and node selector are the platform's own. Problems are left in ``builder``.
    """
    if isinstance(value, str):
        return PolicySettings(policy=Policy(value))
    policy = Policy(value.get("name", _DEFAULT.policy))
    builder.problems += _unused(value, policy)

    def duration(key: str, default: int) -> int:
        if key not in value:
            return default
        return builder.measured(quantities.duration_ms, value[key], (*_PATH, key), default)

    return PolicySettings(
        policy=policy,
        size=SizeRule(value.get("size", _DEFAULT.size)),
        dimensions=value.get("dimensions", _DEFAULT.dimensions),
        preempts_elastic=value.get("preemptElastic", _DEFAULT.preempts_elastic),
        score=Score(value.get("score", _DEFAULT.score)),
        ageing_ms=duration("ageing", _DEFAULT.ageing_ms),
        interactive_permille=_permille(value, "interactiveShare", _DEFAULT.interactive_permille),
        half_life_ms=bound(value, "halfLife", builder, _PATH) or _DEFAULT.half_life_ms,
        entry_penalty_ms=duration("entryPenalty", _DEFAULT.entry_penalty_ms),
        grant_ms=duration("minimumGrant", _DEFAULT.grant_ms),
        regrow_ms=duration("regrowAfter", _DEFAULT.regrow_ms),
        slack_permille=_permille(value, "slack", _DEFAULT.slack_permille),
        gain_permille=_permille(value, "minimumGain", _DEFAULT.gain_permille),
        reservation_lead_ms=duration("reservationLead", _DEFAULT.reservation_lead_ms),
        backfill_depth=value.get("backfillDepth", _DEFAULT.backfill_depth),
    )


def _permille(value: Mapping[str, Any], key: str, default: int) -> int:
    return int(value[key]) * 10 if key in value else default


def _unused(value: Mapping[str, Any], policy: Policy) -> Iterator[Problem]:
    for key in value:
        users = USED_BY.get(key, _EVERY)
        if policy not in users:
            names = [name for name in Policy if name in users]
            message = f"the policy {policy} doesn't use {key}: it is for {', '.join(names)}"
            remedy = f"remove it, or write name: {names[-1]}"
            complaint = Complaint("UnusedParameter", message, remedy)
            yield complaint.at((*_PATH, key), at_key=True)
    if "minimumGrant" in value and not value.get("preemptElastic", True):
        message = "without preemptElastic no grant ends early"
        complaint = Complaint("UnusedParameter", message, "remove minimumGrant")
        yield complaint.at((*_PATH, "minimumGrant"), at_key=True)
