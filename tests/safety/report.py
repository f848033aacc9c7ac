"""The table of results in docs/reliability.md, made from docs/reliability.json.

    python -m tests.safety.report          # writes it anew, after something was recorded

A test holds the page to it, so that no figure stands there that wasn't recorded. Each section of
the file has the command that records it; one that isn't known here is told by its name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "docs" / "reliability.json"
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- results: python -m tests.safety.report -->\n", "<!-- end of results -->"
COMMANDS = {
    "chaos": 'make chaos ROUNDS=n ARGS="--record"',
    "fuzz": 'make fuzz CASES=n ARGS="--record"',
    "hostile": "python -m tests.safety.hostile.figures --record",
    "lost database": "python -m tests.safety.lost_database --real --record",
    "mutations": 'make mutations ARGS="--record"',
    "simulation": 'make simulate-faults SEEDS=n ARGS="--record"',
    "soak": "python -m tests.safety.soak --minutes n --record",
}


def table(kept: Mapping[str, Any]) -> str:
    """Return the rows for what is recorded."""
    lines = ["| what | recorded by | result |", "|---|---|---|"]
    for section, found in sorted(kept.items()):
        command = COMMANDS.get(section, "")
        results = "; ".join(f"{name} {value}" for name, value in _flat(found))
        lines.append(f"| {section} | {f'`{command}`' if command else ''} | {results} |")
    return "\n".join(lines) + "\n"


def _flat(found: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield a name and a value for each figure, as they are nested."""
    if isinstance(found, Mapping):
        for name, value in sorted(found.items()):
            yield from _flat(value, f"{path} {_words(name)}".strip())
    elif isinstance(found, list):
        yield path, ", ".join(map(_item, found)) or "none"
    elif isinstance(found, int) and not isinstance(found, bool):
        yield path, f"{found:,}"
    else:
        yield path, str(found)


def _item(item: object) -> str:
    """Return one of a list: a pair is the first and the last of many."""
    return f"{item[0]:,} to {item[1]:,}" if isinstance(item, list) else str(item)


def _words(name: str) -> str:
    return name.replace("_", " ")


def with_results(page: str, kept: Mapping[str, Any]) -> str:
    """Return the page with the table in its place."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table(kept)}{END}{after}"


def main() -> None:
    """Write the table anew."""
    kept = json.loads(RECORD.read_text())
    PAGE.write_text(with_results(PAGE.read_text(), kept))


if __name__ == "__main__":
    main()
