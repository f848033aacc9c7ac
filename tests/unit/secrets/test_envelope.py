"""A value bound to its place: the same back, and nothing else taken for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.secrets import age, encrypting
from reconciler.secrets.envelope import LONGEST_VALUE, Address, Envelope, NotAnEnvelope, unpacked
from reconciler.secrets.rewriting import rewritten

ADDRESS = Address(deployment="lab", namespace="aml", name="token")
TEXTS = st.text(min_size=1, max_size=20)
ADDRESSES = st.builds(Address, deployment=TEXTS, namespace=TEXTS, name=TEXTS)


@given(ADDRESSES, st.binary(min_size=1, max_size=200))
def test_what_is_packed_comes_back_with_its_address(address: Address, value: bytes) -> None:
    envelope = Envelope(address=address, value=value)
    assert unpacked(envelope.packed()) == envelope
    assert repr(value)[2:-1] not in repr(envelope) or len(value) < 12


@given(ADDRESSES, ADDRESSES, st.binary(min_size=1, max_size=50))
def test_another_address_is_another_envelope(one: Address, other: Address, value: bytes) -> None:
    packed = {Envelope(address=a, value=value).packed() for a in (one, other)}
    assert len(packed) == (1 if one == other else 2)


@given(st.binary(max_size=200))
def test_anything_else_isnt_an_envelope(data: bytes) -> None:
    with pytest.raises(NotAnEnvelope):
        unpacked(data)


@pytest.mark.parametrize("size", [0, LONGEST_VALUE + 1])
def test_a_value_has_bounds(size: int) -> None:
    with pytest.raises(ValueError, match="bytes"):
        encrypting.ciphertext(b"x" * size, ADDRESS, [])


KEY = age.identity(age.new_identity())


@pytest.mark.parametrize("value", [b"short", b"long\x00" * 2000])
def test_the_printed_entry_is_what_a_manifest_takes(value: bytes) -> None:
    import yaml

    from reconciler.manifest.ciphertext import one_line

    line = encrypting.ciphertext(value, ADDRESS, [KEY.recipient])
    printed = yaml.safe_load(encrypting.entry("token", line))
    assert one_line(printed["token"]["age"]) == line
    assert unpacked(age.decrypt(line, [KEY])).value == value


def test_reencrypting_changes_ciphertexts_and_nothing_else() -> None:
    other = age.identity(age.new_identity())
    lines = [encrypting.ciphertext(b"v" * n, ADDRESS, [KEY.recipient]) for n in (5, 5000)]
    entries = "".join(
        "    " + row
        for line in lines
        for row in encrypting.entry("token", line).splitlines(keepends=True)
    )
    text = f"# a comment\nspec:\n  secrets:  # kept\n{entries}  run: 1 # too\n"
    new = rewritten(text, lambda line: encrypting.again(line, [KEY], [other.recipient]))
    found: list[str] = []
    back = rewritten(new, lambda line: found.append(line) or lines[len(found) - 1])  # type: ignore[func-returns-value]
    assert back == text
    assert [age.decrypt(line, [other]) for line in found] == [
        age.decrypt(line, [KEY]) for line in lines
    ]


@given(st.text(max_size=200))
def test_a_text_without_ciphertexts_stays(text: str) -> None:
    assert rewritten(text, lambda _: "changed") == text
