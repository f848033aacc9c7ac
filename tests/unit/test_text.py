"""Text from outside, made fit to show."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.text import clean, decode, scrub


@given(st.text(), st.integers(1, 50), st.booleans())
def test_clean_text_is_short_and_acts_on_nothing(text, limit, is_multiline):
    cleaned = clean(text, limit=limit, is_multiline=is_multiline)
    assert len(cleaned) <= limit
    assert not {character for character in cleaned if ord(character) < 32} - set("\n\t")
    assert is_multiline or "\n" not in cleaned
    cleaned.encode()


@given(st.binary(), st.sampled_from(["", "latin-1", "punycode", "no-such"]), st.integers(1, 50))
def test_any_bytes_decode(raw, declared, limit):
    assert len(decode(raw, declared=declared, limit=limit)) <= limit


@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_utf_8_comes_through_whatever_is_declared(text):
    assert decode(text.encode(), declared="latin-1", limit=20) == text


def test_clean_shows_where_it_cut():
    assert clean("abcdef", limit=4) == "abc…"
    assert clean("a\r\n b\tc", limit=9) == "a b c"


@pytest.mark.parametrize("special", ["\x1b[31m", "\u202e", "\u2028", "\x00", "\x9b"])
def test_clean_defuses_what_terminals_and_pages_obey(special):
    assert special[0] not in clean(f"a{special}b", limit=50, is_multiline=True)


@given(st.text(min_size=4), st.text(), st.text())
def test_secrets_are_never_shown(secret, before, after):
    for form in (secret, quote(secret, safe="")):
        assert form not in scrub(before + form + after, [secret]).replace("[hidden]", "")


def test_the_user_part_of_urls_is_never_shown():
    text = "cloning https://git:t0ken@example.org/x and ssh://git@host/y"
    assert scrub(text) == "cloning https://example.org/x and ssh://host/y"
    assert scrub("postgresql://zoe:p@ss@host/zoe") == "postgresql://host/zoe"
