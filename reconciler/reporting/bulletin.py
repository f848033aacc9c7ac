"""What an accepted commit says beside its executions, as documents for people (``records.Board``).

Everything is listed by what may be told: a field that is added to a type isn't told before it is
written here. Left out are paths, addresses, keys, credentials, and whatever names them (image
rules, notification targets, selectors of nodes).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from policy.model.resources import Resources
from policy.settings import PolicySettings
from reconciler import canonical
from reconciler.manifest.catalogue import Catalogue
from reconciler.manifest.diagnostic import Diagnostic
from reconciler.manifest.platform import Namespace, Platform, Reservation, ZAppSummary
from reconciler.manifest.spec import Manifest, Schedule, SetSummary, Window

MOST_PROBLEMS = 500
FILE_BYTES = 65_536
"""What a README or a logo may have at most."""

Read = Callable[[str], bytes | None]
"""Returns a file of the commit by its path; None where it isn't there, or is too large."""

_PNG = b"\x89PNG\r\n\x1a\n"
_SVG = re.compile(rb"\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<svg[\s>]", re.DOTALL)
_DESCRIPTION_CHARS = 300
_NO_PROSE = ("#", "!", "[", "<", "|", "```", "- ", "* ", ">")
_WHERE = frozenset({"headroom", "node_selector"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspaces:
    """Where workspaces are: the same everywhere, else by namespace the host name of its node."""

    is_shared: bool = False
    nodes: Mapping[str, str] = field(default_factory=dict)


NOWHERE_YET = Workspaces()


def boards(
    catalogue: Catalogue,
    read: Read,
    workspaces: Workspaces = NOWHERE_YET,
    *,
    others: Iterable[Manifest] = (),
    sets_of_others: Iterable[SetSummary] = (),
    problems_of_others: Sequence[Diagnostic] = (),
) -> dict[str, Any]:
    """Return the documents of a commit by the fields of ``Board``.

    ``others`` are the executions that tenants' sources add, with their sets and what is wrong.
    """
    manifests = [*catalogue.manifests, *others]
    return {
        "problems": problems([*catalogue.diagnostics, *problems_of_others]),
        "namespaces": {n.name: namespace(n, workspaces) for n in catalogue.namespaces.values()},
        "zapps": {z.name: zapp(z, read) for z in catalogue.zapps},
        "platform": platform(catalogue.platform),
        "reservations": [reservation(r) for _, r in sorted(catalogue.reservations.items())],
        "recurrences": [recurrence(m, m.schedule) for m in manifests if m.schedule],
        "sets": [execution_set(found) for found in (*catalogue.sets, *sets_of_others)],
    }


def problems(diagnostics: Sequence[Diagnostic]) -> list[dict[str, Any]]:
    """Return problems, errors first; the text of manifests isn't repeated."""
    ordered = sorted(diagnostics, key=lambda d: not d.is_error)
    return [
        {
            "path": d.file,
            "line": d.line,
            "column": d.column,
            "code": d.code,
            "message": d.message,
            "remedy": d.remedy,
            "severity": str(d.severity),
        }
        for d in ordered[:MOST_PROBLEMS]
    ]


def namespace(told: Namespace, workspaces: Workspaces = NOWHERE_YET) -> dict[str, Any]:
    """Return what a namespace may hold, who belongs to it (by name), and where its workspace is."""
    node = "" if workspaces.is_shared else workspaces.nodes.get(told.name, "")
    return {
        "guaranteed": dict(told.guaranteed),
        "maximum": dict(told.maximum),
        "weight": told.weight,
        "cohort": told.cohort,
        "members": sorted({member.name for member in told.members}),
        "maximumExecutions": told.maximum_executions,
        "maximumLifetimeMs": told.maximum_lifetime_ms,
        "page": {"logs": told.shows_logs},
        "workspace": {"isShared": workspaces.is_shared, "node": node},
        "isCurrent": told.is_current,
    }


def platform(told: Platform) -> dict[str, Any]:
    """Return the rules in force for everybody."""
    return {
        "policy": _policy(told.policy),
        "priorities": [
            {
                "name": c.name,
                "value": c.value,
                "preemptible": c.preemptible,
                "filler": c.filler,
            }
            for c in told.priority_classes
        ],
        "headroom": _amounts(told.headroom),
        "defaultReservations": _amounts(told.default_reservations),
        "defaultLifetimeMs": told.default_lifetime_ms,
        "maximumLifetimeMs": told.maximum_lifetime_ms,
        "maximumReplicas": told.maximum_replicas,
        "publishedPorts": list(told.published_ports),
        "startTimeoutMs": told.start_timeout_ms,
        "suspend": told.suspend,
        "changeWindows": [_window(window) for window in told.change_windows],
        "requiresSignatures": told.trust.is_required,
        "isCurrent": told.is_current,
    }


def reservation(told: Reservation) -> dict[str, Any]:
    """Return what is kept, when, and for whom."""
    return {
        "name": told.name,
        "window": _window(told.window),
        "slots": told.slots,
        "slot": _amounts(told.slot),
        "namespaces": list(told.namespaces),
        "isCurrent": told.is_current,
    }


def recurrence(manifest: Manifest, schedule: Schedule) -> dict[str, Any]:
    """Return when a manifest is run again and again."""
    return {
        "namespace": manifest.namespace,
        "name": manifest.name,
        "cron": schedule.cron,
        "timezone": schedule.timezone,
        "overlap": str(schedule.overlap),
        "startDeadlineMs": schedule.start_deadline_ms,
        "keep": schedule.keep,
        "suspend": manifest.suspend,
    }


def execution_set(told: SetSummary) -> dict[str, Any]:
    """Return how many a set asks for, how they go together, and which items can't be."""
    return {
        "namespace": told.spec.namespace,
        "name": told.spec.name,
        "path": told.path,
        "line": told.line,
        "total": told.total,
        "parallel": told.spec.parallel,
        "maxFailed": told.spec.max_failed,
        "staggerMs": told.spec.stagger_ms,
        "repeats": told.spec.repeats,
        "refused": [
            {"namespace": namespace, "name": name, "message": message}
            for namespace, name, message in told.refused
        ],
    }


def zapp(told: ZAppSummary, read: Read) -> dict[str, Any]:
    """Return an entry of the catalogue, with what lies beside its document."""
    folder = told.path.rpartition("/")[0]
    readme = (read(f"{folder}/README.md") or b"").decode(errors="replace")
    found: dict[str, Any] = {
        "title": told.title,
        "description": description(readme),
        "type": told.type,
        "path": told.path,
        "parameters": _plain(told.parameters),
        "parameterNames": list(told.parameters),
        "readme": readme,
    }
    for name in ("logo.svg", "logo.png"):
        data = read(f"{folder}/{name}")
        if data is not None and (media := media_type(data)):
            found["logo"] = {"type": media, "data": base64.b64encode(data).decode()}
            break
    return found


def media_type(data: bytes) -> str:
    """Return what an image is by its content; "" for what isn't shown."""
    if data.startswith(_PNG):
        return "image/png"
    return "image/svg+xml" if _SVG.match(data) else ""


def description(readme: str) -> str:
    """Return the first paragraph of prose of a README, on one line."""
    for paragraph in re.split(r"\n\s*\n", readme.replace("\r\n", "\n")):
        text = " ".join(paragraph.split())
        if text and not text.startswith(_NO_PROSE):
            is_long = len(text) > _DESCRIPTION_CHARS
            return text[: _DESCRIPTION_CHARS - 1] + "…" if is_long else text
    return ""


def _plain(value: Any) -> Any:
    """Return what a manifest says as JSON data; a number that is no integer as it was written."""
    match value:
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case None | bool() | int() | str():
            return value
        case _:
            return str(getattr(value, "text", value))


def _policy(settings: PolicySettings) -> dict[str, Any]:
    """Return the policy with every setting that is no place, also those at their default."""
    names = [name for name in settings.__dataclass_fields__ if name not in _WHERE]
    return {name: canonical.to_data(getattr(settings, name)) for name in names}


def _amounts(resources: Resources) -> Mapping[str, int]:
    return {
        "cpu": resources.cpu_millis,
        "memory": resources.memory_bytes,
        **dict(resources.generic),
    }


def _window(window: Window) -> dict[str, Any]:
    return {
        "start": window.start.isoformat() if window.start else None,
        "durationMs": window.duration_ms,
        "cron": window.cron,
        "timezone": window.timezone,
    }
