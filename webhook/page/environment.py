"""The one Jinja environment: everything is escaped, and what is missing is an error."""

from __future__ import annotations

from functools import cache
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from webhook.page import addresses, looks, markdown, svg, text

PLACES = (
    (
        "Now",
        (("/", "Now"), ("/executions", "Executions"), ("/queue", "Queue"), ("/cluster", "Cluster")),
    ),
    ("People", (("/namespaces", "Namespaces"), ("/sets", "Sets"))),
    ("Time", (("/calendar", "Calendar"), ("/history", "History"), ("/usage", "Usage"))),
    ("Git", (("/commits", "Commits"), ("/pulls", "Pulls"))),
    ("Write", (("/zapps", "ZApps"), ("/reference", "Reference"))),
)
"""All pages, in the groups in which the head and foot of each page name them."""


@cache
def environment() -> Environment:
    """Return the environment; templates are compiled once in a process."""
    made = Environment(
        loader=PackageLoader("webhook.page"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=text.finalized,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "abroad": addresses.abroad,
        "amount": text.amount,
        "brief": _brief,
        "by_state": looks.by_state,
        "count": text.count,
        "dimmed": Markup('<span class="dim">{}</span>').format,
        "few": text.few,
        "own": text.own,
        "posted": markdown.posted,
        "readme": markdown.readme,
        "short": text.short,
        "size": text.size,
        "span": text.span,
        "told": text.told,
        "when": text.when,
    }
    made.globals |= {
        "anchor": addresses.anchor,
        "bar": svg.bar,
        "between": text.between,
        "blocks": svg.blocks,
        "course": svg.course,
        "course_told": svg.course_told,
        "gauge": svg.gauge,
        "known_states": looks.STATES,
        "looks": looks.LOOKS,
        "path": addresses.path,
        "places": PLACES,
        "plot": svg.plot,
        "share_told": svg.share_told,
    }
    return made


def _brief(url: str) -> str:
    """Return an address as short as it can be told: its host and port."""
    try:
        return urlsplit(url).netloc or url
    except ValueError:
        return url
