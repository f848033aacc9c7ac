"""The manifest of a folder of the shop: one ZApp per entry, its parameters declared and used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

from reconciler.importing import naming
from reconciler.importing.notes import Notes, Refused
from reconciler.importing.original.application import (
    Choices,
    Parameters,
    convert_application,
    loads,
    unwrapped,
)
from reconciler.importing.original.shape import OldApplication, OldService, read
from reconciler.importing.result import Application, Imported, finish
from reconciler.manifest.diagnostic import Path, quoted

KINDS = ("environment", "command", "service_count")
_WHOLE = re.compile(r"-?[0-9]{1,17}")
_UNUSED = ("readable_descr", "logo", "enabled_for", "disabled_for", "labels")


def is_shop(value: object) -> bool:
    """Tell whether a JSON value is a shop's manifest."""
    return isinstance(value, dict) and isinstance(value.get("zapps"), list)


def descriptions(data: bytes) -> tuple[str, ...]:
    """Return the names of the files that a shop's manifest refers to; () for anything else.

    Raises:
        Refused: It isn't JSON, or a name leads out of the manifest's folder.
    """
    value = loads(data)
    if not is_shop(value):
        return ()
    names = []
    for path, entry in _entries(value):
        name = entry.get("description")
        if not isinstance(name, str) or not name or "/" in name or name.startswith("."):
            message = f"{quoted(name)} isn't a file beside this one"
            raise Refused((*path, "description"), message, "write the name of a JSON file")
        names.append(name)
    return tuple(dict.fromkeys(names))


def import_shop(data: bytes, files: Mapping[str, bytes], choices: Choices) -> Imported:
    """Return a ZApp for every entry of a shop's manifest.

    ``files`` are the descriptions by name. A name that is chosen is that of the only entry.

    Raises:
        Refused: It isn't such a manifest, or one of its descriptions can't be imported.
    """
    notes = Notes()
    value = loads(data)
    _check_version(value)
    entries = list(_entries(value))
    if choices.name and len(entries) > 1:
        message = f"there are {len(entries)} ZApps, and one name"
        raise Refused(("zapps",), message, "leave --name out")
    names = naming.Namer(chars=naming.NAME_CHARS, otherwise="imported")
    documents = []
    for path, entry in entries:
        if choices.kind != "ZApp":
            raise Refused(path, "a shop holds ZApps", "leave --kind out")
        application = _application(entry, path, files, choices, notes)
        name = choices.name or names.name(str(entry.get("name") or application.name))
        documents.append(finish(replace(application, name=name), notes))
    return Imported(documents=tuple(documents), notes=notes.all())


def _check_version(value: Any) -> None:
    if not is_shop(value):
        raise Refused((), "it isn't a manifest of the shop", 'it has "version": 1 and "zapps": []')
    if value.get("version") != 1:
        message = f"{quoted(value.get('version'))} isn't a version of shop manifests"
        raise Refused(("version",), message, "write 1")
    if not value["zapps"]:
        raise Refused(("zapps",), "it is empty", "import a description by itself")


def _entries(value: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for index, entry in enumerate(value["zapps"]):
        if not isinstance(entry, dict):
            raise Refused(("zapps", index), "an entry is a JSON object", "write name, description")
        yield ("zapps", index), entry


def _application(
    entry: Mapping[str, Any],
    path: Path,
    files: Mapping[str, bytes],
    choices: Choices,
    notes: Notes,
) -> Application:
    name = str(entry.get("description"))
    if name not in files:
        message = f"{quoted(name)} isn't there"
        raise Refused((*path, "description"), message, "put it beside the manifest")
    value, where = unwrapped(loads(files[name]))
    old = read(value, (name, *where), notes)
    parameters = Parameters()
    old = _used(entry, path, old, parameters, notes)
    title = str(entry.get("name") or old.name)
    for key in _UNUSED:
        if entry.get(key):
            why = "README.md and logo.svg beside zapp.yaml are what the catalogue shows"
            notes.dropped((*path, key), why if key in _UNUSED[:2] else "CODEOWNERS says who may")
    converted = convert_application(old, choices, notes, parameters=parameters, title=title)
    return _with_counts(entry, converted, old, parameters, _labelled(entry))


def _labelled(entry: Mapping[str, Any]) -> dict[str, str]:
    category = entry.get("category")
    return {"category": naming.one_line(str(category), chars=255)} if category else {}


def _used(
    entry: Mapping[str, Any],
    path: Path,
    old: OldApplication,
    parameters: Parameters,
    notes: Notes,
) -> OldApplication:
    """Return the description with its variables and commands taken from parameters."""
    services = list(old.services)
    for place, item in _parameters(entry, path):
        kind, name = item["kind"], str(item.get("name"))
        if kind == "service_count":
            continue
        before = list(services)
        declaration = _declaration(item, place, notes)
        expression = f"${{{{ parameters.{_parameter_name(kind, name)} }}}}"
        services = [_with(service, kind, name, expression) for service in services]
        if services == before:
            what = "variable" if kind == "environment" else "service"
            notes.dropped(place, f"no {what} is called {quoted(name)}")
            continue
        parameters.declare(_parameter_name(kind, name), declaration)
    return replace(old, services=tuple(services))


def _with(service: OldService, kind: str, name: str, expression: str) -> OldService:
    if kind == "command":
        return replace(service, command=expression) if service.name == name else service
    environment = tuple(
        (variable, expression if variable == name else value)
        for variable, value in service.environment
    )
    return replace(service, environment=environment)


def _with_counts(
    entry: Mapping[str, Any],
    application: Application,
    old: OldApplication,
    parameters: Parameters,
    labels: dict[str, str],
) -> Application:
    """Return the application with replicas taken from parameters; what was elastic stays so."""
    services = deepcopy(application.spec["services"])
    by_path = {path: name for name, path in application.sources.items()}
    for place, item in _parameters(entry, ()):
        if item["kind"] != "service_count":
            continue
        name = str(item.get("name"))
        service = next((service for service in old.services if service.name == name), None)
        if service is None or service.path not in by_path:
            continue
        declaration = _declaration(item, place, Notes())
        expression = parameters.declare(_parameter_name("service_count", name), declaration)
        replicas: Any = expression
        if service.essential < service.total:
            declaration["minimum"] = max(declaration.get("minimum", 1), service.essential, 1)
            declaration["default"] = max(declaration.get("default", 1), declaration["minimum"])
            replicas = {"core": service.essential, "max": expression}
        services[by_path[service.path]]["replicas"] = replicas
    spec = {**application.spec, "services": services, "parameters": parameters.declared}
    return replace(application, spec=spec, labels=labels)


def _parameters(entry: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    items = entry.get("parameters") or []
    if not isinstance(items, list):
        raise Refused((*path, "parameters"), "it isn't a list", "write a list of parameters")
    for index, item in enumerate(items):
        place = (*path, "parameters", index)
        if not isinstance(item, dict) or item.get("kind") not in KINDS:
            kinds = ", ".join(KINDS)
            raise Refused(place, "it isn't a parameter", f"write kind: one of {kinds}")
        yield place, item


def _parameter_name(kind: str, name: str) -> str:
    tail = {"command": " command", "service_count": " count", "environment": ""}[kind]
    return naming.slug(name + tail, chars=naming.NAME_CHARS, otherwise="parameter", joint="_")


def _declaration(item: Mapping[str, Any], path: Path, notes: Notes) -> dict[str, Any]:
    """Return a parameter's declaration; bounds were the browser's there and are ours here."""
    is_number = item.get("type") == "int" or item["kind"] == "service_count"
    declaration: dict[str, Any] = {"type": "integer" if is_number else "string"}
    default = item.get("default")
    if default is not None:
        declaration["default"] = _integer(default, path) if is_number else str(default)
    if is_number:
        for old, new in (("min", "minimum"), ("max", "maximum")):
            if item.get(old) is not None:
                declaration[new] = _integer(item[old], (*path, old))
    if item.get("step") not in (None, 1):
        notes.dropped((*path, "step"), "any whole number between the bounds is taken")
    about = " ".join(str(item[key]) for key in ("readable_name", "description") if item.get(key))
    if about:
        declaration["description"] = naming.one_line(about, chars=1000)
    return declaration


def _integer(value: object, path: Path) -> int:
    text = str(value)
    if isinstance(value, bool) or not _WHOLE.fullmatch(text):
        raise Refused(path, f"{quoted(value)} isn't a whole number", "write a whole number")
    return int(text)
