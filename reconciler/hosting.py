"""What the settings of this machine provide, as rendering sees it."""

from __future__ import annotations

from reconciler.config import Settings
from reconciler.converge.host import Gateways, Host, Storage


def host(settings: Settings) -> Host:
    """Return what this installation provides, as rendering sees it."""
    return Host(
        deployment=settings.deployment,
        storages={
            name: Storage(
                path=storage.path,
                is_shared=storage.shared,
                is_read_only=storage.read_only,
                is_whole=not storage.per_namespace,
            )
            for name, storage in settings.storage.items()
        },
        security_profiles=dict(settings.security_profiles),
        init_image=settings.init_image,
        encrypts_networks=settings.encrypt_networks,
        gateways=gateways(settings),
    )


def gateways(settings: Settings) -> Gateways | None:
    """Return what namespaces' gateways are made of; None where the operator offers none."""
    offered = settings.gateway
    if offered is None or offered.port_range is None:
        return None
    first, last = offered.port_range
    return Gateways(image=offered.image, first_port=first, last_port=last, host=offered.host)
