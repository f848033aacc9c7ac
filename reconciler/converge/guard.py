"""The prune guard: may what left Git be stopped?

Deletes are looked at as a set. GitOps tools have deleted whole installations by acting correctly
on wrong inputs; so a set that looks like an accident is held as a whole until somebody confirms
it. A read that failed never gets here: what couldn't be read isn't empty.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from policy.model.execution import Uid

ALWAYS_ALLOWED = 5
SHARE_PERCENT = 20
NAMESPACE_FLOOR = 4
CONFIRM_DELETES = "Zoe-Confirm-Deletes"
"""The trailer of a commit that says how many deletes are meant."""
_TRAILER = re.compile(rf"^{CONFIRM_DELETES}: (\d{{1,6}})$", re.MULTILINE)


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
    unparsed_sets: Collection[str] = (),
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
        tree_is_empty: Whether the commit asks for no execution at all.
        unparsed_namespaces: Owners with a file that didn't parse: it may hold what seems gone.
        unparsed_sets: Sets that never parsed, by the names of their files: over whom they are isn't
            known.
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
    held = {
        d.uid: ("OwnerUnreadable", _unreadable(d.namespace))
        for d in departures
        if d.namespace in unparsed_namespaces
    }
    for name in sorted(unparsed_sets):
        told = f"the set {name} can't be read and may ask for it; its delete waits until it can"
        # A file may bear any name: its set may be any that seems gone as a whole.
        hidden = (
            d.uid
            for d in departures
            if d.name.startswith(f"{name}-") or _is_gone_set_over_many(d.set, sets or {})
        )
        held |= dict.fromkeys(hidden, ("OwnerUnreadable", told))
    if not all(departure.uid in agreed for departure in departures):
        release = (
            f"zoe confirm {commit[:12]}, or a commit with the trailer {CONFIRM_DELETES}: {count}"
        )
        # What waits for its owner's file isn't about to go, and must not hold up anybody else's.
        going = len({departure.document for departure in departures if departure.uid not in held})
        whole = _too_many(going, live, tree_is_empty=tree_is_empty)
        for uid, told in _accidents(departures, live, sets or {}, whole):
            if whole or uid not in held:
                held[uid] = ("MassDelete", f"{told}; released by {release}")
    return Verdict(allowed=frozenset(d.uid for d in departures if d.uid not in held), held=held)


def _is_gone_set_over_many(
    of_set: tuple[str, str] | None, stay: Mapping[tuple[str, str], int]
) -> bool:
    """Tell whether a set over many namespaces isn't asked for any more."""
    return of_set is not None and not of_set[0] and of_set not in stay


def _unreadable(owner: str) -> str:
    return f"a file of {owner} can't be read; its deletes wait until it can"


def _too_many(count: int, live: Mapping[str, int], *, tree_is_empty: bool) -> str:
    """Return why the deletes look like an accident as a whole; "" if they don't."""
    if tree_is_empty:
        return "the commit asks for no execution at all"
    most = max(ALWAYS_ALLOWED, sum(live.values()) * SHARE_PERCENT // 100)
    return f"{count} deletes at once, more than {most}" if count > most else ""


def _accidents(
    departures: Sequence[Departure],
    live: Mapping[str, int],
    sets: Mapping[tuple[str, str], int],
    whole: str,
) -> Iterator[tuple[Uid, str]]:
    """Yield what looks like an accident: all of it, or what is most of a namespace or a set."""
    documents = {(d.namespace, d.document) for d in departures}
    per_namespace = Counter(namespace for namespace, _ in documents)
    per_set = Counter(d.set for d in departures if d.set is not None)
    for departure in departures:
        owner, of_set = departure.namespace, departure.set
        if whole:
            yield departure.uid, whole
        elif _is_most(lost := per_namespace[owner], had := live.get(owner, 0)):
            yield departure.uid, f"{lost} of {had} executions of {owner} at once"
        elif of_set and _is_most(lost := per_set[of_set], had := sets.get(of_set, 0)):
            told = f"{lost} of {had} executions at once of a set that is still asked for"
            yield departure.uid, told


def _is_most(lost: int, had: int) -> bool:
    return had >= NAMESPACE_FLOOR and lost * 2 > had


def _trailer(message: str) -> int | None:
    found = _TRAILER.search(message)
    return int(found.group(1)) if found else None
