"""Problems with manifests in the forms that other programs read."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler import __version__
from reconciler.manifest import diagnostic
from reconciler.manifest.diagnostic import Diagnostic

FORMS = ("sarif", "github", "gitlab")
"""A scanner's report, GitHub's workflow commands, GitLab's code quality report."""


def printed(diagnostics: Sequence[Diagnostic], form: str) -> str:
    """Return the problems in one of ``FORMS``."""
    match form:
        case "sarif":
            return diagnostic.to_sarif(diagnostics, version=__version__)
        case "github":
            return diagnostic.to_github(diagnostics)
        case _:
            return diagnostic.to_gitlab(diagnostics)
