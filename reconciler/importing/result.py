"""What an import gives: documents in reading order, and the notes; and how they are made so.

What the loader refuses of an imported service is left out and told in the loader's own words: an
odd value of some file is no reason to give nothing, and no reason to print what isn't valid.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.errors import InvariantViolated
from reconciler.importing.notes import Note, Notes, Refused
from reconciler.importing.writing import to_yaml
from reconciler.manifest.characters import FORBIDDEN
from reconciler.manifest.diagnostic import Diagnostic, Path, quoted
from reconciler.manifest.documents import parse
from reconciler.manifest.places import place_of

Spec = dict[str, Any]

_SERVICE_KEYS = (
    *("image", "entrypoint", "command", "environment", "user", "working_dir", "depends_on"),
    *("completes", "replicas", "resources", "placement", "ports", "volumes", "secrets", "files"),
    *("tmpfs", "shm_size", "ulimits", "healthcheck", "stop_grace_period", "labels"),
)
# Parts whose items stand for themselves: one of them can go without the others.
_BY_ITEM = frozenset({"environment", "labels", "ports", "volumes", "secrets", "files", "tmpfs"})
_VALUE_CHARS = 3_900
_ROUNDS = 100
_PARAMETER = re.compile(r"\$\{\{ *parameters\.([a-z0-9_]+) *\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An application as it was read. ``sources`` says where each service stood in the file."""

    name: str
    title: str
    spec: Spec
    sources: Mapping[str, Path]
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """Documents that are valid, and what was left out or changed on the way to them."""

    documents: tuple[Mapping[str, Any], ...]
    notes: tuple[Note, ...]

    @property
    def text(self) -> str:
        """The documents as YAML."""
        return to_yaml(self.documents)


def finish(application: Application, notes: Notes, *, kind: str = "ZApp") -> Mapping[str, Any]:
    """Return the document of an application, without what the loader wouldn't take.

    Raises:
        Refused: Without it nothing useful is left, or it needs parameters that an Execution lacks.
    """
    spec = _ordered(application.spec)
    _drop_unwritable(spec, application.sources, notes)
    for _ in range(_ROUNDS):
        document = _zapp(application, spec)
        errors = _errors(document)
        if not errors:
            return document if kind == "ZApp" else _execution(application, spec)
        _settle(errors, spec, application.sources, notes)
    raise InvariantViolated("an import never becomes valid", evidence=errors)


def _zapp(application: Application, spec: Spec) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": application.name}
    if application.title and application.title != application.name:
        metadata["title"] = application.title
    if application.labels:
        metadata["labels"] = dict(application.labels)
    return {"apiVersion": "zoe/v1", "kind": "ZApp", "metadata": metadata, "spec": spec}


def _execution(application: Application, spec: Spec) -> dict[str, Any]:
    """Return an Execution that says it all itself, with the parameters' defaults filled in."""
    values: dict[str, Any] = {}
    for name, declaration in spec.get("parameters", {}).items():
        if "default" not in declaration:
            message = f"the parameter {name} has no value, and an Execution can't declare it"
            raise Refused((), message, "import it as a ZApp, or give the file a value")
        values[name] = declaration["default"]
    body = {key: _filled(part, values) for key, part in spec.items() if key != "parameters"}
    metadata: dict[str, Any] = {"name": application.name}
    if application.labels:
        metadata["labels"] = dict(application.labels)
    return {"apiVersion": "zoe/v1", "kind": "Execution", "metadata": metadata, "spec": body}


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, values) for item in value]
    if not isinstance(value, str):
        return value
    if (whole := _PARAMETER.fullmatch(value)) and whole[1] in values:
        return values[whole[1]]
    return _PARAMETER.sub(lambda match: str(values.get(match[1], match[0])), value)


def _ordered(spec: Spec) -> Spec:
    """Return a spec with its keys in the order in which people read them; empty parts left out."""
    services = {
        name: {key: service[key] for key in _SERVICE_KEYS if _says_something(service, key)}
        for name, service in spec["services"].items()
    }
    ordered: Spec = {"type": spec["type"]}
    if spec.get("parameters"):
        ordered["parameters"] = dict(spec["parameters"])
    ordered["services"] = services
    if spec.get("secrets"):
        ordered["secrets"] = dict(spec["secrets"])
    return ordered


def _says_something(service: Mapping[str, Any], key: str) -> bool:
    """Tell whether a key is there and not empty; an empty command is one."""
    value = service.get(key)
    return value is not None and (key in ("command", "entrypoint") or value not in ({}, [], ""))


def _errors(document: Mapping[str, Any]) -> list[Diagnostic]:
    path = f"zapps/{document['metadata']['name']}/zapp.yaml"
    place = place_of(path)
    if place is None:
        raise InvariantViolated("an imported name isn't one", evidence=path)
    parsed = parse(to_yaml([document]).encode("utf-8", "replace"), path=path, place=place)
    return [item for item in parsed.diagnostics if item.is_error]


def _settle(
    errors: Sequence[Diagnostic], spec: Spec, sources: Mapping[str, Path], notes: Notes
) -> None:
    """Leave out what the loader complains of. From the end on, so that indexes stay right."""
    units = {_unit(error): error for error in reversed(errors)}
    # Without such an item what it is in may do; if not, the next round tells.
    with_items = {unit[:4] for unit in units if len(unit) > 4}
    for unit in sorted((unit for unit in units if unit not in with_items), key=_from_the_end):
        error = units[unit]
        if len(unit) < 4 or unit[3] == "image" or unit[:2] != ("spec", "services"):
            place = sources.get(unit[2], ()) if len(unit) > 2 else ()
            raise Refused(place, error.message, error.remedy)
        place = (*sources.get(unit[2], ()), *unit[3:])
        notes.dropped(place, error.message, error.remedy)
        _remove(spec, unit)


def _unit(error: Diagnostic) -> tuple[str, ...]:
    """Return the smallest part of a service that can go with what is wrong in it."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in error.pointer.split("/")[1:]]
    return tuple(parts[: 5 if len(parts) > 4 and parts[3] in _BY_ITEM else 4])


def _from_the_end(unit: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
    last = unit[-1] if unit else ""
    return (unit[:-1], -int(last) if last.isdecimal() else 0)


def _remove(spec: Spec, unit: tuple[str, ...]) -> None:
    holder: Any = {"spec": spec}
    for part in unit[:-1]:
        holder = holder[part]
    # Digits may be a name, too: only where they are removed from is known what they are.
    if isinstance(holder, list):
        del holder[int(unit[-1])]
    else:
        holder.pop(unit[-1], None)


def _drop_unwritable(spec: Spec, sources: Mapping[str, Path], notes: Notes) -> None:
    """Leave out texts that no manifest can hold: too long for a line, or not to be seen."""
    for name, service in spec["services"].items():
        for key in list(service):
            part, place = service[key], (*sources.get(name, ()), key)
            if key in _BY_ITEM and isinstance(part, (dict, list)):
                service[key] = _without_unwritable(part, place, notes)
            elif why := _unwritable(part):
                if key == "image":
                    raise Refused(place, why, "name an image")
                notes.dropped(place, why)
                del service[key]


def _without_unwritable(part: Any, place: Path, notes: Notes) -> Any:
    entries = list(part.items()) if isinstance(part, dict) else list(enumerate(part))
    bad = {key: why for key, item in entries if (why := _unwritable([str(key), item]))}
    for key, why in bad.items():
        notes.dropped((*place, quoted(key) if isinstance(key, str) else key), why)
    kept = [(key, item) for key, item in entries if key not in bad]
    return dict(kept) if isinstance(part, dict) else [item for _, item in kept]


def _unwritable(value: Any) -> str:
    if isinstance(value, dict):
        return next((why for pair in value.items() if (why := _unwritable(list(pair)))), "")
    if isinstance(value, list):
        return next((why for item in value if (why := _unwritable(item))), "")
    text = value if isinstance(value, str) else ""
    if len(text) > _VALUE_CHARS:
        return f"its text has {len(text)} characters, more than {_VALUE_CHARS}"
    if found := FORBIDDEN.search(text):
        return (
            f"it holds the character U+{ord(found.group()[0]):04X}, which can't be seen in a review"
        )
    return ""
