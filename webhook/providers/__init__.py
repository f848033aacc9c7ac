"""One module per forge: whether a delivery is signed, and what it tells. Pure.

The provider is fixed by the address that was called and never guessed from headers: Gitea sends
GitHub's headers too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from webhook.event import Event
from webhook.headers import Headers
from webhook.providers import bitbucket, generic, gitea, github, gitlab
from webhook.signature import Secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """``verify`` goes before ``event``, always. ``takes_forms``: its forms are signed whole."""

    name: str
    verify: Callable[[Headers, bytes, Secrets, datetime], bool]
    event: Callable[[Headers, bytes], Event]
    takes_forms: bool = False


PROVIDERS: Mapping[str, Provider] = {
    provider.name: provider
    for provider in (
        Provider(name="github", verify=github.verify, event=github.event, takes_forms=True),
        Provider(name="gitlab", verify=gitlab.verify, event=gitlab.event),
        Provider(name="gitea", verify=gitea.verify, event=gitea.event),
        Provider(name="forgejo", verify=gitea.verify, event=gitea.event),
        Provider(name="bitbucket", verify=bitbucket.verify, event=bitbucket.event),
        Provider(name="generic", verify=generic.verify, event=generic.event),
    )
}
