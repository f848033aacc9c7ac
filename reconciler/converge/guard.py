"""The prune guard: may what left Git be stopped?

Deletes are looked at as a set. GitOps tools have deleted whole installations by acting correctly
on wrong inputs; so a set that looks like an accident is held as a whole until somebody confirms
it. A read that failed never gets here: what couldn't be read isn't empty.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policy.model.execution import Uid

ALWAYS_ALLOWED = 5
SHARE_PERCENT = 20
NAMESPACE_FLOOR = 4
_TRAILER = re.compile(r"^Zoe-Confirm-Deletes: (\d{1,6})$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A live execution that no manifest asks for any more; ``set`` is that which it came from."""

    uid: Uid
    namespace: str
    name: str
    set: tuple[str, str] | None = None

    @property
    def document(self) -> tuple[str, ...]:
        """What asked for it: a set counts once, however many it stood for."""
        return ("set", *self.set) if self.set else (self.namespace, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What may go, and what is held with a reason code and a sentence."""

    allowed: frozenset[Uid]
    held: Mapping[Uid, tuple[str, str]]


def judge(
    departures: Sequence[Departure],
    *,
    live: Mapping[str, int],
    tree_is_empty: bool,
    unparsed_namespaces: Collection[str],
    is_confirmed: bool,
    commit: str,
    message: str,
    agreed: Collection[Uid] = (),
    sets: Mapping[tuple[str, str], int] | None = None,
    missing: tuple[str, str] | None = None,
) -> Verdict:
    """Return which departures may be carried out.

    Args:
        departures: All that left one source, together.
        live: Namespace -> how many documents were live before (departures included).
        tree_is_empty: Whether the commit holds no manifest at all.
        unparsed_namespaces: Owners with a file that didn't parse: it may hold what seems gone.
        is_confirmed: Whether an operator confirmed this very commit.
        commit: Its id, for the sentence.
        message: Its message; the trailer ``Zoe-Confirm-Deletes: N`` with the right N confirms.
        agreed: Those that whoever merged was shown to go. Only if all were shown, it counts, and
            not for an owner whose files can't be read.
        sets: Those that are still asked for -> how many live executions they had. What one of
            these loses is an edit of it, unless it is most of it.
        missing: Code and sentence where the source itself can't be read: what isn't known isn't
            gone.
    """
    if not departures:
        return Verdict(allowed=frozenset(), held={})
    if missing is not None:
        return Verdict(allowed=frozenset(), held={d.uid: missing for d in departures})
    count = len({departure.document for departure in departures})
    if is_confirmed or _trailer(message) == count:
        return Verdict(allowed=frozenset(d.uid for d in departures), held={})
    is_agreed = all(departure.uid in agreed for departure in departures)
    release = (
        f"zoe confirm {commit[:12]}, or a commit with the trailer Zoe-Confirm-Deletes: {count}"
    )
    most = max(ALWAYS_ALLOWED, sum(live.values()) * SHARE_PERCENT // 100)
    whole = ""
    if tree_is_empty and not is_agreed:
        whole = "the commit holds no manifest at all"
    elif count > most and not is_agreed:
        whole = f"{count} deletes at once, more than {most}"
    documents = {(d.namespace, d.document) for d in departures}
    per_namespace = Counter(namespace for namespace, _ in documents)
    per_set = Counter(d.set for d in departures if d.set is not None)
    held: dict[Uid, tuple[str, str]] = {}
    for departure in departures:
        owner = departure.namespace
        lost = per_namespace[owner]
        if whole:
            held[departure.uid] = ("MassDelete", f"{whole}; released by {release}")
        elif owner in unparsed_namespaces:
            told = f"a file of {owner} can't be read; its deletes wait until it can"
            held[departure.uid] = ("OwnerUnreadable", told)
        elif not is_agreed and live.get(owner, 0) >= NAMESPACE_FLOOR and lost * 2 > live[owner]:
            told = f"{lost} of {live[owner]} executions of {owner} at once; released by {release}"
            held[departure.uid] = ("MassDelete", told)
        elif not is_agreed and (share := _most_of(departure.set, sets or {}, per_set)):
            told = f"{share} executions at once of a set that is still asked for"
            held[departure.uid] = ("MassDelete", f"{told}; released by {release}")
    return Verdict(allowed=frozenset(d.uid for d in departures if d.uid not in held), held=held)


def _most_of(
    name: tuple[str, str] | None, sets: Mapping[tuple[str, str], int], lost: Mapping[Any, int]
) -> str:
    """Return how many of how many a set loses, if it is still asked for and they are most."""
    had = sets.get(name, 0) if name else 0
    is_most = had >= NAMESPACE_FLOOR and lost[name] * 2 > had
    return f"{lost[name]} of {had}" if is_most else ""


def _trailer(message: str) -> int | None:
    found = _TRAILER.search(message)
    return int(found.group(1)) if found else None
