"""What is pushed in a round, and what must become of it. Pure.

Mixed on purpose: batches that write down each of their starts, notebooks, gangs and sets; every
round takes the last one's notebook and gang away.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.e2e.manifests import WORKSPACE, batch, execution, namespace, path, service

NAMESPACE = "aml"
STARTS = "echo $ZOE_EXECUTION >>/work/ran && exec sleep 1"
# How often each batch wrote, where that isn't once, and how many wrote at all.
COUNT = (
    'sort /work/ran | uniq -c | awk \'{n++; if ($1 > 1) print "twice", $2, $1} '
    'END {print "all", n}\''
)
STANDING = 8
_GANG = {"server": service(), "client": service()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """A change, and the phase by namespace/name that each of its executions must come to."""

    files: Mapping[str, str | None]
    expected: Mapping[str, str]
    batches: frozenset[str] = field(default_factory=frozenset)
    """Those that write down their starts."""


def standing() -> Burst:
    """Return what runs all the time, and must never be touched."""
    books = {f"standing-{n}": execution(f"standing-{n}") for n in range(STANDING)}
    gangs = {f"standing-gang-{n}": execution(f"standing-gang-{n}", _GANG) for n in range(2)}
    return Burst(
        files={
            "platform.yaml": json.dumps(
                {"apiVersion": "zoe/v1", "kind": "Platform", "metadata": {"name": "platform"}}
            ),
            f"namespaces/{NAMESPACE}.yaml": namespace(NAMESPACE),
            **{path(name): text for name, text in (books | gangs).items()},
            path("first"): batch("first", STARTS, **WORKSPACE),
        },
        expected=_told([*books, *gangs], "Running") | _told(["first"], "Succeeded"),
        batches=frozenset({"first"}),
    )


def burst(number: int, *, takes_away: int | None = None) -> Burst:
    """Return the change of a round, which takes away what that round had started."""
    batches = [f"batch-{number}-{n}" for n in range(2)]
    book, gang, swept = f"book-{number}", f"gang-{number}", f"set-{number}"
    own = f"team-{number}"
    files: dict[str, str | None] = {
        **{path(name): batch(name, STARTS, **WORKSPACE) for name in batches},
        path(book): execution(book),
        path(gang): execution(gang, _GANG),
        path(swept): _set(swept),
        f"namespaces/{own}.yaml": namespace(own),
        path("book", own): execution("book"),
    }
    expected = _told([book, gang], "Running") | {f"{own}/book": "Running"}
    expected |= _told([*batches, f"{swept}-0", f"{swept}-1"], "Succeeded")
    if takes_away is not None:
        expected |= _told([f"book-{takes_away}", f"gang-{takes_away}"], "Stopped")
        expected[f"team-{takes_away}/book"] = "Stopped"
        files |= _gone(takes_away)
    return Burst(files=files, expected=expected, batches=frozenset(batches))


def reader(number: int) -> Burst:
    """Return a batch that prints how often the others started."""
    name = f"reader-{number}"
    return Burst(
        files={path(name): batch(name, COUNT, **WORKSPACE)}, expected=_told([name], "Succeeded")
    )


def _gone(number: int) -> dict[str, str | None]:
    """Return the deletion of what a round had started, its namespace and its network too."""
    own = f"team-{number}"
    mine = [path(f"{kind}-{number}") for kind in ("book", "gang", "set")]
    mine += [path(f"batch-{number}-{n}") for n in range(2)]
    return dict.fromkeys([*mine, f"namespaces/{own}.yaml", path("book", own)])


def _set(name: str) -> str:
    template = {"type": "batch", "services": {"main": service("exec sleep 1")}}
    spec = {"items": {"from": 0, "to": 1}, "template": {"spec": template}}
    document = {
        "apiVersion": "zoe/v1",
        "kind": "ExecutionSet",
        "metadata": {"name": name},
        "spec": spec,
    }
    return json.dumps(document)


def _told(names: list[str], phase: str) -> dict[str, str]:
    return {f"{NAMESPACE}/{name}": phase for name in names}
