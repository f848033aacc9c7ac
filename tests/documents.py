"""Status documents in a few words, as views are made from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from policy.model.execution import Uid
from reconciler.view.picture import Picture

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
EARLIER = "2026-11-22T12:00:00+00:00"
COMMIT = "c" * 40


def told(
    name: str,
    phase: str,
    reason: str = "",
    message: str = "",
    *,
    run: int = 1,
    labels: Mapping[str, str] | None = None,
    held: tuple[str, str] | None = None,
    conditions: Iterable[Mapping[str, str]] = (),
    **body: Any,
) -> dict[str, Any]:
    """Return the document of NAMESPACE/NAME; ``held`` is (reason, message) of that condition."""
    namespace, _, own = name.partition("/")
    found = list(conditions)
    if held is not None:
        found.append(condition("Held", held[0], held[1]))
    status = {"phase": phase, "reason": reason or phase, "message": message, "conditions": found}
    return {
        "apiVersion": "zoe.status/v1",
        "metadata": {
            "namespace": namespace,
            "name": own,
            "uid": f"{name}:{run}",
            "run": run,
            "generation": 1,
            "labels": dict(labels or {}),
        },
        "source": {
            "id": "platform",
            "path": f"executions/{name}.yaml",
            "line": 3,
            "commit": COMMIT,
            "author": "Ada",
            "committedAt": EARLIER,
        },
        "status": {
            key: value for key, value in {**status, **body}.items() if value not in ("", [])
        },
    }


def condition(type_: str, reason: str, message: str = "", status: str = "True") -> dict[str, str]:
    made = {"type": type_, "status": status, "reason": reason, "message": message}
    return {**made, "lastTransitionTime": EARLIER}


def component(name: str, core: int, elastic: int, granted: int, **more: Any) -> dict[str, Any]:
    made = {"name": name, "core": core, "elastic": elastic, "granted": granted}
    return {**made, "running": granted, "restarts": 0, "nodes": ["n1"], **more}


def picture(*documents: Mapping[str, Any], **fields: Any) -> Picture:
    by_uid = {Uid(document["metadata"]["uid"]): document for document in documents}
    return Picture(read_at=NOW, documents=by_uid, **fields)
