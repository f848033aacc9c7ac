"""Values in a manifest that look like secrets themselves: everybody who reads Git reads them.

A guess on the side of silence: the marks that services put on their tokens, addresses with a
password in them, and text of some chance under a name that people give to secrets.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reconciler.manifest.diagnostic import Complaint, Path, Problem, Severity

MARKS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\b(?:ghp|gho|ghs|ghu|github_pat|glpat|xox[abpr]|sk_live|hf|npm|pypi)[-_][A-Za-z0-9_-]{10,}"
    r"|\bA(?:KIA|SIA)[A-Z0-9]{16}\b"
    r"|\bAGE-SECRET-KEY-1[A-Z0-9]{20,}"
    r"|\beyJ[A-Za-z0-9_-]{8,200}\.[A-Za-z0-9_-]{8,}\."
)
"""What services put on their tokens, so that they are known when they leak."""

USER_INFO = re.compile(r"[a-z][a-z0-9+.-]{0,30}://[^/@\s:]*:[^/@\s]+@", re.IGNORECASE)
"""An address with a password. Without a bound on the scheme a long word takes quadratic time."""

CODE = "LooksLikeSecret"

_LAST_WORDS = re.compile(
    r"(?:^|[_.-])(?:passw(?:or)?d|passphrase|secret|token|credentials?"
    r"|(?:api|access|private|auth|secret)[_-]?key)$",
    re.IGNORECASE,
)
_OPTION = re.compile(r"--?([A-Za-z][A-Za-z0-9._-]*)(?:=(.*))?", re.DOTALL)
_REFERENCE = re.compile(r"[$/]|\$?\{|.*\$\{\{|[a-z+]+:/")
_FEWEST_CHARACTERS = 6
_LEAST_BITS = 16


def check_literals(services: Mapping[str, Any], *, path: Path) -> list[Problem]:
    """Return a warning for each variable and argument that looks like a secret, at its place.

    ``services`` are as written, and valid by themselves.
    """
    return [
        problem
        for name, service in services.items()
        for problem in (
            *_in_environment(service.get("environment", {}), (*path, name, "environment")),
            *_in_arguments(service.get("command"), (*path, name, "command")),
            *_in_arguments(service.get("entrypoint"), (*path, name, "entrypoint")),
        )
    ]


def looks_like_secret(name: str, value: str) -> bool:
    """Tell whether a value of that name is likely a secret, and not where to find one."""
    if MARKS.search(value) or _has_password(value):
        return True
    return _LAST_WORDS.search(name) is not None and _is_of_chance(value)


def _has_password(value: str) -> bool:
    found = USER_INFO.search(value)
    return found is not None and "$" not in found[0]


def _is_of_chance(value: str) -> bool:
    if len(value) < _FEWEST_CHARACTERS or _REFERENCE.match(value) or " " in value:
        return False
    counts = Counter(value).values()
    bits = -sum(n * math.log2(n / len(value)) for n in counts)
    return bits >= _LEAST_BITS


def _in_environment(value: Mapping[str, Any] | Sequence[str], path: Path) -> Iterator[Problem]:
    if isinstance(value, Mapping):
        named = [(name, text, (*path, name)) for name, text in value.items()]
    elif isinstance(value, str):
        return
    else:
        pairs = (item.partition("=") for item in value)
        named = [(name, text, (*path, index)) for index, (name, _, text) in enumerate(pairs)]
    for name, text, place in named:
        if isinstance(text, str) and looks_like_secret(str(name), text):
            yield _warning(f"the value of {name}", place)


def _in_arguments(value: str | Sequence[Any] | None, path: Path) -> Iterator[Problem]:
    if isinstance(value, str):
        if any(_argues(*pair) for pair in _pairs(value.split())):
            yield _warning("an argument", path)
        return
    arguments = [item if isinstance(item, str) else "" for item in value or ()]
    for index, pair in enumerate(_pairs(arguments)):
        if _argues(*pair):
            yield _warning("an argument", (*path, index))


def _pairs(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each argument with the one before it."""
    return zip(["", *arguments], arguments, strict=False)


def _argues(before: str, argument: str) -> bool:
    option = _OPTION.fullmatch(argument)
    if option is not None and option[2] is not None:
        return looks_like_secret(option[1], option[2])
    named = _OPTION.fullmatch(before)
    name = named[1] if named is not None and named[2] is None and option is None else ""
    return looks_like_secret(name, argument)


def _warning(what: str, path: Path) -> Problem:
    message = f"{what} looks like a secret, and Git keeps it for ever"
    remedy = "take it for leaked, and use secrets: {NAME: {age: ...}} (zoe secret encrypt)"
    return replace(
        Complaint(CODE, message, remedy).at(path, at_key=True), severity=Severity.WARNING
    )
