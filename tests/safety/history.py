"""What was done to the world, in order, and which promises that breaks. Pure.

Whoever watches (a simulation, a run on real parts) writes down every external effect; ``check``
reads the whole history afterwards together with the ledger, in the manner of etcd's checkers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.converge.ledger import Entry, Fact


class Kind(StrEnum):
    """What happened."""

    CREATE = "create"
    UPDATE = "update"
    REMOVE = "remove"
    END = "end"
    """The tasks of a service ended by themselves: from now on it holds a result."""
    STORE = "store"
    """What there was of a result was stored: its attempt is over."""
    LEAD = "lead"
    """A leader began: from now on nobody of an older epoch does anything."""


class Outcome(StrEnum):
    """What came of it. A lost one was done; only its reply didn't arrive."""

    DONE = "done"
    LOST = "lost"
    REFUSED = "refused"


class Rule(StrEnum):
    """The promises."""

    SAME_GROUP_TWICE = "two services for one group"
    ATTEMPTS_OVERLAP = "two attempts at a time"
    STALE_LEADER = "a leader acts after its successor did"
    START_AFTER_END = "started after it had ended for good"
    NOT_INTENDED = "created before the attempt was in the ledger"
    ATTEMPT_SKIPPED = "attempts aren't numbered one after the other"
    ATTEMPT_DOUBLED = "an attempt begins while another one is open"
    RESULT_LOST = "removed before its result was stored"
    HELD_DELETED = "removed although it is wanted, or held"
    FOREIGN_TOUCHED = "somebody else's was touched"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One external effect; ``at`` in milliseconds, on the clock of the ledger's facts.

    ``epoch`` is the actor's lease; 0 = nobody of ours (an engine, a person, a lost node).
    ``ledger_seq`` is the ledger's newest number when it happened; None = told by time alone.
    ``generation`` is that of the Swarm name (the incarnation). ``node`` is the group's.
    """

    at: int
    epoch: int
    kind: Kind
    id: str
    uid: str = ""
    generation: int = 0
    attempt: int = 0
    component: str = ""
    node: str = ""
    outcome: Outcome = Outcome.DONE
    ledger_seq: int | None = None
    is_held: bool = False
    is_foreign: bool = False

    @property
    def is_effective(self) -> bool:
        """Whether it changed the world."""
        return self.outcome is not Outcome.REFUSED

    @property
    def group(self) -> tuple[str, int, int, str, str]:
        """What there may be one of."""
        return (self.uid, self.generation, self.attempt, self.component, self.node)

    @property
    def name(self) -> str:
        """What people know it by."""
        return f"{self.uid}-g{self.generation}-a{self.attempt} {self.component}@{self.node}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A promise that was broken, when, and by what."""

    rule: Rule
    at: int
    message: str

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.at} ms: {self.rule}: {self.message}"


def check(effects: Sequence[Effect], entries: Sequence[Entry]) -> list[Breach]:
    """Return every breach, in order of time.

    Args:
        effects: In the order in which they took effect.
        entries: The whole ledger.
    """
    ledger = _Ledger(entries)
    watch = _Watch(ledger)
    breaches = [*ledger.breaches()]
    for effect in effects:
        if effect.is_effective:
            breaches += watch.see(effect)
    return sorted(breaches, key=lambda breach: breach.at)


def milliseconds(entry: Entry) -> int:
    """Return when a fact was entered."""
    return round(entry.at.timestamp() * 1000)


class _Ledger:
    """The facts by uid, as of any moment."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._by_uid: dict[str, list[Entry]] = defaultdict(list)
        for entry in sorted(entries, key=lambda entry: entry.seq):
            self._by_uid[entry.uid].append(entry)

    def known(self, effect: Effect) -> list[Entry]:
        """Return the facts of an effect's uid that were there when it happened."""
        facts = self._by_uid.get(effect.uid, [])
        if effect.ledger_seq is not None:
            return [entry for entry in facts if entry.seq <= effect.ledger_seq]
        return [entry for entry in facts if milliseconds(entry) <= effect.at]

    def breaches(self) -> Iterator[Breach]:
        """Yield what is wrong with the attempts themselves."""
        for uid, facts in self._by_uid.items():
            last, is_open = 0, False
            for entry in facts:
                if entry.fact is Fact.ATTEMPT_INTENDED:
                    told = f"{uid}: attempt {entry.attempt} after {last}"
                    if entry.attempt != last + 1:
                        yield _breach(Rule.ATTEMPT_SKIPPED, milliseconds(entry), told)
                    if is_open:
                        yield _breach(Rule.ATTEMPT_DOUBLED, milliseconds(entry), told)
                    last, is_open = entry.attempt, True
                elif entry.fact in (Fact.ATTEMPT_ENDED, Fact.FINISHED, Fact.CANCELLED):
                    is_open = False


@dataclass(slots=True)
class _Watch:
    """What exists at this point of the history."""

    ledger: _Ledger
    alive: dict[str, Effect] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    epoch: int = 0

    def see(self, effect: Effect) -> Iterator[Breach]:
        """Take an effect in, and yield what it breaks."""
        if effect.kind in (Kind.CREATE, Kind.UPDATE, Kind.REMOVE) and effect.epoch:
            yield from self._by_us(effect)
        match effect.kind:
            case Kind.LEAD:
                self.epoch = max(self.epoch, effect.epoch)
            case Kind.CREATE:
                yield from self._created(effect)
            case Kind.REMOVE:
                yield from self._removed(effect)
            case Kind.END if effect.id in self.alive:
                self.ended.add(effect.id)
            case Kind.STORE:
                self.stored.add(effect.id)

    def _by_us(self, effect: Effect) -> Iterator[Breach]:
        if effect.epoch < self.epoch:
            told = f"{effect.kind} of {effect.name} by {effect.epoch}, {self.epoch} leads"
            yield _breach(Rule.STALE_LEADER, effect.at, told)
        self.epoch = max(self.epoch, effect.epoch)
        if effect.is_foreign:
            yield _breach(Rule.FOREIGN_TOUCHED, effect.at, f"{effect.kind} of {effect.id}")

    def _created(self, effect: Effect) -> Iterator[Breach]:
        rivals = [other for other in self.alive.values() if effect.uid and other.uid == effect.uid]
        for other in rivals:
            if other.group == effect.group:
                yield _breach(Rule.SAME_GROUP_TWICE, effect.at, f"{other.id} and {effect.id}")
            elif other.attempt != effect.attempt and other.id not in self.ended:
                told = f"{effect.name} beside {other.name}"
                yield _breach(Rule.ATTEMPTS_OVERLAP, effect.at, told)
        if effect.uid and effect.epoch:
            yield from self._allowed(effect)
        self.alive[effect.id] = effect

    def _allowed(self, effect: Effect) -> Iterator[Breach]:
        """Yield why the ledger doesn't allow a create."""
        is_intended, is_over = False, False
        for entry in self.ledger.known(effect):
            match entry.fact:
                case Fact.ATTEMPT_INTENDED:
                    is_intended = is_intended or entry.attempt == effect.attempt
                case Fact.FINISHED | Fact.CANCELLED:
                    is_over = True
                case Fact.FIRST_SEEN:
                    is_over = False
        if not is_intended:
            yield _breach(Rule.NOT_INTENDED, effect.at, effect.name)
        if is_over:
            yield _breach(Rule.START_AFTER_END, effect.at, effect.name)

    def _removed(self, effect: Effect) -> Iterator[Breach]:
        if effect.is_held and effect.epoch:
            yield _breach(Rule.HELD_DELETED, effect.at, effect.name)
        if effect.id in self.ended - self.stored and effect.epoch:
            yield _breach(Rule.RESULT_LOST, effect.at, effect.name)
        self.alive.pop(effect.id, None)


def _breach(rule: Rule, at: int, message: str) -> Breach:
    return Breach(rule=rule, at=at, message=message)
