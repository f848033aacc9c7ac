"""Values made from the key: for one place each, the same each time, in forms that others read."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.converge.secrets import RANDOM, Generated
from reconciler.keyring import Keyring
from reconciler.manifest.secret_mount import SSH_KEY
from reconciler.secrets.generated import value_of

KEYRING = Keyring(b"k" * 32)
SCOPES = st.tuples(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))


@given(SCOPES, SCOPES)
def test_a_value_belongs_to_one_scope(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    values = {value_of(Generated(kind=RANDOM, scope=scope), KEYRING) for scope in (one, other)}
    assert len(values) == (1 if one == other else 2)


def test_another_key_gives_another_value() -> None:
    recipe = Generated(kind=RANDOM, scope=("aml", "u", "token"))
    assert value_of(recipe, KEYRING) != value_of(recipe, Keyring(b"x" * 32))


def test_openssh_reads_the_private_key_and_finds_the_public_one(tmp_path: Path) -> None:
    private = Generated(kind=SSH_KEY, scope=("aml", "u", "mpi"))
    public = Generated(kind=SSH_KEY, scope=("aml", "u", "mpi"), is_public=True)
    path = tmp_path / "key"
    path.touch(mode=0o600)
    path.write_bytes(value_of(private, KEYRING))
    told = subprocess.run(
        ["ssh-keygen", "-y", "-f", str(path)], capture_output=True, check=True
    ).stdout
    assert value_of(public, KEYRING).split()[:2] == told.split()[:2]


def test_what_cant_be_generated_is_an_error() -> None:
    with pytest.raises(ValueError, match="dice"):
        value_of(Generated(kind="dice", scope=()), KEYRING)
