"""A Compose file to a ZApp or an Execution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.importing import naming
from reconciler.importing.compose import reading
from reconciler.importing.compose.context import Context
from reconciler.importing.compose.extending import RESOLVE, extended
from reconciler.importing.compose.hosts import Hosts
from reconciler.importing.compose.reading import kind_of, plain_text
from reconciler.importing.compose.service import convert, ends
from reconciler.importing.compose.variables import Variables
from reconciler.importing.naming import Namer
from reconciler.importing.notes import Notes, Refused
from reconciler.importing.result import Application, Imported, Spec, finish
from reconciler.manifest.diagnostic import Path

_TOP = frozenset({"services", "version", "name", "volumes", "networks", "secrets", "configs"})
_OF_A_SERVICE = frozenset({"image", "build", "extends"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What whoever imports may say. ``fallback`` is the name where the file has none."""

    name: str = ""
    fallback: str = "imported"
    type: str = ""
    kind: str = "ZApp"
    volumes: str = "storage"
    profiles: tuple[str, ...] = ()
    images: Mapping[str, str] = field(default_factory=dict)


def import_compose(data: bytes, choices: Choices) -> Imported:
    """Return the manifest for a Compose file.

    Raises:
        Refused: It isn't one, or nothing in it names an image.
    """
    notes = Notes()
    top = _top(reading.read(data), notes)
    services = _with_images(dict(_services(top, choices.profiles, notes)), choices.images)
    variables = Variables(notes)
    names = naming.components()
    for name in services:
        if names.name(name) != name:
            notes.add(("services", name), f"the service is called {names.name(name)} now")
    type_ = choices.type or _type(services, notes)
    hosts = Hosts(dict(_hosts(services, names)), notes)
    secrets: dict[str, dict[str, str]] = {}
    folders: set[str] = set()
    spec: Spec = {"type": type_, "services": {}}
    for name, value in services.items():
        context = Context(
            name=name,
            path=("services", name),
            top=top,
            variables=variables,
            hosts=hosts,
            notes=notes,
            services=names,
            volumes=choices.volumes,
            is_batch=type_ == "batch",
            secrets=secrets,
            folders=folders,
        )
        spec["services"][names.name(name)] = convert(value, context)
    if len(folders) > 1:
        message = f"{len(folders)} folders or volumes are one workspace now, and their files mix"
        remedy = "write {type: volume, source: NAME} for each that needs room of its own"
        notes.add(("services",), message, remedy)
    if type_ == "batch":
        _complete(spec["services"])
    spec |= {"parameters": variables.parameters, "secrets": secrets}
    application = Application(
        name=choices.name or naming.application(_own_name(top) or choices.fallback),
        title="",
        spec=spec,
        sources={names.name(name): ("services", name) for name in services},
    )
    document = finish(application, notes, kind=choices.kind)
    return Imported(documents=(document,), notes=notes.all())


def _own_name(top: Mapping[str, Any]) -> str:
    name = top.get("name")
    return "" if isinstance(name, (dict, list)) or "$" in plain_text(name) else plain_text(name)


def _top(value: Any, notes: Notes) -> Mapping[str, Any]:
    """Return the file's mapping. Its first version had services and nothing else in it."""
    if not isinstance(value, dict):
        message = f"{kind_of(value)} isn't a Compose file"
        raise Refused((), message, "give a file with services:")
    if "services" not in value:
        old = {key: item for key, item in value.items() if _is_service(item)}
        if not old:
            raise Refused((), "it has no services", "give a file with services:")
        return {"services": old}
    for key in sorted(value.keys() - _TOP):
        if key == "include":
            notes.dropped((key,), "other files aren't read", RESOLVE)
        elif not key.startswith("x-"):
            notes.dropped((key,), "no key of Compose that is known here")
    volumes = value.get("volumes")
    for name, volume in (volumes if isinstance(volumes, dict) else {}).items():
        if isinstance(volume, dict) and volume.keys() - {"name", "external", "labels"}:
            notes.dropped(("volumes", name), "where a storage is kept says the operator's zoe.toml")
    if value.get("networks"):
        notes.dropped(("networks",), "services of a namespace share its network")
    return value


def _is_service(item: Any) -> bool:
    return isinstance(item, dict) and bool(item.keys() & _OF_A_SERVICE)


def _services(
    top: Mapping[str, Any], profiles: tuple[str, ...], notes: Notes
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the services that are started without further ado, written out."""
    services = top["services"]
    if not isinstance(services, dict) or not services:
        raise Refused(("services",), f"{kind_of(services)} isn't services", "write services: {...}")
    for name, value in services.items():
        path: Path = ("services", name)
        if name.startswith("x-"):
            continue
        if not isinstance(value, dict):
            notes.dropped(path, f"{kind_of(value)} isn't a service")
            continue
        whole = extended(name, services, notes)
        asked = whole.get("profiles")
        wanted = [plain_text(item) for item in asked] if isinstance(asked, list) else []
        if wanted and not set(profiles) & {"*", *wanted}:
            why = f"it is started with the profile {', '.join(wanted)} only"
            notes.dropped(path, why, f"--profile {wanted[0]} takes it in")
            continue
        yield name, whole


def _with_images(
    services: Mapping[str, Mapping[str, Any]], images: Mapping[str, str]
) -> Mapping[str, Mapping[str, Any]]:
    """Return the services with the images that are given for them; one at least has one then."""
    for name in images:
        if name not in services:
            message = f"an image is given for {name}, and no such service is imported"
            raise Refused(("services",), message, "name one of " + ", ".join(list(services)[:12]))
    services = {
        name: {**service, "image": images[name]} if name in images else service
        for name, service in services.items()
    }
    if not services:
        raise Refused(("services",), "no service is left to import", "see what was left out")
    if not any(service.get("image") for service in services.values()):
        first = next(iter(services))
        raise Refused(
            ("services", first),
            "no service names an image, and nothing is built here",
            f"build and push it, and add --image {first}=REFERENCE",
        )
    return services


def _hosts(services: Mapping[str, Mapping[str, Any]], names: Namer) -> Iterator[tuple[str, str]]:
    """Yield the names by which services reach one another, and the service of each."""
    for name, service in services.items():
        for other in (*_links(service), *_aliases(service)):
            target, _, called = other.partition(":")
            owner = names.known(target) if called else names.name(name)
            if owner:
                yield called or other, owner
    for name, service in services.items():
        for alias in (service.get("container_name"), service.get("hostname")):
            if isinstance(alias, str) and alias and "$" not in alias:
                yield alias, names.name(name)
    for name in services:
        yield name, names.name(name)


def _links(service: Mapping[str, Any]) -> list[str]:
    links = service.get("links")
    texts = [item for item in links if isinstance(item, str)] if isinstance(links, list) else []
    return [text for text in texts if text.partition(":")[2]]


def _aliases(service: Mapping[str, Any]) -> list[str]:
    networks = service.get("networks")
    found = []
    for network in networks.values() if isinstance(networks, dict) else ():
        aliases = network.get("aliases") if isinstance(network, dict) else None
        listed = aliases if isinstance(aliases, list) else []
        found += [item for item in listed if isinstance(item, str) and item and ":" not in item]
    return found


def _type(services: Mapping[str, Mapping[str, Any]], notes: Notes) -> str:
    """Return batch where every service says that it isn't started again, else interactive."""
    if all(ends(service) for service in services.values()):
        message = "imported as batch: no service is started again after its end"
        notes.add(("services",), message, "--type interactive otherwise")
        return "batch"
    message = "imported as interactive: it runs until somebody, idleness or a lifetime ends it"
    notes.add(("services",), message, "--type batch if it ends by itself, streaming if never")
    return "interactive"


def _complete(services: Mapping[str, dict[str, Any]]) -> None:
    """Let the batch end with those that nothing depends on, or that are waited for to the end."""
    awaited = {name for service in services.values() for name in service.get("depends_on") or ()}
    ending = {
        name
        for service in services.values()
        if isinstance(dependencies := service.get("depends_on"), dict)
        for name, condition in dependencies.items()
        if condition["condition"] == "service_completed_successfully"
    }
    for name, service in services.items():
        if name in ending or name not in awaited:
            service["completes"] = True
