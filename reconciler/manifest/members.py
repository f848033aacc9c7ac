"""Members and admins: from documents to who is known by which key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.manifest.build import Builder
from reconciler.manifest.diagnostic import Complaint, Path
from reconciler.manifest.keys import public_key
from reconciler.manifest.membership import Member, Trust

_TRUST: Path = ("spec", "trust")


def build_members(
    value: Sequence[Mapping[str, str]], builder: Builder, path: Path
) -> tuple[Member, ...]:
    """Return who is listed; problems with their keys are left in ``builder``."""
    members: list[Member] = []
    for index, said in enumerate(value):
        place = (*path, index, "key")
        key = builder.measured(public_key, said["key"], place, "")
        other = next((member.name for member in members if member.key == key), None)
        if key and other is not None:
            complaint = Complaint("Duplicate", f"{other} has this key too", "remove one of them")
            builder.problems.append(complaint.at(place))
        members.append(Member(name=said["name"], key=key))
    return tuple(members)


def build_trust(value: Mapping[str, Any], builder: Builder) -> Trust:
    """Return who is trusted, of a valid Platform document; problems are left in ``builder``."""
    trust = Trust(
        is_required=value.get("signatures") == "required",
        takes_plain_merges=value.get("merges") == "plain",
        admins=build_members(value.get("admins", ()), builder, (*_TRUST, "admins")),
    )
    if trust.is_required and not trust.admins:
        message = "without admins nobody could change platform.yaml or namespaces any more"
        complaint = Complaint(
            "MissingKey", message, "add admins: [{name: ada, key: ssh-ed25519 …}]"
        )
        builder.problems.append(complaint.at((*_TRUST, "signatures"), at_key=True))
    return trust
