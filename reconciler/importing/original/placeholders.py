"""``{dns_name#self}`` and its like to expressions.

The original replaced them in environment variables, at start, and failed there on what it didn't
know. What has no equivalent here is refused, unless whoever imports says what it stands for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reconciler.importing.notes import Notes, Refused
from reconciler.manifest.diagnostic import Path, quoted

_PLACEHOLDER = re.compile(
    r"\{(?:(?P<word>[a-z][a-z_]*)|dns_name#(?P<dns>[A-Za-z0-9_.-]+)"
    r"|cluster\[(?P<cluster>[A-Za-z0-9_.-]+)\]\[(?P<field>[a-z_]+)\])\}"
)
# Before there was {dns_name#...}, authors wrote out how names were made.
_WRITTEN_OUT = (
    re.compile(
        r"(?P<name>[A-Za-z][A-Za-z0-9-]*)-\{execution_name\}-\{user_name\}-\{deployment_name\}-zoe"
        r"(?:\.\{user_name\}-\{deployment_name\}-zoe)?"
    ),
    re.compile(
        r"\{name_prefix\}-(?P<name>[A-Za-z][A-Za-z0-9-]*)-\{execution_id\}"
        r"(?:\.\{name_prefix\}-usernet-\{user_id\})?"
    ),
)
# What a parameter of the shop was put in place of.
_PARAMETER = re.compile(r"\$\{\{ parameters\.[a-z0-9_]+ \}\}")
_WORDS: Mapping[str, str] = {
    "user_name": "${{ execution.namespace }}",
    "execution_name": "${{ execution.name }}",
    "execution_id": "${{ execution.uid }}",
}
DEPLOYMENT = "deployment_name"
SELF = "self"


def spelled(text: str) -> str:
    """Return a text with names that were written out as ``{dns_name#...}``."""
    for pattern in _WRITTEN_OUT:
        text = pattern.sub(lambda match: f"{{dns_name#{match['name']}}}", text)
    return _PLACEHOLDER.sub(_cluster_as_name, text)


def _cluster_as_name(match: re.Match[str]) -> str:
    is_address = match["field"] in ("ip_address", "dns_name", "host", "name")
    return f"{{dns_name#{match['cluster']}}}" if match["cluster"] and is_address else match[0]


class SeveralSelves(Exception):
    """A text that is another one in each replica, so that no one text can stand for it."""


@dataclass(slots=True, kw_only=True)
class Placeholders:
    """Replaces placeholders.

    ``host`` returns the expression for an instance's host name, or nothing where no service is
    called so; ``given`` is what whoever imports says they stand for; ``deployment`` returns the
    expression for the deployment's name.
    """

    host: Callable[[str, Path], str | None]
    deployment: Callable[[], str]
    given: Mapping[str, str] = field(default_factory=dict)

    def replaced(self, text: str, *, own: str, is_single: bool, path: Path, notes: Notes) -> str:
        """Return the text with expressions for its placeholders.

        Args:
            text: As the description has it, names spelled as placeholders.
            own: The name of the service that it is of.
            is_single: Whether that has one replica.
            path: Where it stands.
            notes: Where to note what isn't quite the same.

        Raises:
            SeveralSelves: It holds the replica's own name, and there are several.
            Refused: There is no equivalent.
        """

        def one(match: re.Match[str]) -> str:
            if match["word"]:
                return self._word(match["word"], path)
            if match["cluster"]:
                raise Refused(path, f"{quoted(match[0])} has no equivalent", _remedy("cluster"))
            if match["dns"] in (SELF, own) and not is_single:
                raise SeveralSelves
            name = own if match["dns"] == SELF else match["dns"]
            found = self.host(name, path)
            if found is None:
                message = f"{quoted(match[0])}: no service is called so"
                raise Refused(path, message, "name a service of this description")
            return found

        if _PARAMETER.fullmatch(text):
            return text
        if "${{" in text:
            notes.add(path, "$ before {{ was left out: here that begins an expression")
        return _PLACEHOLDER.sub(one, text.replace("${{", "{{"))

    def _word(self, word: str, path: Path) -> str:
        if word in self.given:
            return self.given[word]
        if word == DEPLOYMENT:
            return self.deployment()
        if word not in _WORDS:
            message = f"the placeholder {{{word}}} has no equivalent here"
            raise Refused(path, message, _remedy(word))
        return _WORDS[word]


def _remedy(word: str) -> str:
    return f"say what it stands for: --placeholder {word}=TEXT"
