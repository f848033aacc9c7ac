"""The forge's pages: where a file is edited or deleted, a commit or a pull request is shown.

Everything that a user named is quoted, and the base is the operator's; so no user chooses where a
link leads. Where a forge has no such page, or nobody knows which forge it is, a link is "".
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from reconciler.known_forges import FORGES, Pages

LONGEST = 8000
"""Characters of a link: servers refuse longer ones, so content that is too long is left out."""

_PROVIDERS: Mapping[str, str] = {forge.host: name for name, forge in FORGES.items()}
_PAGES_HOSTS: Mapping[str, str] = {
    urlsplit(forge.home).netloc: forge.host for forge in FORGES.values() if forge.home
}
"""Where the pages are, by the host of the API."""
_SCP = re.compile(r"(?:[^@/\s]+@)?(?P<host>[A-Za-z0-9.-]+):(?P<path>[^/\\].*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Makes links to one repository's pages. Without ``base`` all of them are ""."""

    provider: str = ""
    base: str = ""
    branch: str = "main"

    def commit_url(self, commit: str) -> str:
        """Return where a commit is shown."""
        return self._link(self._pages.commit, commit=_part(commit)) if commit else ""

    def file_url(self, path: str, line: int = 0) -> str:
        """Return where a file is shown, at a line if one is given."""
        pages = self._pages
        return self._link(pages.file + (pages.line if line else ""), path=path, line=str(line))

    def edit_url(self, path: str) -> str:
        """Return where a file is edited."""
        return self._link(self._pages.edit, path=path)

    def delete_url(self, path: str) -> str:
        """Return where a file is deleted; "" where that is a button of the file's own page."""
        return self._link(self._pages.delete, path=path)

    def pull_url(self, number: int) -> str:
        """Return where a pull request is shown."""
        return self._link(self._pages.pull, number=str(number))

    def new_url(self, path: str, content: str) -> str:
        """Return where a file is added, its name and, where the forge can, content filled in.

        Content that makes the link too long is left out.
        """
        folder, name = posixpath.split(path)
        parts = {"folder": _quoted(folder), "name": _part(name), "file": _part(path)}
        whole = self._link(self._pages.new, content=_part(content), **parts)
        return whole if len(whole) <= LONGEST else self._link(self._pages.new, content="", **parts)

    @property
    def _pages(self) -> Pages:
        return FORGES[self.provider].pages if self.provider else _NONE

    def _link(self, form: str, *, path: str = "", **parts: str) -> str:
        if not (form and self.base):
            return ""
        page = form.format(branch=_quoted(self.branch), path=_quoted(path), **parts)
        return f"{self.base}/{page}"


_NONE = Pages(commit="", file="", line="", edit="", pull="")
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
        scheme, host = parts.scheme, _PAGES_HOSTS.get(named, named)
    provider = provider if provider in FORGES else _PROVIDERS.get(host, "")
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
