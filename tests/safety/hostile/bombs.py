"""Small files that cost much to whoever reads them without bounds, and files that are large.

Run as a program this loads each of them under hard limits of memory and processor time, and
prints what each cost: one that kills its reader kills this process only.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator

from tests.safety.hostile.case import GOOD, Case, accepted, refused, service, variable

MEMORY_BYTES = 768 * 1024**2
CPU_S = 30


def cases() -> Iterator[Case]:
    yield from _nested()
    yield from _repeated()
    yield from _large()
    yield from _unfolding()


def _nested() -> Iterator[Case]:
    levels = 30_000
    start = "x: "
    deep = GOOD + start
    yield refused("bomb-brackets", GOOD + "‸x: " + "[" * levels, "LineTooLong")
    yield refused(
        "bomb-brackets-closed", deep + "[" * 31 + "‸[" + "[" * 1500 + "]" * 1532, "TooDeep"
    )
    yield refused(
        "bomb-braces", deep + "{a: " * 30 + "{‸a: {a: " + "{a: " * 400 + "}" * 432, "TooDeep"
    )
    yield refused("bomb-dashes", "- " * 32 + "‸" + "- " * 1800, "TooDeep")
    indented = "".join(" " * n + ("‸" if n == 31 else "") + "a:\n" for n in range(300))
    yield refused("bomb-indented", indented, "TooDeep")
    yield refused("bomb-json", "[" * 32 + "‸[" + "[" * 1900 + "]" * 1933, "TooDeep")
    yield refused("bomb-keys", GOOD + "x: ‸" + "? " * 1900, "Syntax")


def _repeated() -> Iterator[Case]:
    laughs = "a0: ‸&a0 [x]\n" + "".join(
        f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 9) + "]\n" for n in range(1, 10)
    )
    yield refused("bomb-laughs", laughs, "AnchorNotAllowed")
    merges = "a0: ‸&a0 {x0: 1}\n" + "".join(
        f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 25)
    )
    yield refused("bomb-merges", merges, "AnchorNotAllowed")
    yield refused("bomb-itself", "a: ‸&a [*a]\n", "AnchorNotAllowed")
    yield refused(
        "bomb-anchors",
        "\n".join([f"a{n}: &a{n} x" for n in range(3000)]).replace("&", "‸&", 1),
        "AnchorNotAllowed",
    )


def _large() -> Iterator[Case]:
    yield refused("large-file", GOOD + "# " + "x" * 70_000, "FileTooLarge")
    yield refused("large-line", GOOD + "‸# " + "x" * 5000 + "\n", "LineTooLong")
    yield refused(
        "large-values",
        GOOD + "x: [\n" + ("1," * 500 + "\n") * 39 + "1," * 475 + "‸1," * 1 + "1," * 500 + "\n]\n",
        "TooManyValues",
    )
    yield refused(
        "large-keys", GOOD + "‸" + "".join(f"k{n}: 1\n" for n in range(5000)), "UnknownKey"
    )
    yield refused("large-documents", "---\n‸a\n" + "---\na\n" * 9000, "NotAMapping")
    yield refused("large-dashes", GOOD + "---\n" * 15_000 + "‸x\n", "NotAMapping")
    yield refused("large-comments", "#\n" * 30_000, "EmptyFile")
    yield refused("large-blanks", GOOD + "\n" * 60_000 + "‸x: 1\n", "UnknownKey")
    yield refused(
        "large-environment",
        service("environment: ‸{" + ", ".join(f"V{n}: x" for n in range(257)) + "}"),
        "TooMany",
    )
    services = "\n".join(f"    s{n}: {{image: busybox}}" for n in range(65)).replace("s0", "‸s0", 1)
    text = GOOD.replace("    main:\n      image: busybox\n      command: [echo, hi]", services)
    yield refused("large-services", text, "TooMany")
    yield refused(
        "large-value",
        service("environment:\n‸  X: " + "x" * 4_000)
        .replace("‸  X", "  X")
        .replace("        X: x", "‸        X: x"),
        "LineTooLong",
    )
    yield accepted(
        "large-good-folded", service("command:\n- >-\n" + ("  " + "x" * 300 + "\n") * 10)
    )


def _unfolding() -> Iterator[Case]:
    head = "apiVersion: zoe/v1\nkind: ExecutionSet\nmetadata: {name: NAME}\nspec:\n"
    template = "  template: {spec: {type: batch, services: {main: {image: busybox}}}}\n"
    axis = "[" + ", ".join(map(str, range(100))) + "]"
    axes = ", ".join(f"a{n}: {axis}" for n in range(16))
    yield refused(
        "bomb-matrix",
        head + f"  ‸matrix:\n    {axes.replace('], ', ']' + chr(10) + '    ')}\n" + template,
        "TooManyItems",
    )
    yield refused(
        "bomb-range",
        head + "  ‸items: {from: -1000000000, to: 1000000000}\n" + template,
        "TooManyItems",
    )
    yield refused("bomb-depends", service("depends_on: ‸[main]"), "DependencyCycle")
    nested = "${{ " + "(" * 900 + "1" + ")" * 900 + " }}"
    yield refused("bomb-expression", variable(f'‸"{nested}"'), "BadExpression")
    power = "${{ " + " * ".join(["9000000000000000000"] * 100) + " }}"
    yield refused("bomb-product", variable(f'‸"{power}"'), "BadExpression")
    yield refused("bomb-pattern", service("image: " + "‸" + "a-" * 120 + "!"), "BadFormat")


def _measure(case: Case) -> dict[str, object]:
    from tests.safety.hostile.judging import judge

    started = time.process_time()
    breaches = judge(case)
    return {
        "name": case.name,
        "breaches": breaches,
        "cpu_ms": round((time.process_time() - started) * 1000),
        "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


def main() -> None:
    """Print a line of JSON for each bomb."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    for case in cases():
        sys.stdout.write(json.dumps(_measure(case)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
