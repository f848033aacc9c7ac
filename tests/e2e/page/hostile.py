"""Text that tries to be more than text, and how it gets into every row that holds text.

What validation lets through is committed; into the rows of a copied database goes all of it, also
what today's validation refuses: the page must not depend on that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

MARK = "zoealien"
"""In the name of an element or attribute this can only have come from data."""
LINES = (
    f"<{MARK} {MARK}=1 onclick=alert(1)>",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    f'"><svg/onload=alert(1) {MARK}="',
    f"' onmouseover=alert(1) {MARK}='",
    "</title></textarea></style></script></pre><h1>",
    "<!-- ]]> --!>",
    "javascript:alert(1)",
    "[x](javascript:alert(1)) ![x](https://elsewhere.example/x.png) <https://elsewhere.example/>",
    "{{ 7 * 7 }} {% raw %} ${{ secrets }}",
    "&lt;b&gt; &#x3c;b&#x3e; %3Cb%3E",
    "%0d%0aSet-Cookie:a=b",
)
LOGGED = " ".join(line for line in LINES if "{{" not in line)
PRINTABLE = " ".join(LINES)
ACTING = "\u202egnp.exe\u202c \u2066x \u200b \u2028 \x1b[2J\x1b]0;owned\x07 \x08\x08 \x7f \x9b31m"
LONG = "w" * 600
ALL = f"{PRINTABLE} {ACTING} {LONG}"
HARMLESS = "nothing but well-known words"
"""With one hyphen, as in the others: such a word is kept on one line by an element of ours."""

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "events": ("message",),
    "commits": ("author", "message", "told", "signer"),
    "harvests": ("error", "log_tail"),
    "tails": ("text",),
    "ledger": ("said_by", "told"),
    "pulse": ("problem",),
    "intervals": ("zapp",),
}
_DOCUMENTS: Mapping[str, tuple[str, ...]] = {
    "executions": ("status",),
    "boards": ("document",),
    "intervals": ("labels",),
}
_FREE = frozenset(
    ("message", "error", "image", "title", "description", "readme", "author", "told", "remedy")
)
_PLAN = (
    "INSERT INTO posted_plans (source_id, subject, pull, head, base, tree, plan, body, merged_as,"
    " is_agreed, differences, at)"
    " VALUES ('platform', 'pull/7', 7, %s, %s, %s, %s, %s, '', true, %s, now())"
)


def fill(database: str, text: str) -> None:
    """Add a text to everything that somebody else wrote, in all rows that pages are made of."""
    with psycopg.connect(database) as connection:
        # A copy may forget what its triggers guard: facts are never changed.
        connection.execute("SET session_replication_role = replica")
        for table, columns in _COLUMNS.items():
            for column in columns:
                _add(connection, table, column, text)
        for table, columns in _DOCUMENTS.items():
            for column in columns:
                _rewrite(connection, table, column, text)
        # Nobody works on a copy: from the start, and not from some page on, that is told, with why.
        connection.execute("UPDATE pulse SET at = at - interval '1 hour'")
        commit, plan = "a" * 40, Jsonb({"told": text})
        connection.execute(_PLAN, (commit, commit, commit, plan, text, Jsonb([text])))


def _add(connection: psycopg.Connection, table: str, column: str, text: str) -> None:
    statement = sql.SQL("UPDATE {} SET {column} = coalesce({column}, '') || ' ' || %s")
    connection.execute(
        statement.format(sql.Identifier(table), column=sql.Identifier(column)), (text,)
    )


def _rewrite(connection: psycopg.Connection, table: str, column: str, text: str) -> None:
    names = {"table": sql.Identifier(table), "column": sql.Identifier(column)}
    rows = connection.execute(sql.SQL("SELECT ctid, {column} FROM {table}").format(**names))
    update = sql.SQL("UPDATE {table} SET {column} = %s WHERE ctid = %s").format(**names)
    for place, document in rows.fetchall():
        connection.execute(update, (Jsonb(filled(document, text)), place))


def filled(document: Any, text: str, *, is_free: bool = False) -> Any:
    """Return a document with the text added to all that people write, labels too."""
    match document:
        case dict():
            return {
                key: filled(
                    value, text, is_free=key in _FREE or (is_free and key not in ("path", "code"))
                )
                if key != "labels"
                else _labels(value, text)
                for key, value in document.items()
            }
        case list():
            return [filled(item, text, is_free=is_free) for item in document]
        case str() if is_free:
            return f"{document} {text}"
        case _:
            return document


def _labels(labels: Any, text: str) -> Any:
    if isinstance(labels, dict):
        return {key: f"{value} {text}" for key, value in labels.items()}
    return labels
