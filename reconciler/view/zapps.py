"""The catalogue: which applications there are, their knobs, and a manifest to copy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.converge.status import Phase
from reconciler.manifest.template import flow, manifest_text
from reconciler.reporting.records import Board

Document = Mapping[str, Any]

_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Knob:
    """A parameter."""

    name: str
    type: str
    told: str = ""
    default: str = ""
    bounds: str = ""
    is_required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ZAppView:
    """``readme`` is Markdown. ``manifest`` is valid as it stands, or says what to fill in.

    ``new_url`` opens the forge's editor on it, name and content filled in ("" where it can't).
    """

    name: str
    title: str
    description: str = ""
    has_logo: bool = False
    readme: str = ""
    knobs: tuple[Knob, ...] = ()
    manifest: str = ""
    path: str = ""
    new_url: str = ""
    running: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All of them by name, without README, knobs and manifest."""

    zapps: tuple[ZAppView, ...] = ()


def nowhere(path: str, content: str) -> str:
    """Stand in for a forge that can't open an editor on a new file."""
    return ""


def of(board: Board, documents: Iterable[Document]) -> Catalogue:
    """Return all ZApps of the accepted commit in brief (``Picture.board``, ``.documents``)."""
    running = _running(documents)
    return Catalogue(
        zapps=tuple(
            replace(
                _view(name, board, running[name], namespace="", new_url=nowhere),
                readme="",
                knobs=(),
                manifest="",
            )
            for name in sorted(board.zapps)
        )
    )


def one(
    board: Board,
    name: str,
    documents: Iterable[Document],
    *,
    namespace: str = "",
    new_url: Callable[[str, str], str] = nowhere,
) -> ZAppView | None:
    """Return all of a ZApp; None if there is none of that name.

    Args:
        board: The accepted commit's (``Picture.board``).
        name: The ZApp's.
        documents: Status documents, for how many run.
        namespace: Whose folder the new manifest is for; "" is the first namespace that there is.
        new_url: From a path and a content, the forge's page that makes such a file.
    """
    if name not in board.zapps:
        return None
    running = _running(documents)[name]
    return _view(name, board, running, namespace=namespace, new_url=new_url)


def _running(documents: Iterable[Document]) -> Counter[str]:
    return Counter(
        document["status"].get("zapp", "")
        for document in documents
        if document["status"]["phase"] == Phase.RUNNING
    )


def _view(
    name: str,
    board: Board,
    running: int,
    *,
    namespace: str,
    new_url: Callable[[str, str], str],
) -> ZAppView:
    told = board.zapps[name]
    declarations = _ordered(told)
    own = f"my-{name}"[:_LONGEST_NAME].rstrip("-")
    manifest = manifest_text(own, name, declarations)
    folder = namespace or min(board.namespaces, default="")
    return ZAppView(
        name=name,
        title=told.get("title") or name,
        description=told.get("description", ""),
        has_logo=bool(told.get("logo")),
        readme=told.get("readme", ""),
        knobs=tuple(_knob(key, declaration) for key, declaration in declarations.items()),
        manifest=manifest,
        path=told.get("path", ""),
        new_url=new_url(f"executions/{folder}/{own}.yaml", manifest) if folder else "",
        running=running,
    )


def _ordered(told: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """Return parameters as they were declared, but those first that must be set.

    A database doesn't keep the order of an object's keys: the names tell it.
    """
    declarations = told.get("parameters") or {}
    declared = {name: at for at, name in enumerate(told.get("parameterNames", ()))}

    def rank(name: str) -> tuple[bool, int]:
        return "default" in declarations[name], declared.get(name, len(declared))

    return {name: declarations[name] for name in sorted(declarations, key=rank)}


def _knob(name: str, declaration: Mapping[str, Any]) -> Knob:
    has_default = "default" in declaration
    return Knob(
        name=name,
        type=declaration["type"],
        told=declaration.get("description", ""),
        default=flow(declaration["default"]) if has_default else "",
        bounds=_bounds(declaration),
        is_required=not has_default,
    )


def _bounds(declaration: Mapping[str, Any]) -> str:
    if "values" in declaration:
        return f"one of {', '.join(declaration['values'])}"
    least, most = (
        flow(declaration[key]) if key in declaration else "" for key in ("minimum", "maximum")
    )
    if least and most:
        return f"{least} to {most}"
    if least:
        return f"{least} or more"
    return f"{most} or less" if most else ""
