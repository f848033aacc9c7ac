"""What is pushed in a round, and what must become of it. Pure.

Mixed on purpose: batches that write down each of their starts, notebooks, gangs, elastic
executions and sets. What stands and a round's own work are some fifty executions; every round
takes what the last one had started away.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.e2e.manifests import (
    FOREVER,
    WORKSPACE,
    batch,
    execution,
    namespace,
    path,
    service,
)

NAMESPACE = "aml"
STARTS = "echo $ZOE_EXECUTION >>/work/ran && exec sleep 1"
# How often each batch wrote, where that isn't once, and how many wrote at all.
COUNT = (
    'sort /work/ran | uniq -c | awk \'{n++; if ($1 > 1) print "twice", $2, $1} '
    'END {print "all", n}\''
)
BOOKS, GANGS, ELASTIC, SPREAD = 22, 5, 5, 4
"""How many executions stand: alone, of two services, with replicas to spare, in one set."""
BATCHES, SWEPT, NEW_BOOKS = 4, 4, 2
"""How many come with each round beside a gang, an elastic one, and one in another namespace."""
EXTRA = "extra"
"""The component whose replicas may come and go."""
_GANG = {"server": service(), "client": service()}
_ELASTIC = {"main": service(), EXTRA: service(replicas={"core": 0, "max": 2})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """A change, and the phase by namespace/name that each of its executions must come to."""

    files: Mapping[str, str | None]
    expected: Mapping[str, str]
    batches: frozenset[str] = field(default_factory=frozenset)
    """Those that write down their starts."""


def standing() -> Burst:
    """Return what runs all the time, and must never be touched."""
    alone = {f"standing-{n}": execution(f"standing-{n}") for n in range(BOOKS)}
    alone |= {f"standing-gang-{n}": execution(f"standing-gang-{n}", _GANG) for n in range(GANGS)}
    names = [f"standing-elastic-{n}" for n in range(ELASTIC)]
    alone |= {name: execution(name, _ELASTIC) for name in names}
    spread = [f"standing-set-{n}" for n in range(SPREAD)]
    return Burst(
        files={
            "platform.yaml": json.dumps(
                {"apiVersion": "zoe/v1", "kind": "Platform", "metadata": {"name": "platform"}}
            ),
            f"namespaces/{NAMESPACE}.yaml": namespace(NAMESPACE),
            **{path(name): text for name, text in alone.items()},
            path("standing-set"): _set("standing-set", SPREAD, FOREVER, type_="interactive"),
            path("first"): batch("first", STARTS, **WORKSPACE),
        },
        expected=_told([*alone, *spread], "Running") | _told(["first"], "Succeeded"),
        batches=frozenset({"first"}),
    )


def burst(number: int, *, takes_away: int | None = None) -> Burst:
    """Return the change of a round, which takes away what that round had started."""
    batches = _batches(number)
    alone = _alone(number)
    swept, own = f"set-{number}", f"team-{number}"
    files: dict[str, str | None] = {
        **{path(name): batch(name, STARTS, **WORKSPACE) for name in batches},
        **{path(name): text for name, text in alone.items()},
        path(swept): _set(swept, SWEPT, "exec sleep 1"),
        f"namespaces/{own}.yaml": namespace(own),
        path("book", own): execution("book"),
    }
    expected = _told(list(alone), "Running") | {f"{own}/book": "Running"}
    expected |= _told([*batches, *(f"{swept}-{n}" for n in range(SWEPT))], "Succeeded")
    if takes_away is not None:
        expected |= _told(list(_alone(takes_away)), "Stopped")
        expected[f"team-{takes_away}/book"] = "Stopped"
        files |= _gone(takes_away)
    return Burst(files=files, expected=expected, batches=frozenset(batches))


def _batches(number: int) -> list[str]:
    return [f"batch-{number}-{n}" for n in range(BATCHES)]


def _alone(number: int) -> dict[str, str]:
    """Return what a round starts that stays until the next one, by name."""
    books = {f"book-{number}-{n}": execution(f"book-{number}-{n}") for n in range(NEW_BOOKS)}
    gang, elastic = f"gang-{number}", f"elastic-{number}"
    return books | {gang: execution(gang, _GANG), elastic: execution(elastic, _ELASTIC)}


def reader(number: int) -> Burst:
    """Return a batch that prints how often the others started."""
    name = f"reader-{number}"
    return Burst(
        files={path(name): batch(name, COUNT, **WORKSPACE)}, expected=_told([name], "Succeeded")
    )


def _gone(number: int) -> dict[str, str | None]:
    """Return the deletion of what a round had started, its namespace and its network too."""
    own = f"team-{number}"
    mine = [path(name) for name in (*_alone(number), *_batches(number), f"set-{number}")]
    return dict.fromkeys([*mine, f"namespaces/{own}.yaml", path("book", own)])


def _set(name: str, count: int, line: str, *, type_: str = "batch") -> str:
    template = {"type": type_, "services": {"main": service(line)}}
    spec = {"items": {"from": 0, "to": count - 1}, "template": {"spec": template}}
    document = {
        "apiVersion": "zoe/v1",
        "kind": "ExecutionSet",
        "metadata": {"name": name},
        "spec": spec,
    }
    return json.dumps(document)


def _told(names: list[str], phase: str) -> dict[str, str]:
    return {f"{NAMESPACE}/{name}": phase for name in names}
