"""How to decide: the policy and its parameters, each with its unit and effect.

The defaults are those of ``platform.yaml`` (schema/v1, docs/scheduling.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from policy.model.execution import Constraint
from policy.model.resources import NOTHING, Resources

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


class Policy(StrEnum):
    """The rule by which executions start, and elastic replicas come and go."""

    FIFO = "fifo"
    EASY = "easy"
    FIFO_MALLEABLE = "fifo-malleable"
    FIFO_FLEXIBLE = "fifo-flexible"
    SIZE_FLEXIBLE = "size-flexible"
    LAS_FLEXIBLE = "las-flexible"
    FAIR = "fair"


class SizeRule(StrEnum):
    """What ``size-flexible`` sorts by."""

    SJF = "SJF"
    SRPT = "SRPT"
    HRRN = "HRRN"


class Score(StrEnum):
    """Which of the nodes that can take a core replica gets it."""

    BINPACK = "binpack"
    SPREAD = "spread"
    LEAST_WASTE = "least-waste"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySettings:
    """Everything a decision depends on but the snapshot. Times are milliseconds.

    Attributes:
        policy: The rule.
        size: With ``size-flexible``: shortest job, shortest remaining time, or highest response
            ratio first.
        dimensions: With ``size-flexible``: 1 = time, 2 = time x replicas, 3 = time x replicas x
            CPU x memory.
        preempts_elastic: With ``size-flexible``: whether who ranks higher takes elastic replicas
            from those who rank lower, and starts although the cluster is full of them.
        score: Where core replicas go.
        headroom: What stays free on every node.
        node_selector: Only nodes that meet all of these take executions.
        ageing_ms: With ``fair``: who has waited longer than this is served next, in order of
            arrival, and what it needs is kept for it.
        interactive_permille: With ``fair``: interactive executions go first as long as their
            cores hold less than this share of the cluster.
        half_life_ms: With ``fair``: how long until use counts half.
        entry_penalty_ms: With ``fair``: a start counts as this much time of its core at once, so
            that many small executions don't pass one large one for free.
        grant_ms: How long an elastic replica stays at least, unless a core or a higher priority
            class needs its room.
        regrow_ms: How long an execution that had to give elastic replicas back gets no new ones.
        slack_permille: An execution that had to give elastic replicas back grows again only as
            far as this share of the cluster stays free, so that the next newcomer needn't take;
            after twelve times ``regrow_ms`` in peace it takes all again.
        gain_permille: One that runs takes elastic replicas from others only if those that it
            misses would speed it up by this much.
        reservation_lead_ms: How long before a reservation's window its capacity is cleared.
        backfill_depth: How many waiting executions are tried behind one that doesn't fit.
    """

    policy: Policy = Policy.FAIR
    size: SizeRule = SizeRule.SRPT
    dimensions: int = 1
    preempts_elastic: bool = True
    score: Score = Score.BINPACK
    headroom: Resources = NOTHING
    node_selector: tuple[Constraint, ...] = ()
    ageing_ms: int = 24 * HOUR_MS
    interactive_permille: int = 500
    half_life_ms: int = 24 * HOUR_MS
    entry_penalty_ms: int = MINUTE_MS
    grant_ms: int = MINUTE_MS
    regrow_ms: int = 30 * MINUTE_MS
    slack_permille: int = 100
    gain_permille: int = 500
    reservation_lead_ms: int = 2 * MINUTE_MS
    backfill_depth: int = 100
