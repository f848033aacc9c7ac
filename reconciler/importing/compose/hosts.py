"""Names of other services in texts: Compose's ``db`` is ``db.EXECUTION`` here, by an expression.

A guess where text is free: a name counts as a host where a port follows it, where it stands in an
address, or where it is the whole value of a variable that is called like one of a host.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.importing.notes import Notes
from reconciler.manifest.diagnostic import Path

_ABOUT_HOSTS = re.compile(
    r"HOST|SERVER|ADDR|URL|URI|ENDPOINT|BROKER|MASTER|NODE|PEER|SEED|PROXY|LINK|UPSTREAM|_DB$",
    re.IGNORECASE,
)
_BEFORE = r"(?<![A-Za-z0-9_.@/${-])"


@dataclass(frozen=True, slots=True)
class Hosts:
    """The names under which services reach one another, and the service that each belongs to."""

    owners: Mapping[str, str]
    notes: Notes

    def rewritten(self, text: str, path: Path, *, variable: str = "") -> str:
        """Return a text with expressions for the host names of services in it."""
        for name in sorted(self.owners, key=len, reverse=True):
            if name not in text:
                continue
            host = f"${{{{ services.{self.owners[name]}.host }}}}"
            new = _pattern(name).sub(host, text)
            if text == name and _ABOUT_HOSTS.search(variable):
                new = host
            if new != text:
                self.notes.add(path, f"the host {name} is {host} here: SERVICE.EXECUTION")
                text = new
        return text


def _pattern(name: str) -> re.Pattern[str]:
    escaped = re.escape(name)
    in_address = rf"(?:(?<=://)|(?<=@)){escaped}(?=[:/?]|$)"
    before_port = rf"{_BEFORE}{escaped}(?=:[0-9]{{2,5}}(?![0-9A-Za-z.]))"
    return re.compile(f"{in_address}|{before_port}")
