"""When results came to be, and when they were stored: asked of the engine and of the database.

Neither is taken from what ``zoe`` says. The engine stamps the ends of tasks; PostgreSQL stamps
its commits, where it is told to (:func:`keep_commit_times`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import psycopg

from tests.fixtures.postgres import PostgresCluster
from tests.safety.history import Effect, Kind

Json = dict[str, Any]
Stored = Mapping[tuple[str, int, str], int]
"""When the result of a component's attempt was committed, by uid, attempt and component."""

_ENDED = frozenset({"complete", "failed"})
_STORED = """
SELECT harvests.uid, harvests.attempt, harvests.component,
       (extract(epoch FROM min(pg_xact_commit_timestamp(ledger.xmin))) * 1000)::bigint
FROM ledger JOIN harvests ON harvests.uid = ledger.uid AND harvests.attempt = ledger.attempt
WHERE ledger.fact = 'attempt_ended'
GROUP BY harvests.uid, harvests.attempt, harvests.component
"""


def ends(services: Iterable[Json], tasks: Iterable[Json]) -> dict[str, int]:
    """Return when those services came to their end that run once, by id, in milliseconds."""
    newest: dict[str, dict[int, Json]] = defaultdict(dict)
    for task in sorted(tasks, key=lambda task: str(task["CreatedAt"])):
        newest[task["ServiceID"]][task.get("Slot", 0)] = task
    found = {}
    for service in services:
        slots = newest[service["ID"]].values()
        states = [task["Status"]["State"] for task in slots]
        is_over = len(states) >= _replicas(service) > 0 and _ENDED.issuperset(states)
        if is_over and _runs_once(service["Spec"]):
            found[service["ID"]] = max(stamp(task["Status"]["Timestamp"]) for task in slots)
    return found


def keep_commit_times(postgres: PostgresCluster) -> None:
    """Have a server write down when each transaction was committed."""
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET track_commit_timestamp = on")
    postgres.stop(immediate=False)
    postgres.start()


def stored(url: str) -> Stored:
    """Return when results were committed together with the end of their attempt."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(_STORED).fetchall()
    return {(uid, attempt, component): at for uid, attempt, component, at in rows}


def stores(creations: Iterable[Effect], found: Stored) -> list[Effect]:
    """Return the storing of each service's result."""
    return [
        replace(effect, kind=Kind.STORE, at=found[key], epoch=0)
        for effect in creations
        if (key := (effect.uid, effect.attempt, effect.component)) in found
    ]


def stamp(text: str) -> int:
    """Return an engine's time in milliseconds."""
    return int(datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00").timestamp() * 1000)


def _runs_once(spec: Json) -> bool:
    policy = spec["TaskTemplate"].get("RestartPolicy") or {}
    return bool(policy.get("Condition") == "none")


def _replicas(service: Json) -> int:
    return int(service["Spec"]["Mode"].get("Replicated", {}).get("Replicas", 0))
