"""What goes onto the status branch: paths, canonical YAML of statuses, tables for people.

Nothing volatile, so that an unchanged world gives byte-equal files and no commit.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.converge import block_yaml
from reconciler.converge.runs import is_scheduled
from reconciler.converge.status import published

_OF_ONE_RUN = re.compile(r"ledger/.+|status/[^/]+/[^/]+/[^/.]+\.[0-9]+\.yaml")
_OF_SET = re.compile(r"status/(?:[^/]+/)?_sets/[^/]+\.yaml")
_SYMBOLS = {
    "Running": "🟢",
    "Succeeded": "✅",
    "Failed": "🔴",
    "Invalid": "❌",
    "Queued": "⏳",
    "Starting": "🔵",
    "Pending": "⏳",
    "Stopped": "⚪",
    "Suspended": "⏸",
    "Terminating": "🔵",
    "Scheduled": "🕒",
    "Unknown": "❔",
}


def status_path(namespace: str, name: str, run: int = 1) -> str:
    """Return a sharded path: forges don't like folders of thousands of files.

    The runs that an author counts share one file; each run of a schedule has its own beside the
    schedule's (a name holds no dot).
    """
    shard = hashlib.sha256(name.encode()).hexdigest()[:2]
    own = f".{run}" if is_scheduled(run) else ""
    return f"status/{namespace}/{shard}/{name}{own}.yaml"


def ledger_path(uid: str) -> str:
    """Return where one run's facts are mirrored."""
    return f"ledger/{uid[:2]}/{uid}.yaml"


def is_of_one_run(path: str) -> bool:
    """Tell whether a published file is about a single run, so that it goes with that."""
    return _OF_ONE_RUN.fullmatch(path) is not None


def readme_path(namespace: str) -> str:
    """Return the table that a forge shows when it opens the folder."""
    return f"status/{namespace}/README.md"


def set_path(namespace: str, name: str) -> str:
    """Return where a set's own status is; no namespace, and no shard, has such a name."""
    return f"status/{namespace}/_sets/{name}.yaml" if namespace else f"status/_sets/{name}.yaml"


def is_of_set(path: str) -> bool:
    """Tell whether a published file is the status of a set."""
    return _OF_SET.fullmatch(path) is not None


SNAPSHOT_PATH = "cluster/snapshot.yaml"

_MOST_ROWS = 500
"""Of a table: forges cut longer ones short, and each push would send all of it again."""


def status_file(document: Mapping[str, Any]) -> bytes:
    """Return a status document as it is published."""
    return dump(published(document))


def readme_file(namespace: str, documents: Iterable[Mapping[str, Any]]) -> bytes:
    """Return a table of a namespace's executions, newest trouble first, up to a bound."""
    rows = sorted(documents, key=_trouble_first)
    more = len(rows) - _MOST_ROWS
    lines = [
        f"# {namespace}",
        "",
        "| | execution | phase | reason | run | since |",
        "|---|---|---|---|---|---|",
        *(_row(document) for document in rows[:_MOST_ROWS]),
        "",
        *([f"And {more} more, each with a file in one of the folders.", ""] if more > 0 else []),
        "Written by Zoe; edits are overwritten.",
        "",
    ]
    return "\n".join(lines).encode()


def dump(data: Mapping[str, Any]) -> bytes:
    """Return canonical YAML: sorted keys, LF, block style, ASCII only."""
    return block_yaml.dump(data).encode()


def _trouble_first(document: Mapping[str, Any]) -> tuple[int, str]:
    order = ["Invalid", "Failed", "Unknown", "Terminating", "Starting", "Running", "Queued"]
    phase = document["status"]["phase"]
    rank = order.index(phase) if phase in order else len(order)
    return (rank, document["metadata"]["name"])


def _row(document: Mapping[str, Any]) -> str:
    metadata, status = document["metadata"], document["status"]
    since = (
        status.get("nextRunAt")
        or status.get("endedAt")
        or status.get("startedAt")
        or status.get("queuedAt")
        or ""
    )
    phase = status["phase"]
    name, run = metadata["name"], metadata["run"]
    link = status_path(metadata["namespace"], name, run).split("/", 2)[2]
    return (
        f"| {_SYMBOLS.get(phase, '')} | [{name}]({link}) | {phase} | {status.get('reason', '')} "
        f"| {status.get('dueAt') or run} | {since} |"
    )
