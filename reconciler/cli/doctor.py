"""``zoe doctor``: find out what keeps Zoe from working here, and what to do about it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from reconciler import checkup, config
from reconciler.checkup import Finding, Level
from reconciler.cli.progress import Progress
from reconciler.clock import SystemClock
from reconciler.errors import ConfigError

_MARKS = {Level.OK: "ok", Level.WARNING: "warning", Level.PROBLEM: "PROBLEM"}


@click.command("doctor")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text")
def command(*, output: str) -> int:
    """Look at settings, state, Git, status branch, database and cluster; change nothing.

    Exit 0: it works, perhaps with warnings; 1: problems; 3: a part can't be reached.
    """
    found: list[Finding] = []
    with Progress("looking") as progress:
        for finding in _findings():
            progress.tell(f"looked at {finding.part}")
            found.append(finding)
    click.echo(_json(found) if output == "json" else _text(found))
    return _exit_code(found)


def _findings() -> Iterator[Finding]:
    try:
        settings = config.load()
    except ConfigError as error:
        yield checkup.failed("settings", error)
        return
    file = Path(os.environ.get("ZOE_CONFIG", config.DEFAULT_FILE))
    yield from checkup.examine(settings, SystemClock(), settings_file=file)


def _exit_code(found: Iterable[Finding]) -> int:
    problems = [finding for finding in found if finding.level is Level.PROBLEM]
    if any(finding.is_unreachable for finding in problems):
        return 3
    return 1 if problems else 0


def _json(found: Iterable[Finding]) -> str:
    rows = [
        {
            "part": finding.part,
            "level": str(finding.level),
            "code": finding.code,
            "message": finding.message,
            "remedy": finding.remedy,
        }
        for finding in found
    ]
    return json.dumps({"findings": rows}, indent=2)


def _text(found: list[Finding]) -> str:
    lines = []
    for finding in found:
        lines.append(f"{_MARKS[finding.level]:<8} {finding.part}: {finding.message}")
        if finding.remedy:
            lines.append(f"{'':<8} -> {finding.remedy}")
    bad = sum(finding.level is Level.PROBLEM for finding in found)
    warnings = sum(finding.level is Level.WARNING for finding in found)
    lines.append(f"{bad} problem(s), {warnings} warning(s)")
    return "\n".join(lines)
