"""SSH signatures of commits (gitformat-signature): taken apart here, checked by ``ssh-keygen``.

What a signature covers is the commit object without the header ``gpgsig``; the format of the
signature itself is OpenSSH's PROTOCOL.sshsig.
"""

from __future__ import annotations

import base64
import binascii
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import CannotVerify
from reconciler.source.provenance import Signature, SignatureKind
from reconciler.text import clean

TOOL = "ssh-keygen"
MISSING = f"{TOOL} isn't installed, and signatures can't be checked without: install openssh-client"

_PURPOSE = "git"  # the namespace that Git signs in: a signed mail or file is no commit
_PRINCIPAL = "signer"  # which of the members it is, the key says
_TIMEOUT_S = 10
_MAX_BYTES = 16_384
_HEADER = b"gpgsig "
_HEADERS = re.compile(rb"gpgsig(?:-sha256)? ")
_MAGIC = b"SSHSIG\x00\x00\x00\x01"
_ARMOUR = re.compile(
    rb"-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\n]+)\n-----END SSH SIGNATURE-----\n*"
)
_REFUSALS = ("Could not verify signature", "Couldn't parse signature")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A commit's bytes in two: what is signed, and by what."""

    payload: bytes
    armour: bytes


class Malformed(ValueError):
    """A commit that carries its signature in a way that readers may understand differently."""


def take_apart(commit: bytes) -> Signed | None:
    """Return a commit object's payload and signature; None if it has no signature.

    Raises:
        Malformed: There are several signatures, or one that is too large.
    """
    head, separator, message = commit.partition(b"\n\n")
    kept: list[bytes] = []
    armour: list[bytes] = []
    found = 0
    in_signature = False
    for line in head.split(b"\n"):
        is_start = _HEADERS.match(line) is not None
        in_signature = is_start or (in_signature and line.startswith(b" "))
        found += is_start
        if is_start:
            armour.append(line.removeprefix(_HEADER))
        elif in_signature:
            armour.append(line[1:])
        else:
            kept.append(line)
    if not found:
        return None
    text = b"\n".join(armour) + b"\n"
    if found > 1 or len(text) > _MAX_BYTES:
        raise Malformed
    return Signed(payload=b"\n".join(kept) + separator + message, armour=text)


def claim(signed: Signed | None) -> Signature:
    """Return the key that a signature names; whether it is its own isn't looked at."""
    if signed is None:
        return Signature(kind=SignatureKind.NONE)
    if not signed.armour.startswith(b"-----BEGIN SSH "):
        return Signature(kind=SignatureKind.OTHER)
    try:
        return Signature(kind=SignatureKind.SSH, key=_key(signed.armour))
    except (ValueError, UnicodeDecodeError):
        return Signature(kind=SignatureKind.MALFORMED)


def _key(armour: bytes) -> str:
    match = _ARMOUR.fullmatch(armour)
    if match is None:
        raise Malformed
    try:
        blob = base64.b64decode(match[1].replace(b"\n", b""), validate=True)
    except binascii.Error as error:
        raise Malformed from error
    if not blob.startswith(_MAGIC):
        raise Malformed
    key = _string(blob[len(_MAGIC) :])
    return f"{_string(key).decode('ascii')} {base64.b64encode(key).decode()}"


def _string(wire: bytes) -> bytes:
    """Return the first string of SSH's wire format."""
    length = int.from_bytes(wire[:4], "big")
    if len(wire) < 4 + length or not length:
        raise Malformed
    return wire[4 : 4 + length]


def tool() -> str | None:
    """Return where ``ssh-keygen`` is, if it is installed."""
    return shutil.which(TOOL)


def verify(signed: Signed, key: str) -> bool:
    """Tell whether a signature is of this key, over this payload, and made for Git.

    Raises:
        CannotVerify: ``ssh-keygen`` is missing, or can't answer.
    """
    program = tool()
    if program is None:
        raise CannotVerify(MISSING)
    try:
        with tempfile.TemporaryDirectory(prefix="zoe-signature-") as folder:
            return _ask(program, signed, key, Path(folder))
    except (OSError, subprocess.TimeoutExpired) as error:
        text = clean(str(error), limit=200)
        raise CannotVerify(f"a signature can't be checked: {text}") from error


def _ask(program: str, signed: Signed, key: str, folder: Path) -> bool:
    signers, signature = folder / "signers", folder / "signature"
    signers.write_text(f'{_PRINCIPAL} namespaces="{_PURPOSE}" {key}\n', encoding="ascii")
    signature.write_bytes(signed.armour)
    done = subprocess.run(  # noqa: S603 - no shell, a fixed program, and files of our own
        [
            *(program, "-Y", "verify", "-f", str(signers), "-I", _PRINCIPAL),
            *("-n", _PURPOSE, "-s", str(signature)),
        ],
        input=signed.payload,
        capture_output=True,
        check=False,
        timeout=_TIMEOUT_S,
        env={"LC_ALL": "C"},
    )
    if done.returncode == 0:
        return True
    said = (done.stderr + done.stdout).decode(errors="replace")
    if any(words in said for words in _REFUSALS):
        return False
    # Not a no, but no answer: a user without an entry in passwd, a full disk.
    raise CannotVerify(f"{TOOL} can't check a signature: {clean(said, limit=200)}")
