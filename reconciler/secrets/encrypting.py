"""A value to what a manifest holds, and a ciphertext to one for other recipients."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.manifest.ciphertext import LONGEST_LINE, armoured
from reconciler.secrets import age
from reconciler.secrets.envelope import LONGEST_VALUE, Address, Envelope


def ciphertext(value: bytes, address: Address, recipients: Iterable[str]) -> str:
    """Return a value encrypted for one place, on one line.

    Raises:
        ValueError: There is none, or it is too long; or a recipient isn't a key.
    """
    if not 0 < len(value) <= LONGEST_VALUE:
        raise ValueError(f"a secret has 1 to {LONGEST_VALUE} bytes, not {len(value)}")
    return age.encrypt(Envelope(address=address, value=value).packed(), recipients)


def entry(name: str, line: str) -> str:
    """Return the lines for ``secrets:`` of a manifest; long ciphertexts stand in a block."""
    if len(line) <= LONGEST_LINE:
        return f"{name}: {{age: {line}}}\n"
    block = "".join(f"    {row}\n" for row in armoured(line).splitlines())
    return f"{name}:\n  age: |\n{block}"


def again(line: str, identities: Sequence[age.Identity], recipients: Sequence[str]) -> str:
    """Return a ciphertext of the same value for other recipients.

    Raises:
        age.CannotDecrypt: None of the identities fits.
    """
    return age.encrypt(age.decrypt(line, identities), recipients)
