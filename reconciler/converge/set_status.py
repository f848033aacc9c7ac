"""A set's own status: how many of its executions are ready, who is missing and why.

Made from the status documents of its members and from what its document asks for, so that it says
nothing that these don't.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.converge.ledger import EndReason
from reconciler.converge.newest import newest
from reconciler.converge.runs import SCHEDULE, is_scheduled
from reconciler.converge.status import API_VERSION, Phase, SetName, set_of
from reconciler.manifest.spec import SetSummary

Document = Mapping[str, Any]

READY = frozenset({Phase.RUNNING, Phase.SUCCEEDED, Phase.SCHEDULED})
# What left the set, or made room for a higher run, isn't asked for any more.
_GONE = frozenset({EndReason.DELETED, EndReason.SUPERSEDED})


def members_of(documents: Iterable[Document]) -> Mapping[SetName, list[Document]]:
    """Return what stands for each execution of every set, by namespace and name.

    That is the newest run; where runs begin by themselves it is the one under way, if one is.
    """
    found: dict[SetName, dict[tuple[str, str], Document]] = defaultdict(dict)
    for document in newest(document for document in documents if set_of(document)):
        of_set, metadata = set_of(document), document["metadata"]
        if of_set is None or _is_gone(document):
            continue
        key = (metadata["namespace"], metadata["name"])
        is_over = "endedAt" in document["status"]
        template = found[of_set].get(key)
        is_run_of_its_own = is_scheduled(metadata["run"])
        if is_run_of_its_own and is_over and template is not None and _is_template(template):
            continue
        found[of_set][key] = document
    return {name: list(found[name].values()) for name in sorted(found)}


def _is_template(document: Document) -> bool:
    return bool(document["metadata"]["run"] == SCHEDULE)


def _is_gone(document: Document) -> bool:
    return document["status"].get("reason") in _GONE


def missing(members: Iterable[Document]) -> list[Document]:
    """Return those that aren't ready."""
    return [document for document in members if document["status"]["phase"] not in READY]


def sentence(members: Sequence[Document], total: int) -> str:
    """Return in a line how many are ready, and in which phases the others are."""
    phases = Counter(document["status"]["phase"] for document in members)
    ready = sum(phases[phase] for phase in READY)
    others = [f"{n} {phase}" for phase, n in sorted(phases.items()) if phase not in READY]
    if unknown := total - len(members):
        others.append(f"{unknown} refused" if unknown > 0 else "")
    told = ", ".join(filter(None, others))
    return f"{ready} of {total} ready" + (f"; {told}" if told else "")


def document(summary: SetSummary, members: Sequence[Document]) -> dict[str, Any]:
    """Return the status document of a set, as it is published: nothing volatile in it."""
    spec = summary.spec
    whose = {"namespace": spec.namespace} if spec.namespace else {}
    phases = Counter(document["status"]["phase"] for document in members)
    status = {
        "ready": sum(phases[phase] for phase in READY),
        "total": summary.total,
        "phases": dict(sorted(phases.items())),
        "missing": [_missing(document) for document in missing(members)],
        "refused": [
            {"namespace": namespace, "name": name, "message": message}
            for namespace, name, message in summary.refused
        ],
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "ExecutionSetStatus",
        "metadata": {**whose, "name": spec.name},
        "source": {"path": summary.path, "line": summary.line},
        "status": {key: value for key, value in status.items() if value != []},
    }


def _missing(document: Document) -> dict[str, str]:
    metadata, status = document["metadata"], document["status"]
    return {
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "phase": status["phase"],
        "reason": status.get("reason", ""),
    }
