"""Image references that others can't pull, and what to do about them."""

from __future__ import annotations

from reconciler.importing.notes import Notes
from reconciler.manifest.diagnostic import Path

# Registries that everybody reaches; all others are somebody's own.
_PUBLIC = frozenset(
    {"docker.io", "registry-1.docker.io", "quay.io", "ghcr.io", "gcr.io", "registry.k8s.io"}
    | {"k8s.gcr.io", "mcr.microsoft.com", "nvcr.io", "public.ecr.aws", "registry.gitlab.com"}
    | {"lscr.io", "docker.elastic.co", "container-registry.oracle.com", "cr.weaviate.io"}
)


def registry_of(image: str) -> str:
    """Return the registry that a reference names; "" for the default one."""
    first, slash, _ = image.partition("/")
    return first if slash and (set(".:") & set(first) or first == "localhost") else ""


def note_private(image: str, path: Path, notes: Notes) -> None:
    """Note an image of somebody's own registry: it may be out of reach where this runs."""
    registry = registry_of(image)
    if registry and registry not in _PUBLIC and "{{" not in registry:
        remedy = f"in platform.yaml: images: rewrite: {{{registry}/: registry.lab/}}"
        notes.add(path, f"{image} stays as it is; {registry} must answer the nodes", remedy)
