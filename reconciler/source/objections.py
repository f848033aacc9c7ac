"""PURE: why a commit isn't followed, in words: for the hold, and for a preview's problems."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.manifest import ownership
from reconciler.manifest.diagnostic import Diagnostic, Severity
from reconciler.manifest.ownership import Rules, Signer
from reconciler.source.provenance import SignatureKind, Step

_MOST_TOLD = 20
_SHOWN = 12
_SIGN = "sign it with an SSH key that its namespace or platform.yaml lists (git commit -S)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """Why a commit isn't followed. ``path`` is what it changes, or the first of it."""

    commit: str
    code: str
    message: str
    remedy: str
    path: str = ""


def _named(step: Step) -> str:
    return f"commit {step.id[:_SHOWN]} by {step.author}"


def too_long(head: str, most: int) -> Objection:
    """Object to a range that nobody should have to wait for."""
    return Objection(
        commit=head,
        code="RangeTooLong",
        message=f"more than {most} commits would have to be checked at once",
        remedy="push them in parts",
    )


def unsigned(step: Step, kind: SignatureKind, path: str) -> Objection:
    """Object to a commit without an SSH signature."""
    told = {
        SignatureKind.NONE: "isn't signed",
        SignatureKind.OTHER: "isn't signed with an SSH key",
        SignatureKind.MALFORMED: "has a signature that can't be read",
    }
    message = f"{_named(step)} {told.get(kind, 'is signed oddly')}"
    return Objection(commit=step.id, code="Unsigned", message=message, remedy=_SIGN, path=path)


def unknown(step: Step, key: str, path: str) -> Objection:
    """Object to the key of a stranger."""
    digest = hashlib.sha256(base64.b64decode(key.partition(" ")[2])).digest()
    shown = "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
    return Objection(
        commit=step.id,
        code="UnknownSigner",
        message=f"{_named(step)} is signed with a key that nobody is known by ({shown})",
        remedy="have an admin list the key first, or have a member sign the commit",
        path=path,
    )


def bad_signature(step: Step, path: str) -> Objection:
    """Object to a signature that isn't over this commit."""
    return Objection(
        commit=step.id,
        code="BadSignature",
        message=f"the signature of {_named(step)} isn't good: it was changed after it was signed",
        remedy="sign it anew (git commit --amend -S), and find out who changed it",
        path=path,
    )


def not_owner(step: Step, signer: Signer, paths: Sequence[str], rules: Rules) -> Objection:
    """Object to changes (``paths``) of what isn't the signer's."""
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    owners = ownership.owners_of(paths[0], rules)
    others = f" and {len(owners) - 3} more" if len(owners) > 3 else ""
    return Objection(
        commit=step.id,
        code="NotOwner",
        message=f"{_named(step)}, signed by {signer.name}, changes {paths[0]}{more}",
        remedy=f"leave that to {', '.join(owners[:3]) or 'an admin'}{others}",
        path=paths[0],
    )


def told(objections: Sequence[Objection]) -> str:
    """Return objections as one sentence: the first, and how many there are."""
    first = objections[0]
    more = f" (and {len(objections) - 1} more)" if len(objections) > 1 else ""
    return f"{first.message}{more}: {first.remedy}"


def diagnostics(objections: Sequence[Objection]) -> tuple[Diagnostic, ...]:
    """Return objections as problems of the files that the commits change."""
    return tuple(
        problem(item.path, item.code, item.message, item.remedy) for item in objections[:_MOST_TOLD]
    )


def problem(
    path: str, code: str, message: str, remedy: str, severity: Severity = Severity.ERROR
) -> Diagnostic:
    """Return a problem with a file as a whole."""
    return Diagnostic(
        file=path or "platform.yaml",
        line=0,
        column=0,
        pointer="",
        code=code,
        message=message,
        remedy=remedy,
        severity=severity,
    )
