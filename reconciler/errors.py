"""What can go wrong, by who must act.

ReconcilerError
├── ManifestError(diagnostics)     the author's to fix; terminal for this generation
├── ConfigError                    the operator's to fix; only at start
├── TransientError(retry_after_s)  may heal: back off
│   ├── SourceUnavailable          Git
│   │   ├── CannotVerify           whose signature it is can't be told
│   │   └── NoSuchRevision         it has no such commit or branch: perhaps not yet
│   ├── ClusterUnavailable         Docker Swarm
│   ├── StoreUnavailable           the database
│   └── TargetUnavailable          a forge, or where notifications go
├── NotAFile                       an entry of a tree that says it is one: its author's doing
├── DeliveryRefused                a message that will never be taken as it is
├── ConflictError                  somebody wrote first: read again, plan again
├── NameTaken                      the name is there already: adopt if ours, else report
├── Missing                        the object isn't there (any more)
├── ActionFailed                   one action of a plan; independent ones go on
├── DatabaseBehind                 it knows less than was done with it: an operator rebuilds it
├── LeaseLost                      another process leads: stop writing
└── InvariantViolated(evidence)    our bug: stop the pass, keep what shows it

Foreign exceptions are translated once, in their adapter. Text for people is made at the edge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.manifest.diagnostic import Diagnostic


class ReconcilerError(Exception):
    """Root of everything this package raises on purpose."""


class ManifestError(ReconcilerError):
    """Manifests that their author must change."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__(f"{len(diagnostics)} problem(s) in manifests")
        self.diagnostics = diagnostics


class ConfigError(ReconcilerError):
    """A setting that the operator must change; the message says which and how."""


class TransientError(ReconcilerError):
    """A part that can't be reached now."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class SourceUnavailable(TransientError):
    """A Git repository can't be reached or read."""


class NotAFile(ReconcilerError, ValueError):
    """A tree's entry has the mode of a file and names something else."""


class CannotVerify(SourceUnavailable):
    """Signatures can't be checked: ``ssh-keygen`` is missing or doesn't work."""


class NoSuchRevision(SourceUnavailable):
    """There is no such commit or branch, or not yet."""


class ClusterUnavailable(TransientError):
    """The Swarm can't be reached, or its answer was incomplete."""


class StoreUnavailable(TransientError):
    """The database can't be reached."""


class TargetUnavailable(TransientError):
    """A forge, a web address or a mail server doesn't take what we tell it, for now."""


class DeliveryRefused(ReconcilerError):
    """What we tell will never be taken as it is; the message says why."""


class ConflictError(ReconcilerError):
    """Somebody wrote first: what was read is stale."""


class NameTaken(ReconcilerError):
    """An object of that name exists already."""


class Missing(ReconcilerError):
    """The object to act on isn't there."""


class ActionFailed(ReconcilerError):
    """The cluster refused one action; the message is the engine's, cleaned of secrets."""


class LeaseLost(ReconcilerError):
    """This process no longer leads; whatever it was about to write must not be written."""


class DatabaseBehind(ReconcilerError):
    """The database is empty, older or another one than what was done with it; nothing is done."""


class InvariantViolated(ReconcilerError):
    """Something that can't be, is. The evidence goes into the log and a file."""

    def __init__(self, message: str, *, evidence: object) -> None:
        super().__init__(message)
        self.evidence = evidence
