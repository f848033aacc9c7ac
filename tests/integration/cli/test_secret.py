"""``zoe secret``: from a value to a manifest on a laptop, and back for whom it is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import ConfigError
from reconciler.secrets import age, encrypting, identities
from reconciler.secrets.envelope import Address, unpacked
from reconciler.secrets.own_keys import own_identities
from tests.fixtures.signing import make_key, namespace_with
from tests.fixtures.site import PLATFORM, execution_file
from tests.fixtures.verbs import Clone, Installation, Zoe

BOOK = "executions/aml/book.yaml"


def key_of(installation: Installation) -> age.Identity:
    return identities.read(state(installation))[0]


def state(installation: Installation) -> Path:
    (found,) = installation.path.rglob(identities.FILE)
    return found


def platform_with(printed: str) -> str:
    lines = "".join(f"  {line}\n" for line in printed.splitlines())
    return PLATFORM.replace("spec: {}\n", f"spec:\n{lines}")


def book(secrets: str) -> str:
    return execution_file("book", extra=f"secrets:\n{secrets}", service="secrets: [token]")


@pytest.fixture
def prepared(installation: Installation, clone: Clone) -> Clone:
    """A clone of an installation that has a key, and whose platform.yaml says so."""
    printed = installation("secret", "key")
    assert printed.code == 0
    installation.push({"platform.yaml": platform_with(printed.out)})
    return installation.cloned(clone)


def test_from_a_laptop_into_a_container_and_back_to_members(
    installation: Installation, prepared: Clone, zoe: Zoe, tmp_path: Path
) -> None:
    ada, eve = make_key(tmp_path, "ada"), make_key(tmp_path, "eve")
    (prepared.path / "value").write_bytes(b"hunter2\n")
    asked = ("secret", "encrypt", "--namespace", "aml", "--name", "token", "--file", "value")
    printed = zoe(*asked, cwd=prepared.path)
    assert (printed.code, "hunter2" in printed.out) == (0, False)
    secrets = f"  {printed.out}  made: {{generate: random}}"
    text = book(secrets).replace("[token]", "[token, made]")
    installation.push({"namespaces/aml.yaml": namespace_with("aml", ada), BOOK: text})
    assert installation.process("once").code == 0
    line = printed.out.partition("age: ")[2].strip("}\n")
    opened = unpacked(age.decrypt(line, [key_of(installation)]))
    assert opened.address == Address(deployment="test", namespace="aml", name="token")
    assert opened.value == b"hunter2\n"
    assert installation("status", "aml/book", "-o", "json").data["line"]["state"] == "Running"
    findings = {item["code"] for item in installation("doctor", "-o", "json").data["findings"]}
    assert "SecretsOpen" in findings
    prepared.git("fetch", "-q", "origin")
    show = ("secret", "show", "aml/book")
    shown = zoe(*show, "--identity", str(ada.private), cwd=prepared.path)
    assert (shown.code, len(shown.out.strip())) == (0, 43)
    again = zoe(*show, "made", "--identity", str(ada.private), cwd=prepared.path)
    assert again.out == shown.out
    refused = zoe(*show, "--identity", str(eve.private), cwd=prepared.path)
    assert (refused.code, "members in namespaces/aml.yaml" in refused.err) == (1, True)
    missing = zoe("secret", "show", "aml/other", "--identity", str(ada.private), cwd=prepared.path)
    assert (missing.code, "git fetch" in missing.err) == (1, True)


def test_without_recipients_it_says_who_adds_them(clone: Clone, zoe: Zoe) -> None:
    said = zoe("secret", "encrypt", "--namespace", "aml", "--name", "token", cwd=clone.path)
    assert said.code == 2
    assert "zoe secret key" in said.err


def test_reencrypting_is_for_new_recipients_and_keeps_the_rest(
    installation: Installation, prepared: Clone, zoe: Zoe
) -> None:
    old = key_of(installation)
    address = Address(deployment="test", namespace="aml", name="token")
    line = encrypting.ciphertext(b"hunter2", address, [old.recipient])
    text = book(f"  token: {{age: {line}}}  # the operator's")
    printed = installation("secret", "key", "--new").out
    prepared.write({BOOK: text, "platform.yaml": platform_with(printed)})
    (prepared.path / "zoe.toml").write_text(
        f'deployment = "test"\nstate_dir = "{state(installation).parent}"\n'
    )
    assert zoe("secret", "reencrypt", BOOK, cwd=prepared.path).code == 0
    new = prepared.read(BOOK)
    fresh = new.partition("age: ")[2].partition("}")[0]
    assert new.replace(fresh, line) == text
    assert unpacked(age.decrypt(fresh, [key_of(installation)])).value == b"hunter2"
    with pytest.raises(age.CannotDecrypt):
        age.decrypt(fresh, [old])


def test_a_key_is_ours_to_read_only_and_older_ones_stay(installation: Installation) -> None:
    first = installation("secret", "key").out
    assert installation("secret", "key").out == first
    assert installation("secret", "key", "--new").out != first
    path = state(installation)
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(identities.read(path)) == 2


def test_users_says_who_mounts_what(clone: Clone, zoe: Zoe) -> None:
    own = execution_file(
        "book", extra="secrets: {token: {generate: random}}", service="secrets: [token]"
    )
    theirs = execution_file(
        "job", extra="secrets: {key: {swarm: s3-key}}", service="secrets: [key]"
    )
    clone.write({BOOK: own, "executions/aml/job.yaml": theirs})
    assert zoe("secret", "users", "aml/token", cwd=clone.path).out == (
        "aml/book  main  /run/secrets/token\n"
    )
    assert zoe("secret", "users", "s3-key", cwd=clone.path).out == (
        "aml/job  main  /run/secrets/key\n"
    )
    assert zoe("secret", "users", "nothing", cwd=clone.path).code == 1


def test_a_key_with_a_passphrase_that_nobody_types_is_refused_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_ASKPASS", "/bin/false")
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")  # or it would ask whoever runs the tests
    ada = make_key(tmp_path, "ada", "-N", "correct horse")
    with pytest.raises(ConfigError, match="--identity FILE"):
        own_identities(ada.private)
