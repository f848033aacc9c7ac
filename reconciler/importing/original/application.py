"""A description of the original Zoe to a ZApp or an Execution."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.importing import naming
from reconciler.importing.naming import Namer
from reconciler.importing.notes import Notes, Refused
from reconciler.importing.original.folding import Folded, fold
from reconciler.importing.original.placeholders import DEPLOYMENT, Placeholders
from reconciler.importing.original.service import Naming, convert
from reconciler.importing.original.shape import OldApplication, read
from reconciler.importing.result import Application, Imported, Spec, finish
from reconciler.manifest.diagnostic import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What whoever imports may say: a name, a type, the kind, and what placeholders stand for."""

    name: str = ""
    type: str = ""
    kind: str = "ZApp"
    keeps_names: bool = False
    has_workspace: bool = True
    placeholders: Mapping[str, str] = field(default_factory=dict)


def import_description(data: bytes, choices: Choices) -> Imported:
    """Return the manifest for a description, or for a saved answer of the REST API that holds one.

    Raises:
        Refused: It isn't a description, mixes formats, or holds what has no equivalent.
    """
    notes = Notes()
    value, path = unwrapped(loads(data))
    application = convert_application(read(value, path, notes), choices, notes)
    document = finish(application, notes, kind=choices.kind)
    return Imported(documents=(document,), notes=notes.all())


def loads(data: bytes) -> Any:
    """Return what a JSON file says.

    Raises:
        Refused: It isn't JSON.
    """
    try:
        return json.loads(data.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        message = f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        raise Refused((), message, "give a description that the original took") from error
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise Refused((), "not JSON in UTF-8", "save it as UTF-8") from error


def unwrapped(value: Any) -> tuple[Any, Path]:
    """Return the description, and where it is: saved answers of the API hold it as a field."""
    if not isinstance(value, dict) or ("services" in value and "version" in value):
        return value, ()
    for key in ("description", "application"):
        inner = value.get(key)
        if isinstance(inner, str) and inner.lstrip().startswith("{"):
            inner = loads(inner.encode())
        if isinstance(inner, dict):
            return inner, (key,)
    return value, ()


@dataclass(slots=True)
class Parameters:
    """The parameters that the result declares."""

    declared: dict[str, dict[str, Any]] = field(default_factory=dict)

    def declare(self, name: str, declaration: dict[str, Any]) -> str:
        """Return the expression for a parameter, declared now or before."""
        self.declared.setdefault(name, declaration)
        return f"${{{{ parameters.{name} }}}}"

    def deployment(self) -> str:
        """Return the expression for the deployment's name, which was the operator's to set."""
        about = "What the deployment was called"
        return self.declare(DEPLOYMENT, {"type": "string", "default": "zoe", "description": about})


def convert_application(
    old: OldApplication,
    choices: Choices,
    notes: Notes,
    *,
    parameters: Parameters | None = None,
    title: str = "",
) -> Application:
    """Return the application that a description stands for."""
    parameters = parameters or Parameters()
    folded = fold(old.services, notes, version=old.version)
    names = _named(folded, notes)
    type_ = choices.type or _type(old, notes)
    placeholders = Placeholders(
        host=_Hosts(folded, names, notes).host,
        deployment=parameters.deployment,
        given=choices.placeholders,
    )
    services: Spec = {}
    for item in folded:
        naming_ = Naming(
            name=names.name(item.service.name),
            keeps_names=choices.keeps_names,
            placeholders=placeholders,
            declare=parameters.declare,
        )
        services[naming_.name] = convert(item.service, naming_, choices.has_workspace, notes)
    _order(folded, names, services)
    if type_ == "batch":
        for item in folded:
            if item.service.is_monitor:
                services[names.name(item.service.name)]["completes"] = True
    if choices.has_workspace:
        message = "every service has the workspace at /mnt/workspace, as the original gave it"
        notes.add(old.path, message, "--no-workspace leaves it out")
    name = choices.name or naming.application(old.name)
    return Application(
        name=name,
        title=naming.one_line(title or old.name, chars=120),
        spec={"type": type_, "parameters": parameters.declared, "services": services},
        sources={names.name(item.service.name): item.service.path for item in folded},
    )


def _named(folded: Sequence[Folded], notes: Notes) -> Namer:
    names = naming.components()
    seen: set[str] = set()
    for item in folded:
        old = item.service.name
        if old in seen:
            message = f"two services are called {old}"
            raise Refused((*item.service.path, "name"), message, "rename one of the two")
        seen.add(old)
        if (new := names.name(old)) != old:
            notes.add((*item.service.path, "name"), f"the service is called {new} now")
    return names


@dataclass(slots=True)
class _Hosts:
    """Which service an instance's name belongs to, as an expression for its host name."""

    folded: Sequence[Folded]
    names: Namer
    notes: Notes

    def host(self, instance: str, path: Path) -> str | None:
        for item in self.folded:
            if instance not in item.instances:
                continue
            if item.service.total > 1 and instance != item.service.name:
                new = self.names.name(item.service.name)
                message = f"{instance} was one of several: {new} is the name of all its replicas"
                self.notes.add(path, message, "give that one a service of its own if it matters")
            return f"${{{{ services.{self.names.name(item.service.name)}.host }}}}"
        return None


def _type(old: OldApplication, notes: Notes) -> str:
    if old.will_end:
        return "batch"
    has_page = any(port.app_protocol for item in old.services for port in item.ports)
    found = "interactive" if has_page else "streaming"
    notes.add(
        (*old.path, "will_end"),
        f"imported as {found}: what ends is started again; the original ended with its monitor",
        "--type batch if it ends by itself",
    )
    return found


def _order(folded: Sequence[Folded], names: Namer, services: Spec) -> None:
    """Let every wave of startup_order depend on the one before it."""
    waves = sorted({item.service.order for item in folded})
    before = dict(zip(waves[1:], waves, strict=False))
    for item in folded:
        if item.service.order in before:
            earlier = [
                names.name(other.service.name)
                for other in folded
                if other.service.order == before[item.service.order] and other.service.essential
            ]
            services[names.name(item.service.name)]["depends_on"] = earlier
