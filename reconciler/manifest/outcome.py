"""What a file of Executions came to, and what that depended on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reconciler.manifest.diagnostic import Diagnostic
from reconciler.manifest.execution import Execution
from reconciler.manifest.platform import Namespace, Platform
from reconciler.manifest.sets import ExecutionSet
from reconciler.manifest.spec import Manifest
from reconciler.manifest.zapps import ZApp

Name = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """All that a file's outcome depends on besides its own content.

    ``attachments`` are of its own repository, ``borrowed`` those of the platform's.
    """

    platform: Platform
    namespaces: tuple[tuple[str, Namespace | None], ...]
    commit: str
    zapps: tuple[tuple[str, ZApp | None], ...]
    attachments: tuple[tuple[str, str | None], ...]
    borrowed: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a file of Executions resolved to.

    ``documents`` are all Executions that it asks for. ``is_whole``: nothing is wrong with any of
    its documents as such; ``refused`` are items of sets that can't be, with what is wrong.
    ``is_newest``: this is what the file says now, not its last good content.
    """

    path: str
    blob: str
    inputs: Inputs
    documents: tuple[Execution, ...]
    manifests: tuple[Manifest, ...]
    diagnostics: tuple[Diagnostic, ...]
    is_whole: bool
    is_newest: bool = True
    sets: tuple[ExecutionSet, ...] = ()
    refused: Mapping[Name, str] = field(default_factory=dict)

    def stale(self) -> Outcome:
        """Return the same as the last good content of a file that has errors now."""
        manifests = tuple(replace(manifest, is_current=False) for manifest in self.manifests)
        return replace(self, manifests=manifests, is_newest=False)

    def without(self, taken: Mapping[Name, str], unmet: Mapping[Name, str]) -> Outcome:
        """Return the same with more items refused.

        Whose name is ``taken`` isn't asked for at all; whose needs are ``unmet`` is, but isn't
        brought to what it asks for.
        """
        manifests = tuple(
            _unresolved(manifest) if (manifest.namespace, manifest.name) in unmet else manifest
            for manifest in self.manifests
            if (manifest.namespace, manifest.name) not in taken
        )
        return replace(self, manifests=manifests, refused={**self.refused, **unmet, **taken})


def _unresolved(manifest: Manifest) -> Manifest:
    return replace(manifest, spec=None, spec_hash="", is_current=False)
