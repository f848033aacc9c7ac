"""What new ciphertexts mean for whoever mounts them. What is in them, no preview knows."""

from __future__ import annotations

from reconciler.manifest.spec import ExecutionSpec, Service


def renewed(old: ExecutionSpec, new: ExecutionSpec) -> str:
    """Return the sentence about secrets whose ciphertext changes; "" where none does."""
    before = {service.name: _ciphertexts(service) for service in old.services}
    found: dict[str, list[str]] = {}
    for service in new.services:
        for name, age in _ciphertexts(service).items():
            if before.get(service.name, {}).get(name, age) != age:
                found.setdefault(name, []).append(service.name)
    told = (
        f"secret {name} changes: a rolling update of {', '.join(services)}, "
        "nothing if the value is the same"
        for name, services in sorted(found.items())
    )
    return "; ".join(told)


def _ciphertexts(service: Service) -> dict[str, str]:
    return {mount.name: mount.age for mount in service.secrets if mount.age}
