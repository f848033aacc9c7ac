"""The catalogue: which applications there are, their knobs, and a manifest to copy."""

from __future__ import annotations

from dataclasses import dataclass


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
