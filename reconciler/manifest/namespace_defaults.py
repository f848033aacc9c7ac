"""Namespaces that a set names and nobody declared: what platform.yaml gives them.

Their numeric ids come from the name alone, so that no namespace that comes or goes renumbers
another one: files in a workspace keep their owner.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from reconciler.manifest.build import Builder
from reconciler.manifest.diagnostic import Complaint, Path, Problem, Severity
from reconciler.manifest.namespaces import build_terms
from reconciler.manifest.platform import Namespace, NamespaceDefaults

_DEFAULTS: Path = ("spec", "namespaceDefaults")


def build_defaults(value: Mapping[str, Any], builder: Builder) -> NamespaceDefaults:
    """Return what a Platform gives to namespaces that nobody declared."""
    said = value.get("uid", 1000)
    first, last = (said["first"], said["last"]) if isinstance(said, Mapping) else (said, said)
    if first > last:
        complaint = Complaint("BadRange", "first is more than last", "swap the two")
        builder.problems.append(complaint.at((*_DEFAULTS, "uid", "first")))
    own_group = 0 if isinstance(said, Mapping) else 1000
    return NamespaceDefaults(
        terms=build_terms("default", value, builder, _DEFAULTS),
        uids=(first, max(first, last)),
        gid=value.get("gid", own_group),
    )


def made(name: str, defaults: NamespaceDefaults) -> Namespace:
    """Return the namespace of a name. Without a group of its own for all, it is the uid's."""
    first, last = defaults.uids
    digest = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    uid = first + digest % (last - first + 1)
    return replace(defaults.terms, name=name, uid=uid, gid=defaults.gid or uid)


def check_shared(made_ones: Iterable[Namespace], defaults: NamespaceDefaults) -> Iterator[Problem]:
    """Warn of namespaces that a range of ids gives the same one: they could read one another."""
    if defaults.uids[0] == defaults.uids[1]:
        return
    owners: dict[int, str] = {}
    for namespace in sorted(made_ones, key=lambda n: n.name):
        other = owners.setdefault(namespace.uid, namespace.name)
        if other != namespace.name:
            message = f"{other} and {namespace.name} both get the uid {namespace.uid}"
            remedy = f"add namespaces/{namespace.name}.yaml with another uid"
            problem = Complaint("SharedUid", message, remedy).at((*_DEFAULTS, "uid"))
            yield replace(problem, severity=Severity.WARNING)
