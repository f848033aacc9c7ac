"""What may be written in a manifest, and which rules are in force."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldLine:
    """A field of the schema: its path, what it takes, its default."""

    path: str
    type: str
    told: str
    default: str = ""
    is_required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KindView:
    """A kind of document, with its fields in their order."""

    kind: str
    told: str
    fields: tuple[FieldLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """A rule in force: what it is called, its value, what that means."""

    name: str
    value: str
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The contract of manifests, and the policy of the accepted commit."""

    kinds: tuple[KindView, ...]
    policy: str
    rule: str
    rules: tuple[RuleLine, ...] = ()
