"""Who is let in: those who signed these very bytes with one of the secrets, and nobody else."""

from __future__ import annotations

import ast
import base64
import hmac
import inspect
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures.receiver import (
    DIALECTS,
    OLD_SECRET,
    SECRET,
    hex_hmac,
    standard_signature,
)
from webhook import signature
from webhook.headers import Headers
from webhook.providers import PROVIDERS
from webhook.signature import is_hex_hmac, is_token

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
AT = int(NOW.timestamp())
BODY = b'{"ref": "refs/heads/main"}'
SECRETS = (SECRET.encode(), OLD_SECRET.encode())
Fields = list[tuple[str, str]]


def is_let_in(provider: str, fields: Fields, body: bytes = BODY, now: datetime = NOW) -> bool:
    headers = Headers.of((name.encode(), value.encode("latin-1")) for name, value in fields)
    return PROVIDERS[provider].verify(headers, body, SECRETS, now)


def signed(provider: str, secret: str = SECRET) -> Fields:
    return [DIALECTS[provider].signed(BODY, secret)]


def standard(secret: str = SECRET, *, at: int = AT, identity: str = "msg_1") -> Fields:
    return [
        ("webhook-id", identity),
        ("webhook-timestamp", str(at)),
        ("webhook-signature", standard_signature(BODY, identity, at, secret)),
    ]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_both_secrets_count_while_they_are_changed(provider: str) -> None:
    assert is_let_in(provider, signed(provider))
    assert is_let_in(provider, signed(provider, OLD_SECRET))
    assert not is_let_in(provider, signed(provider, "another-secret-altogether"))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_nothing_and_emptiness_are_refused(provider: str) -> None:
    assert not is_let_in(provider, [])
    assert not is_let_in(provider, [(name, "") for name, _ in signed(provider)])
    prefixes = [(name, "sha256=") for name, _ in signed(provider)]
    assert not is_let_in(provider, prefixes)


@pytest.mark.parametrize("provider", [name for name in DIALECTS if not DIALECTS[name].is_token])
def test_another_body_is_refused(provider: str) -> None:
    assert not is_let_in(provider, signed(provider), BODY + b" ")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_second_signature_that_says_otherwise_is_refused(provider: str) -> None:
    name, right = signed(provider)[0]
    assert not is_let_in(provider, [*signed(provider), (name, right[:-1] + "!")])
    assert is_let_in(provider, [*signed(provider), (name, right)])


def test_forgejos_two_signatures_must_agree() -> None:
    (forgejo, right), (gitea, _) = *signed("forgejo"), *signed("gitea")
    assert is_let_in("forgejo", [(forgejo, right), (gitea, right)])
    assert not is_let_in("forgejo", [(forgejo, right), (gitea, "0" * 64)])
    assert not is_let_in("forgejo", [(forgejo, right), (gitea, "")])


def test_githubs_old_signature_does_not_count() -> None:
    sha1 = hmac.new(SECRET.encode(), BODY, "sha1").hexdigest()
    assert not is_let_in("github", [("X-Hub-Signature", f"sha1={sha1}")])
    assert not is_let_in("bitbucket", [("X-Hub-Signature", f"sha1={sha1}")])


def test_a_generic_sender_may_use_sha512() -> None:
    digest = hex_hmac(BODY, algorithm="sha512")
    assert is_let_in("generic", [("X-Signature", f"sha512={digest}")])
    assert not is_let_in("generic", [("X-Signature", f"md5={digest}")])


@pytest.mark.parametrize("provider", ["gitlab", "generic"])
class TestStandardWebhooks:
    def test_the_signature_covers_id_time_and_body(self, provider: str) -> None:
        fields = standard()
        assert is_let_in(provider, fields)
        assert not is_let_in(provider, fields, b"{}")
        for index, other in ((0, "msg_2"), (1, str(AT + 1)), (2, "v1,AAAA")):
            changed = [(n, other if i == index else v) for i, (n, v) in enumerate(fields)]
            assert not is_let_in(provider, changed)
            assert not is_let_in(provider, fields[:index] + fields[index + 1 :])

    def test_several_signatures_may_stand_side_by_side(self, provider: str) -> None:
        fields = standard()
        both = ("webhook-signature", f"v1,AAAA {fields[2][1]}")
        assert is_let_in(provider, [*fields[:2], both])

    @pytest.mark.parametrize("seconds", [-301, 301, 10**9])
    def test_an_old_one_is_a_replay(self, provider: str, seconds: int) -> None:
        assert not is_let_in(provider, standard(at=AT + seconds))

    @pytest.mark.parametrize("time", ["", "x", "-5", "9" * 40, "1e9", "\xb2"])
    def test_a_time_that_is_none_is_refused(self, provider: str, time: str) -> None:
        fields = [(n, time if n == "webhook-timestamp" else v) for n, v in standard()]
        assert not is_let_in(provider, fields)

    def test_a_wrong_signature_is_not_made_good_by_a_right_token(self, provider: str) -> None:
        wrong = [*standard(OLD_SECRET + "x"), ("X-Gitlab-Token", SECRET), *signed("generic")]
        assert not is_let_in(provider, wrong)


def test_a_secret_may_be_written_as_standard_webhooks_do() -> None:
    key = b"0123456789abcdef01234567"
    secret = b"whsec_" + base64.b64encode(key)
    message = b"msg_1." + str(AT).encode() + b"." + BODY
    digest = base64.b64encode(hmac.digest(key, message, "sha256")).decode()
    fields = [
        (b"webhook-id", b"msg_1"),
        (b"webhook-timestamp", str(AT).encode()),
        (b"webhook-signature", f"v1,{digest}".encode()),
    ]
    assert PROVIDERS["generic"].verify(Headers.of(fields), BODY, (secret,), NOW)


@given(given_=st.binary(max_size=80), body=st.binary(max_size=80))
def test_no_bytes_do_harm(given_: bytes, body: bytes) -> None:
    assert not is_hex_hmac(given_, body, SECRETS)
    assert not is_token(given_, SECRETS)


@given(st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=80)), max_size=6))
def test_no_header_lets_anybody_in_or_does_harm(fields: list[tuple[bytes, bytes]]) -> None:
    names = [name.encode() for provider in PROVIDERS for name, _ in signed(provider)]
    for name in [*names, b"webhook-id", b"webhook-timestamp", b"webhook-signature"]:
        headers = Headers.of([*fields, *((name, value) for _, value in fields)])
        for provider in PROVIDERS.values():
            assert not provider.verify(headers, BODY, SECRETS, NOW)


def test_secrets_and_signatures_are_compared_in_constant_time_only() -> None:
    """No value shows the difference; so the source is looked at."""
    for function in (signature.is_token, signature.is_hex_hmac, signature.is_standard):
        tree = ast.parse(inspect.getsource(function))
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.Compare)]
        assert "compare_digest" in inspect.getsource(function)
