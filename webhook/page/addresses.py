"""Where links lead: to our own pages, or to http(s) addresses that we made ourselves."""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit


def path(*segments: object, **query: object) -> str:
    """Return the path of one of our pages; what is empty in the query is left out.

    Segments are escaped whole, so that a name can't lead anywhere else.
    """
    address = "/" + "/".join(_segment(str(segment)) for segment in segments)
    given = {key: str(value) for key, value in query.items() if value not in ("", None, False)}
    return f"{address}?{urlencode(given, errors='replace')}" if given else address


def _segment(text: str) -> str:
    # A browser resolves these before it asks, even when they are written %2e.
    return quote(text, safe="", errors="replace") if text.strip(".") else "-"


def execution(full_name: str, run: int = 0) -> str:
    """Return the page of NAMESPACE/NAME."""
    namespace, _, name = full_name.partition("/")
    return path("executions", namespace, name, run=run or "")


def abroad(url: str) -> str:
    """Return an address if it may be a link: http or https, of a host, in plain characters."""
    if not url.isascii() or any(mark <= " " or mark == "\x7f" for mark in url):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname else ""


def anchor(*parts: str) -> str:
    """Return an id that stays the same for the same thing, whatever stands in its name."""
    return "-".join(quote(part, safe="", errors="replace").replace("%", "_") for part in parts)
