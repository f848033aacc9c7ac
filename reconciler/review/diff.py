"""What differs between two resolved specs, field by field, in the units that people write.

Lists of named things (services, variables, ports) are compared by name, so that moving one
changes nothing. What looks like a secret is hidden on both sides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policy.model.resources import format_amount
from policy.words import format_duration
from reconciler import canonical
from reconciler.manifest.quantities import cpus_text
from reconciler.manifest.spec import ExecutionSpec
from reconciler.review.masking import HIDDEN, is_secret, is_secret_argument

_NAMES = ("name", "target", "service", "attribute")
"""What tells the items of a list apart, the first that they have."""

_WHOLE = ("command", "entrypoint", "test", "speedup")
_PAIRS = ("environment", "labels")
NOT_SHOWN = "(not shown)"
"""Stands for the value of a variable where anybody may read along."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field. ``before`` or ``after`` is None where it isn't said, or isn't there."""

    path: str
    before: str | None
    after: str | None

    @property
    def told(self) -> str:
        """The field and what becomes of it, in words."""
        return f"{self.path}: {self.before or 'unset'} -> {self.after or 'unset'}"


def changes(
    old: ExecutionSpec | None, new: ExecutionSpec | None, *, for_anybody: bool = False
) -> tuple[Change, ...]:
    """Return what differs, by path; None stands for an execution that isn't there.

    ``for_anybody``: it is told where others than those who can read the repository may look, so
    that no variable's value is.
    """
    before, after = _fields(old), _fields(new)
    return tuple(
        _hidden(path, before.get(path), after.get(path), for_anybody=for_anybody)
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    )


def _fields(spec: ExecutionSpec | None) -> Mapping[str, str]:
    return {} if spec is None else dict(_flat("", "", canonical.to_data(spec)))


def _flat(path: str, field: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(f"{path}.{key}" if path else key, key, item)
    elif field in _PAIRS:
        for name, item in value:
            yield f"{path}.{name}", str(item)
    elif isinstance(value, list) and field not in _WHOLE:
        seen: Counter[str] = Counter()
        for index, item in enumerate(value):
            name = _name_of(item, index)
            seen[name] += 1
            # Two rules on one attribute, one secret in two places: the first hid behind the second.
            number = f".{seen[name]}" if seen[name] > 1 else ""
            yield from _flat(f"{path}.{name}{number}", "", _unnamed(item))
    else:
        yield path, _told(field, value)


def _name_of(item: Any, index: int) -> str:
    if isinstance(item, Mapping):
        return str(next((item[name] for name in _NAMES if name in item), index))
    return str(index)


def _unnamed(item: Any) -> Any:
    return {k: v for k, v in item.items() if k != "name"} if isinstance(item, Mapping) else item


def _told(field: str, value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case int() if field.endswith("_ms"):
            return format_duration(value)
        case int() if field.endswith("_bytes"):
            return format_amount("memory", value).removesuffix(" memory")
        case int() if field == "cpu_millis":
            return format_amount("cpu", value)
        case int() if field == "mode":
            return f"{value:04o}"
        case str() if field == "age":
            return f"ciphertext {canonical.digest(value)[:8]}"
        case list() if field == "speedup":
            return " ".join(map(cpus_text, value))
        case list():
            return " ".join(HIDDEN if is_secret_argument(str(v)) else str(v) for v in value)
        case _:
            return str(value)


def _hidden(path: str, before: str | None, after: str | None, *, for_anybody: bool) -> Change:
    """Hide both sides if either looks like a secret: one would tell of the other."""
    if for_anybody and _is_variable(path):
        before, after = (None if value is None else NOT_SHOWN for value in (before, after))
        return Change(path=path, before=before, after=after)
    name = path.rpartition(".")[2]
    if any(is_secret(name, value) for value in (before, after) if value is not None):
        return Change(path=path, before=before and HIDDEN, after=after and HIDDEN)
    return Change(path=path, before=before, after=after)


def _is_variable(path: str) -> bool:
    """Tell whether a path is a variable's; a service may be called environment, too."""
    match path.split(".", 3):
        case ["services", _, "environment", _]:
            return True
        case _:
            return False
