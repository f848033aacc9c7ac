"""Forges: commit statuses and the comment of a pull request, one module per provider."""

from __future__ import annotations

from reconciler.forges.bitbucket import Bitbucket
from reconciler.forges.gitea import Gitea
from reconciler.forges.github import GitHub
from reconciler.forges.gitlab import GitLab
from reconciler.outbound.delivery import Forge
from reconciler.outbound.outgoing import ForgeSettings


def forge(settings: ForgeSettings, *, mark: str) -> Forge:
    """Return the forge that the settings name; nothing is connected to.

    Args:
        settings: Provider, repository and token.
        mark: What our comments are known by: small letters, digits, dashes and slashes.

    Raises:
        ConfigError: The address isn't usable, or the token would travel in the clear.
    """
    match settings.provider:
        case "github":
            return GitHub(settings, mark=mark)
        case "gitlab":
            return GitLab(settings, mark=mark)
        case "gitea" | "forgejo":
            return Gitea(settings, mark=mark)
        case "bitbucket":
            return Bitbucket(settings, mark=mark)
