"""The forge's pages: where a file is edited or deleted, a commit or a pull request is shown.

Everything that a user named is quoted, and the base is the operator's; so no user chooses where a
link leads. Where a forge has no such page, or nobody knows which forge it is, a link is "".
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

LONGEST = 8000
"""Characters of a link: servers refuse longer ones, so content that is too long is left out."""

_PUBLIC: Mapping[str, str] = {
    "github.com": "github",
    "gitlab.com": "gitlab",
    "gitea.com": "gitea",
    "codeberg.org": "forgejo",
    "bitbucket.org": "bitbucket",
}
_API_HOSTS: Mapping[str, str] = {
    "api.github.com": "github.com",
    "api.bitbucket.org": "bitbucket.org",
}
_SCP = re.compile(r"(?:[^@/\s]+@)?(?P<host>[A-Za-z0-9.-]+):(?P<path>[^/\\].*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Forms:
    """How a forge writes the addresses of its pages, below the repository's.

    The names in braces are quoted parts. "": there is no such page.
    """

    commit: str
    file: str
    line: str
    edit: str
    delete: str
    pull: str
    new: Callable[[str, str, str], tuple[str, Mapping[str, str]]] | None


def _new_on_github(branch: str, path: str, content: str) -> tuple[str, Mapping[str, str]]:
    return f"new/{branch}", {"filename": path, "value": content}


def _new_on_gitlab(branch: str, path: str, _content: str) -> tuple[str, Mapping[str, str]]:
    return f"-/new/{branch}", {"file_name": path}


def _new_on_gitea(branch: str, path: str, content: str) -> tuple[str, Mapping[str, str]]:
    folder, name = posixpath.split(path)
    return f"_new/{branch}/{_quoted(folder)}", {"filename": name, "value": content}


_GITEA = _Forms(
    commit="commit/{commit}",
    file="src/branch/{branch}/{path}",
    line="#L{line}",
    edit="_edit/{branch}/{path}",
    delete="_delete/{branch}/{path}",
    pull="pulls/{number}",
    new=_new_on_gitea,
)
_FORMS: Mapping[str, _Forms] = {
    "github": _Forms(
        commit="commit/{commit}",
        file="blob/{branch}/{path}",
        line="#L{line}",
        edit="edit/{branch}/{path}",
        delete="delete/{branch}/{path}",
        pull="pull/{number}",
        new=_new_on_github,
    ),
    "gitlab": _Forms(
        commit="-/commit/{commit}",
        file="-/blob/{branch}/{path}",
        line="#L{line}",
        edit="-/edit/{branch}/{path}",
        delete="",
        pull="-/merge_requests/{number}",
        new=_new_on_gitlab,
    ),
    "gitea": _GITEA,
    "forgejo": _GITEA,
    "bitbucket": _Forms(
        commit="commits/{commit}",
        file="src/{branch}/{path}",
        line="#lines-{line}",
        edit="src/{branch}/{path}?mode=edit&at={branch}",
        delete="",
        pull="pull-requests/{number}",
        new=None,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Makes links to one repository's pages. Without ``base`` all of them are ""."""

    provider: str = ""
    base: str = ""
    branch: str = "main"

    def commit_url(self, commit: str) -> str:
        """Return where a commit is shown."""
        return self._link(self._forms.commit, commit=_part(commit)) if commit else ""

    def file_url(self, path: str, line: int = 0) -> str:
        """Return where a file is shown, at a line if one is given."""
        forms = self._forms
        return self._link(forms.file + (forms.line if line else ""), path=path, line=str(line))

    def edit_url(self, path: str) -> str:
        """Return where a file is edited."""
        return self._link(self._forms.edit, path=path)

    def delete_url(self, path: str) -> str:
        """Return where a file is deleted; "" where that is a button of the file's own page."""
        return self._link(self._forms.delete, path=path)

    def pull_url(self, number: int) -> str:
        """Return where a pull request is shown."""
        return self._link(self._forms.pull, number=str(number))

    def new_url(self, path: str, content: str) -> str:
        """Return where a file is added, its name and, where the forge can, content filled in.

        Content that makes the link too long is left out.
        """
        make = self._forms.new
        if make is None or not self.base:
            return ""
        page, query = make(_quoted(self.branch), path, content)
        whole = f"{self.base}/{page}?{urlencode(query, quote_via=quote)}"
        if len(whole) <= LONGEST:
            return whole
        named = {key: value for key, value in query.items() if key != "value"}
        return f"{self.base}/{page}?{urlencode(named, quote_via=quote)}"

    @property
    def _forms(self) -> _Forms:
        return _FORMS.get(self.provider, _NONE)

    def _link(self, form: str, *, path: str = "", **parts: str) -> str:
        if not (form and self.base):
            return ""
        page = form.format(branch=_quoted(self.branch), path=_quoted(path), **parts)
        return f"{self.base}/{page}"


_NONE = _Forms(commit="", file="", line="", edit="", delete="", pull="", new=None)
NOWHERE = Links()
"""No forge is known: every link is empty."""


def of(url: str, *, branch: str, provider: str = "", repository: str = "", api: str = "") -> Links:
    """Return the links of a source.

    Args:
        url: What it is fetched from: https, ssh, or ``git@HOST:PATH``. A path leads nowhere.
        branch: The branch that is desired.
        provider: Which forge it is; "": told from well-known hosts.
        repository: What the forge calls it, if the operator says so; "": as in ``url``.
        api: The address of the forge's API, if it isn't where its pages are fetched from.
    """
    scheme, host, path = _place(url)
    if repository:
        path = repository.strip("/")
    if api:
        parts = urlsplit(api)
        named = parts.netloc.rpartition("@")[2]
        scheme, host = parts.scheme, _API_HOSTS.get(named, named)
    provider = provider if provider in _FORMS else _PUBLIC.get(host, "")
    if not (provider and host and path) or scheme not in ("http", "https"):
        return Links(branch=branch)
    return Links(provider=provider, base=f"{scheme}://{host}/{_quoted(path)}", branch=branch)


def _place(url: str) -> tuple[str, str, str]:
    """Return the scheme of its pages, their host (with a port), and the repository's path."""
    if "://" not in url:
        found = _SCP.fullmatch(url)
        return ("https", found["host"], _bare(found["path"])) if found else ("", "", "")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "", "", ""
    if parts.scheme == "ssh":  # its port is no page's
        return "https", host, _bare(parts.path)
    if parts.scheme not in ("http", "https"):
        return "", "", ""
    return parts.scheme, f"{host}:{port}" if port else host, _bare(parts.path)


def _bare(path: str) -> str:
    return path.strip("/").removesuffix(".git")


def _quoted(path: str) -> str:
    return quote(path, safe="/")


def _part(text: str) -> str:
    return quote(text, safe="")
