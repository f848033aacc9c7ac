"""What is known of each forge, as data: one row each, which every layer may read.

What is done for one forge alone is a module: ``webhook/providers`` reads what it calls with,
``forges`` writes to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

ForgeName = Literal["github", "gitlab", "gitea", "forgejo", "bitbucket"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """How a forge writes the addresses of its pages, below the repository's. "": there is none.

    The names in braces are quoted parts; ``branch``, ``path`` and ``folder`` keep their slashes.
    In ``new``, ``file`` is the path with its slashes quoted: ``folder`` and ``name`` in one.
    """

    commit: str
    file: str
    line: str
    edit: str
    delete: str = ""
    pull: str
    new: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownForge:
    """One forge. Where it doesn't say what it takes, a bound is ours; lengths are in characters."""

    host: str
    """Of the best-known server: what is fetched from there is of this forge."""
    home: str = ""
    """That server's API; "": none is meant where no ``api`` is set."""
    api_prefix: str
    """Where the API begins on servers of one's own."""
    head: str = ""
    """The ref of a pull request's head, with ``{pull}``; "": nothing but the branch is kept."""
    description_most: int = 255
    comment_most: int
    statuses_most: int = 0
    """Statuses of one commit and context; 0: no bound known."""
    pages: Pages


_GITEA = KnownForge(
    host="gitea.com",
    api_prefix="/api/v1",
    head="refs/pull/{pull}/head",
    comment_most=65_536,  # not documented
    pages=Pages(
        commit="commit/{commit}",
        file="src/branch/{branch}/{path}",
        line="#L{line}",
        edit="_edit/{branch}/{path}",
        delete="_delete/{branch}/{path}",
        pull="pulls/{number}",
        new="_new/{branch}/{folder}?filename={name}&value={content}",
    ),
)
FORGES: Mapping[str, KnownForge] = {
    "github": KnownForge(
        host="github.com",
        home="https://api.github.com",
        api_prefix="/api/v3",
        head="refs/pull/{pull}/head",
        description_most=140,
        comment_most=65_536,
        statuses_most=1_000,
        pages=Pages(
            commit="commit/{commit}",
            file="blob/{branch}/{path}",
            line="#L{line}",
            edit="edit/{branch}/{path}",
            delete="delete/{branch}/{path}",
            pull="pull/{number}",
            new="new/{branch}?filename={file}&value={content}",
        ),
    ),
    "gitlab": KnownForge(
        host="gitlab.com",
        home="https://gitlab.com/api/v4",
        api_prefix="/api/v4",
        head="refs/merge-requests/{pull}/head",
        comment_most=1_000_000,
        pages=Pages(
            commit="-/commit/{commit}",
            file="-/blob/{branch}/{path}",
            line="#L{line}",
            edit="-/edit/{branch}/{path}",
            pull="-/merge_requests/{number}",
            new="-/new/{branch}?file_name={file}",
        ),
    ),
    "gitea": _GITEA,
    "forgejo": replace(_GITEA, host="codeberg.org"),
    "bitbucket": KnownForge(
        host="bitbucket.org",
        home="https://api.bitbucket.org/2.0",
        api_prefix="/2.0",
        comment_most=32_768,  # not documented
        pages=Pages(
            commit="commits/{commit}",
            file="src/{branch}/{path}",
            line="#lines-{line}",
            edit="src/{branch}/{path}?mode=edit&at={branch}",
            pull="pull-requests/{number}",
        ),
    ),
}
