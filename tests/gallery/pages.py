"""Every page of the gallery as a call, so that tests can change the views before they are drawn."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.view import queue_page
from reconciler.view.listing import Query
from tests.gallery import now, rules, then
from tests.gallery.people import NOW
from webhook.page import render
from webhook.page.render import Frame

QUERY = queue_page.Query(labels="course=aml")
FRAME = Frame(release="1.2.3", place="/queue", deployment="lab", freshness=now.STALE)
Drawn = Callable[[Frame, Any], str]

DRAWN: dict[str, tuple[Drawn, Any]] = {
    "glance": (render.glance, now.GLANCE),
    "executions": (lambda f, v: render.executions(f, v, Query(labels="a=b")), now.LISTING),
    "queue": (lambda f, v: render.queue(f, v, QUERY), queue_page.of(now.QUEUE)),
    "waiting": (lambda f, v: render.execution(f, v, NOW), now.WAITS),
    "running": (lambda f, v: render.execution(f, v, NOW), now.RUNS),
    "failed": (lambda f, v: render.execution(f, v, NOW), now.FAILED),
    "sets": (render.sets, rules.SETS),
    "set": (render.one_set, rules.SET),
    "namespaces": (render.namespaces, rules.NAMESPACES),
    "namespace": (render.namespace, rules.AML),
    "cluster": (render.cluster, now.CLUSTER),
    "history": (lambda f, v: render.history(f, v, "7d"), then.HISTORY),
    "usage": (lambda f, v: render.usage(f, v, "30d"), then.USAGE),
    "calendar": (render.calendar, then.CALENDAR),
    "commits": (render.commits, then.COMMITS),
    "commit": (render.commit, then.COMMIT_VIEW),
    "pulls": (render.pulls, then.PULLS),
    "pull": (render.pull, then.PULL),
    "zapps": (render.zapps, rules.CATALOGUE),
    "zapp": (render.zapp, rules.ZAPP),
    "reference": (lambda f, v: render.reference(f, v, v.kinds[0].kind), rules.REFERENCE),
    "missing": (lambda f, v: render.trouble(f, 404, v, suggestion="Did you mean aml?"), "not here"),
}


def draw(name: str, change: Callable[[str], str] = str) -> str:
    """Return a page, each string of its view changed first."""
    drawn, view = DRAWN[name]
    return drawn(changed(FRAME, change), changed(view, change))


def changed(value: Any, change: Callable[[str], str]) -> Any:
    """Return a view with all strings in it changed, also the keys of mappings."""
    match value:
        case str():
            return change(value)
        case Mapping():
            return {change(str(key)): changed(item, change) for key, item in value.items()}
        case tuple():
            return tuple(changed(item, change) for item in value)
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = [field.name for field in dataclasses.fields(value) if field.init]
            return dataclasses.replace(
                value, **{name: changed(getattr(value, name), change) for name in fields}
            )
        case _:
            return value
