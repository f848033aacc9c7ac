"""Ciphertexts that can't be opened, as diagnostics: at the line where they stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from reconciler.converge.secrets import Vault, sealed_in
from reconciler.converge.world import Wanted
from reconciler.manifest import source_map
from reconciler.manifest.diagnostic import Diagnostic, Problem
from reconciler.manifest.marks import Document
from reconciler.manifest.spec import Manifest

ReadBlob = Callable[[str], bytes]


def diagnostics(
    wanted: Wanted, vault: Vault, *, files: Mapping[str, str], read: ReadBlob
) -> tuple[Diagnostic, ...]:
    """Return one for each ciphertext of a commit that is refused; ``files`` is path -> blob."""
    if not vault.refused:
        return ()
    found = {
        _located(*place, problem, read)
        for manifest in wanted.manifests.values()
        for problem in _problems(manifest, vault)
        if (place := _place(manifest, files)) is not None
    }
    return tuple(sorted(found))


def _problems(manifest: Manifest, vault: Vault) -> Iterator[Problem]:
    if manifest.spec is None:
        return
    for sealed in sealed_in(manifest.spec, manifest.namespace):
        why = vault.refused.get(sealed)
        if why is not None:
            message, _, remedy = why[1].partition("; ")
            # Of a member of a set, it is the template that says so.
            template = () if manifest.item is None or manifest.spec.zapp else ("spec", "template")
            path = (*template, "spec", "secrets", sealed.name)
            yield Problem(path=path, code=why[0], message=message, remedy=remedy)


def _place(manifest: Manifest, files: Mapping[str, str]) -> tuple[str, str, int] | None:
    """Return path, blob and line of the document that a manifest's services stand in."""
    zapp = manifest.spec.zapp if manifest.spec else ""
    if not zapp:
        return manifest.origin.path, manifest.origin.blob, manifest.origin.line
    path = f"zapps/{zapp}/zapp.yaml"
    return (path, files[path], 0) if path in files else None


def _located(path: str, blob: str, line: int, problem: Problem, read: ReadBlob) -> Diagnostic:
    reading = source_map.read(read(blob), file=path)
    return reading.locate(_index_at(reading.documents, line), problem)


def _index_at(documents: Iterable[Document], line: int) -> int:
    return next((i for i, document in enumerate(documents) if document.line == line), 0)
