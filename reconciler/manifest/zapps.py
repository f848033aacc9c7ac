"""ZApps: what their documents say, and whether that can work with any parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policy.model.execution import ApplicationType, Uid
from reconciler.manifest.build import Attachment, Builder
from reconciler.manifest.diagnostic import Path, Problem
from reconciler.manifest.expand import Identity, expand
from reconciler.manifest.expressions import holds_expression
from reconciler.manifest.idleness import check as check_idle
from reconciler.manifest.idleness import idle_terms
from reconciler.manifest.parameters import check_declarations
from reconciler.manifest.rules import check_services
from reconciler.manifest.spec import DEFAULT_RESERVATIONS
from reconciler.manifest.validate import check_resolved

SERVICES: Path = ("spec", "services")


@dataclass(frozen=True, slots=True, kw_only=True)
class ZApp:
    """A ZApp document. ``spec`` is as written."""

    name: str
    title: str
    path: str
    folder: str
    spec: Mapping[str, Any]


def no_files(_: str) -> Attachment:
    """Stand in for files where only the document itself is looked at."""
    return Attachment("", "")


_SAMPLES: Mapping[str, object] = {
    "string": "sample",
    "integer": 1,
    "number": 1,
    "boolean": True,
    "quantity": "1GiB",
    "duration": "1h",
    "list": [],
}
_SAMPLE_IDENTITY = Identity(
    name="sample", namespace="sample", uid=Uid("0" * 16), run=1, commit="0" * 40
)


def check_zapp(zapp: ZApp) -> list[Problem]:
    """Return what is wrong with a ZApp whatever its parameters are set to.

    It is resolved with its defaults, and samples where there is no default. What goes wrong where
    an expression stands is then the sample's fault, and not told.
    """
    declarations = zapp.spec.get("parameters", {})
    problems = check_declarations(declarations, path=("spec", "parameters"))
    if problems:
        return problems
    parameters = {name: _sample(declaration) for name, declaration in declarations.items()}
    is_sampled = any("default" not in declaration for declaration in declarations.values())
    services, problems = expand(
        zapp.spec["services"],
        parameters=parameters,
        identity=_SAMPLE_IDENTITY,
        defaults=DEFAULT_RESERVATIONS,
        path=SERVICES,
    )
    if problems:
        return problems
    problems = check_resolved("services", services, path=SERVICES)
    if not problems:
        builder = Builder(attach=no_files)
        built = builder.services(services, zapp.spec.get("secrets", {}), SERVICES)
        type_ = ApplicationType(zapp.spec["type"])
        idle = idle_terms(zapp.spec, builder)
        problems = builder.problems + check_services(built, type_, path=SERVICES)
        if idle.probe is not None or type_ is ApplicationType.BATCH:
            problems += check_idle(idle, type_, built, zapp.spec.get("secrets", {}))
    if not is_sampled:
        return problems
    return [item for item in problems if not _depends_on_sample(zapp.spec, item.path)]


def _sample(declaration: Mapping[str, Any]) -> object:
    if "default" in declaration:
        return declaration["default"]
    if declaration["type"] == "enum":
        return declaration["values"][0]
    return declaration.get("minimum", _SAMPLES[declaration["type"]])


def _depends_on_sample(spec: Any, path: Path) -> bool:
    """Tell whether a problem in a service's image, replicas, resources, ... may be a sample's.

    The whole of that part counts: of core and max, say, either may hold the expression.
    """
    value = spec
    for part in path[1:4]:
        value = value.get(part, {}) if isinstance(value, dict) else {}
    return len(path) > 2 and holds_expression(value)
