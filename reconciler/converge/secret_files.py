"""Secrets as files of a service: which Swarm secret, whose, and who may read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.converge.desired_state import DesiredSecret
from reconciler.converge.secrets import Named, is_ours
from reconciler.converge.state import LABEL_SECRET, FileReference
from reconciler.manifest.secret_mount import SecretMount
from reconciler.manifest.spec import Service

_READ_BY_OTHERS = 0o004
_PUBLIC_MODE = 0o444


def references(
    service: Service, named: Mapping[str, tuple[Named, ...]]
) -> tuple[FileReference, ...]:
    """Return the files under /run/secrets of a service; a key pair is two of them."""
    found: list[FileReference] = []
    for mount in service.secrets:
        uid, gid = _owner(mount, service.user)
        if not is_ours(mount):
            found.append(_file(mount, mount.swarm_name, uid, gid))
            continue
        for one in named[mount.name]:
            file = _file(mount, one.swarm_name, uid, gid)
            if one.is_public:
                file = replace(file, target=f"{mount.target}.pub", mode=_PUBLIC_MODE)
            found.append(file)
    return tuple(found)


def desired(
    named: Mapping[str, tuple[Named, ...]], labels: Mapping[str, str]
) -> dict[str, DesiredSecret]:
    """Return the Swarm secrets that must be there, by their names."""
    return {
        one.swarm_name: DesiredSecret(
            name=one.swarm_name,
            labels={**labels, LABEL_SECRET: f"{name}.pub" if one.is_public else name},
            recipe=one.recipe,
        )
        for name, files in named.items()
        for one in files
    }


def without_ciphertexts(service: Service) -> Service:
    """Return the service as far as its tasks are made of it: a new ciphertext may say the same."""
    return replace(service, secrets=tuple(replace(m, age="") for m in service.secrets))


def _file(mount: SecretMount, name: str, uid: str, gid: str) -> FileReference:
    return FileReference(name=name, target=mount.target, uid=uid, gid=gid, mode=mount.mode)


def _owner(mount: SecretMount, user: str) -> tuple[str, str]:
    """Return whose the file is: the service's own user's, where nobody else could read it."""
    uid, _, gid = user.partition(":")
    if mount.uid != "0" or mount.mode & _READ_BY_OTHERS or not _is_number(uid):
        return mount.uid, mount.gid
    return uid, gid if mount.gid == "0" and _is_number(gid) else mount.gid


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
