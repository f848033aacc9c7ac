"""What the status branch tells the members of a namespace, opened with the SSH key that is here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import click

from reconciler.cli import reading
from reconciler.converge.letters import path_of
from reconciler.errors import ConfigError, Missing, TransientError
from reconciler.secrets import age, letter
from reconciler.secrets.own_keys import own_identities

TOKEN = "token"  # noqa: S105 - the name of a secret
"""A generated secret of this name belongs into the address, as Jupyter takes it."""
HOW = "members: [{name: YOU, key: WHAT ~/.ssh/id_ed25519.pub HOLDS}]"
"""What stands in a namespace's file for somebody who is to read what is generated there."""


def opened(path: str, namespace: str, what: str, identity: Path | None) -> Mapping[str, str]:
    """Return the values of a letter; ``what`` they are goes into the messages.

    Raises:
        Missing: It isn't there, or not for this person; says what to do.
        ConfigError, TransientError: This is no clone, there is no key, the branch isn't here.
    """
    data = reading.branch_file(path)
    if data is None:
        raise Missing(f"{what} isn't in this clone: git fetch origin, then again")
    members = f"members in namespaces/{namespace}.yaml ({HOW})"
    try:
        return letter.opened(data, list(own_identities(identity)))
    except letter.NoLetter as error:
        raise Missing(f"{what} can't be read: {error}; see {members}") from error
    except age.CannotDecrypt as error:
        raise Missing(f"{what} isn't for your key: add it to {members}") from error


def with_token(url: str, namespace: str, name: str, identity: Path | None) -> str:
    """Return an address with the execution's token, where there is one for this person.

    Whoever has none gets the address as it is: the application asks. Why is said on stderr.
    """
    try:
        data = reading.branch_file(path_of(namespace, name))
        if data is None or TOKEN not in letter.names(data):
            return url
    except (ConfigError, TransientError, letter.NoLetter):
        return url
    try:
        token = opened(path_of(namespace, name), namespace, "its token", identity)[TOKEN]
    except (Missing, ConfigError, TransientError) as error:
        click.echo(f"without its token: {error}", err=True)
        return url
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, f"{TOKEN}={quote(token, safe='')}")))
    return urlunsplit(parts._replace(query=query))
