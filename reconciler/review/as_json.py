"""A preview as the JSON that ``zoe plan -o json`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from policy.model.tenant import Amounts
from reconciler.manifest.diagnostic import Diagnostic, to_data
from reconciler.review.effects import Effect
from reconciler.review.preview import ExecutionPreview, Preview
from reconciler.review.quotas import QuotaChange, Use
from reconciler.review.rehearsal import Figures, Rehearsal
from reconciler.review.rules import RuleChanges


def to_json(
    found: Preview,
    *,
    base: str,
    head: str,
    diagnostics: Sequence[Diagnostic],
    taken_at: datetime | None = None,
) -> dict[str, Any]:
    """Return the whole of it. CPUs are thousandths, memory bytes, times RFC 3339 in UTC.

    ``taken_at`` is the time of the snapshot: what "now" means in the plan.
    """
    return {
        "snapshot": found.snapshot,
        "takenAt": _time(taken_at),
        "base": base,
        "head": head,
        "rules": _rules(found.rules),
        "errors": [to_data(d) for d in diagnostics if d.is_error],
        "warnings": [to_data(d) for d in diagnostics if not d.is_error],
        "actions": [_action(line) for line in found.lines],
        "sets": [{"name": change.name, "told": change.told} for change in found.sets],
        "effects": [_effect(effect) for effect in found.effects],
        "quotas": [_quota(change) for change in found.quotas],
        "rehearsal": None if found.rehearsal is None else _rehearsal(found.rehearsal),
    }


def _rules(changes: RuleChanges) -> dict[str, Any]:
    return {"changed": list(changes.paths), "judgedBy": "head" if changes.is_first else "base"}


def _action(line: ExecutionPreview) -> dict[str, Any]:
    return {
        "uid": line.uid,
        "namespace": line.namespace,
        "name": line.name,
        "set": line.of_set,
        "action": str(line.action),
        "generation": line.generation,
        "core": line.core,
        "elastic": line.elastic,
        "position": line.position,
        "start": {"at": _time(line.start_at), "basis": line.start_basis},
        "reason": line.reason,
        "leaves": line.leaves,
        "changes": [
            {"path": change.path, "before": change.before, "after": change.after}
            for change in line.changes
        ],
    }


def _effect(effect: Effect) -> dict[str, Any]:
    return {
        "uid": effect.uid,
        "namespace": effect.namespace,
        "name": effect.name,
        "effect": str(effect.kind),
        "replicas": effect.replicas,
        "start": {"before": _time(effect.before), "after": _time(effect.after)},
        "told": effect.told,
    }


def _quota(change: QuotaChange) -> dict[str, Any]:
    return {
        "namespace": change.namespace,
        "before": _use(change.before),
        "after": _use(change.after),
        "guaranteed": _amounts(change.guaranteed),
        "maximum": _amounts(change.maximum),
        "maximumExecutions": change.maximum_executions,
    }


def _rehearsal(found: Rehearsal) -> dict[str, Any]:
    return {
        "runs": found.runs,
        "leftOut": found.left_out,
        "told": found.told,
        "moved": [
            {
                "namespace": moved.namespace,
                "runs": moved.runs,
                "before": _figures(moved.before),
                "after": _figures(moved.after),
            }
            for moved in found.moved
        ],
    }


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "wait": {"medianMs": figures.median_wait_ms, "p95Ms": figures.p95_wait_ms},
        "turnaround": {
            "medianMs": figures.median_turnaround_ms,
            "p95Ms": figures.p95_turnaround_ms,
        },
        "neverStarted": figures.never,
    }


def _use(use: Use) -> dict[str, Any]:
    return {"amounts": _amounts(use.amounts), "executions": use.executions}


def _amounts(amounts: Amounts) -> dict[str, int]:
    return dict(amounts)


def _time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
