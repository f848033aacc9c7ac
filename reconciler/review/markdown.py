"""A preview as the comment of a pull request: the verdict first, then who is touched, then why.

What authors wrote is data here: it can't make markup, links or mentions of anybody.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape

from reconciler.manifest.diagnostic import Diagnostic
from reconciler.review.effects import Effect
from reconciler.review.preview import ActionKind, ExecutionPreview, Preview
from reconciler.review.quotas import QuotaChange
from reconciler.review.rehearsal import Rehearsal
from reconciler.review.rules import RuleChanges
from reconciler.review.sets import Group, SetChange, grouped

MARKER = "<!-- zoe:plan -->"
"""Tells our comment from others."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069]+")
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|~>-])")
# Forges look for #12, !12, GH-12 and their like in what was made of the text: a backslash is gone
# by then. Each makes a link, and a note on what it names, in whatever repository.
_REFERENCE = re.compile(r"([#!$%~]|&amp;|\bGH\\-)(?=[0-9])", re.IGNORECASE)
_LONGEST = 300


def to_markdown(
    found: Preview,
    *,
    base: str,
    head: str,
    diagnostics: Sequence[Diagnostic],
    taken_at: datetime | None,
) -> str:
    """Return the comment. The same preview gives the same text."""
    errors = [d for d in diagnostics if d.is_error]
    warnings = [d for d in diagnostics if not d.is_error]
    groups = grouped(found.lines)
    parts = [
        MARKER,
        f"### {verdict(found, errors)}",
        *_rules(found.rules),
        *_problems("Errors", errors),
        *_sets(found.sets),
        *_table(groups),
        *_effects(found.effects),
        *_quotas(found.quotas),
        *_rehearsal(found.rehearsal),
        *_problems("Warnings", warnings),
        *_details(groups),
    ]
    body = "\n\n".join(parts)
    digest = hashlib.sha256(body.encode()).hexdigest()[:12]
    return f"{body}\n\n{_footer(found, base, head, taken_at)} Plan `{digest}`.\n"


def verdict(found: Preview, errors: Sequence[Diagnostic]) -> str:
    """Return what it comes to, in one line: the description of the commit status too."""
    disturbed = {effect.uid for effect in found.effects}
    return summary([line.action for line in found.lines], len(errors), len(disturbed))


def summary(actions: Sequence[str], errors: int, disturbed: int) -> str:
    """Return in one line what so many actions (``ActionKind``), errors and effects come to."""
    counts = {kind: actions.count(kind) for kind in ActionKind}
    told = [f"{count} {_VERBS[kind]}" for kind, count in counts.items() if count]
    told += [f"{errors} error{'s' if errors > 1 else ''}"] if errors else []
    told += [f"{disturbed} other{'s' if disturbed > 1 else ''} affected"] if disturbed else []
    return ", ".join(told) or "no execution changes"


_VERBS = {
    ActionKind.CREATE: "created",
    ActionKind.IN_PLACE: "changed in place",
    ActionKind.ROLLING: "updated",
    ActionKind.REPLACE: "replaced",
    ActionKind.STOP: "stopped",
    ActionKind.REFUSED: "refused",
    ActionKind.HELD: "held",
    ActionKind.OUTDATED: "outdated",
}


def _rules(changes: RuleChanges) -> Iterator[str]:
    if changes.told:
        yield f"**Rules**: {_text(changes.told)}."


def _sets(changes: Sequence[SetChange]) -> Iterator[str]:
    if changes:
        yield "**Sets**\n\n" + "\n".join(f"- {_code(c.name)}: {_text(c.told)}" for c in changes)


def _table(groups: Sequence[Group]) -> Iterator[str]:
    if groups:
        rows = "\n".join(_row(group) for group in groups)
        yield (
            "| execution | what happens | core + elastic | queue | starts | why |\n"
            f"|---|---|---|---|---|---|\n{rows}"
        )


def _row(group: Group) -> str:
    line = group.first
    core = sum(each.core for each in group.lines)
    elastic = sum(each.elastic for each in group.lines)
    cells = (
        _code(group.name),
        str(line.action),
        f"{core} + {elastic}" if core or elastic else "",
        _queue(group),
        _start(line),
        _text(group.reason),
    )
    return f"| {' | '.join(cells)} |"


def _queue(group: Group) -> str:
    if group.positions is None:
        return ""
    first, last = group.positions
    return f"number {first} to {last}" if last > first else f"number {first}"


def _start(line: ExecutionPreview) -> str:
    if line.start_at is None or not line.position:
        return _text(line.start_basis)
    return f"about {_time(line.start_at)}, by {_text(line.start_basis)}"


def _effects(effects: Sequence[Effect]) -> Iterator[str]:
    if effects:
        told = [f"- {_code(f'{e.namespace}/{e.name}')} {_text(e.told)}" for e in effects]
        yield "**Others**\n\n" + "\n".join(told)


def _quotas(quotas: Sequence[QuotaChange]) -> Iterator[str]:
    if quotas:
        yield "**Quota**\n\n" + "\n".join(
            f"- namespace {_code(quota.namespace)}: {_text(quota.told)}" for quota in quotas
        )


def _rehearsal(found: Rehearsal | None) -> Iterator[str]:
    if found is not None:
        yield f"**The new rules**, {_text(found.told)}" + "".join(
            f"\n- {_code(f'namespace {moved.namespace}') if moved.namespace else 'all'}: "
            f"{_text(moved.told)}"
            for moved in found.moved
        )


def _problems(title: str, diagnostics: Sequence[Diagnostic]) -> Iterator[str]:
    if diagnostics:
        told = [
            f"- {_code(f'{d.file}:{d.line}:{d.column}' if d.line else d.file)} {_text(d.message)}"
            + (f". {_text(d.remedy)}" if d.remedy else "")
            for d in diagnostics
        ]
        yield f"**{title}**\n\n" + "\n".join(told)


def _details(groups: Sequence[Group]) -> Iterator[str]:
    for group in groups:
        line = group.first
        if line.changes:
            count = len(line.changes)
            rows = "\n".join(
                f"| {_code(c.path)} | {_code(c.before)} | {_code(c.after)} |" for c in line.changes
            )
            name = f"{line.namespace}/{line.name}"
            told = name if len(group.lines) == 1 else f"{group.name}, {name} for one"
            yield (
                f"<details><summary>{escape(told)}: {count} "
                f"field{'s' if count > 1 else ''}</summary>\n\n"
                f"| field | before | after |\n|---|---|---|\n{rows}\n\n</details>"
            )


def _footer(found: Preview, base: str, head: str, taken_at: datetime | None) -> str:
    queue = f"the queue of {_time(taken_at)}" if taken_at else "no snapshot of the queue"
    return f"Base `{base[:12] or 'none'}`, head `{head[:12]}`, {queue} (`{found.snapshot}`)."


def _code(value: str | None) -> str:
    """Return a value as code: nothing in it has a meaning."""
    if value is None:
        return ""
    plain = _plain(value).replace("`", "'").replace("|", "\\|")
    return f"`{plain}`" if plain else ""


def _text(value: str) -> str:
    """Return words as words: without markup, links and mentions."""
    told = _MARKUP.sub(r"\\\1", _plain(value))
    told = told.replace("&", "&amp;").replace("<", "&lt;").replace("@", "@\u2060")
    told = told.replace("://", ":\u2060//").replace("www.", "www\u2060.")
    return _REFERENCE.sub("\\1\u2060", told)


def _plain(value: str) -> str:
    told = _CONTROL.sub(" ", value).strip()
    return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 1]}…"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
