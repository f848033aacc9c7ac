"""What is derived from the key: the same again, and nothing of anybody else's."""

from __future__ import annotations

import re

from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.keyring import Keyring

KEY = b"\x01" * 32
SCOPES = st.lists(st.text(max_size=8), min_size=1, max_size=4).map(tuple)


@given(SCOPES, SCOPES)
def test_no_two_scopes_share_what_is_derived(one: tuple[str, ...], other: tuple[str, ...]):
    assume(one != other)
    assert Keyring(KEY).derived(*one) != Keyring(KEY).derived(*other)


@given(SCOPES)
def test_the_same_key_derives_the_same_again_and_another_key_does_not(scope: tuple[str, ...]):
    assert Keyring(KEY).text(*scope) == Keyring(KEY).text(*scope)
    assert Keyring(KEY).text(*scope) != Keyring(b"\x02" * 32).text(*scope)


def test_a_password_needs_no_quoting_and_holds_all_of_its_256_bits():
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", Keyring(KEY).text("token", "aml", "notebook"))


def test_the_key_is_in_no_representation():
    assert "\\x01" not in repr(Keyring(KEY))
