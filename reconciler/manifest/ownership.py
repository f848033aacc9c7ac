"""PURE: who may change which path, as one revision declares it.

Members of a namespace own what lies below its folder of ``executions/``; admins own everything.
Whatever isn't plainly in a namespace's folder is the admins'.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.manifest.places import is_name
from reconciler.manifest.spec import Namespace, Platform

_EXECUTIONS = "executions"
_RULES = "platform.yaml"
_NAMESPACES = "namespaces/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Somebody who is known by a key, under all the names that it is listed with."""

    names: tuple[str, ...]
    namespaces: frozenset[str] = frozenset()
    is_admin: bool = False
    owns_the_rest: bool = False
    """Also what lies in no namespace's folder: in a repository that is their group's own."""

    @property
    def name(self) -> str:
        """What messages call them."""
        return " or ".join(self.names)

    def owns(self, path: str) -> bool:
        """Tell whether they may change what is at ``path``."""
        if self.is_admin or namespace_of(path) in self.namespaces:
            return True
        return self.owns_the_rest and path.partition("/")[0] != _EXECUTIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Who is known by which key, and whether it matters."""

    is_required: bool = False
    takes_plain_merges: bool = False
    signers: Mapping[str, Signer] = field(default_factory=dict)


def rules_of(platform: Platform, namespaces: Mapping[str, Namespace]) -> Rules:
    """Return the rules that a revision declares."""
    names: dict[str, set[str]] = {}
    folders: dict[str, set[str]] = {}
    admins = {member.key for member in platform.trust.admins}
    for member in platform.trust.admins:
        names.setdefault(member.key, set()).add(member.name)
    for namespace in namespaces.values():
        for member in namespace.members:
            names.setdefault(member.key, set()).add(member.name)
            folders.setdefault(member.key, set()).add(namespace.name)
    return Rules(
        is_required=platform.trust.is_required,
        takes_plain_merges=platform.trust.takes_plain_merges,
        signers={
            key: Signer(
                names=tuple(sorted(known_as)),
                namespaces=frozenset(folders.get(key, ())),
                is_admin=key in admins,
            )
            for key, known_as in names.items()
            if key
        },
    )


def rules_of_tenant(
    platform: Platform, namespaces: Mapping[str, Namespace], source_id: str
) -> Rules:
    """Return the rules for a tenant's repository, as the platform declares them.

    Whoever is a member of all the namespaces that it may serve owns the rest of it, too. One of
    several isn't enough: its applications run in the others' name.
    """
    rules = rules_of(platform, namespaces)
    served = frozenset(n.name for n in namespaces.values() if source_id in n.sources)
    return replace(
        rules,
        signers={
            key: replace(signer, owns_the_rest=bool(served) and served <= signer.namespaces)
            for key, signer in rules.signers.items()
        },
    )


def namespace_of(path: str) -> str:
    """Return the namespace whose folder a path lies in; "" for what is nobody's but the admins'."""
    first, *rest = path.split("/")
    if first != _EXECUTIONS or len(rest) < 2 or not is_name(rest[0]):
        return ""
    return "" if any(part in ("", ".", "..") for part in rest) else rest[0]


def owners_of(path: str, rules: Rules) -> tuple[str, ...]:
    """Return by name who may change a path, admins last."""
    able = sorted((s.is_admin, s.name) for s in rules.signers.values() if s.owns(path))
    return tuple(name for _, name in able)


def are_rules(paths: Iterable[str]) -> bool:
    """Tell whether rules may differ where these paths do."""
    return any(path == _RULES or path.startswith(_NAMESPACES) for path in paths)


def switches(paths: Iterable[str]) -> bool:
    """Tell whether signatures may be required now where these paths differ."""
    return _RULES in paths
