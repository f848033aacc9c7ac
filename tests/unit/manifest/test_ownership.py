"""Who owns which path, and by which keys people are known."""

from __future__ import annotations

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest.diagnostic import Complaint
from reconciler.manifest.keys import public_key
from reconciler.manifest.membership import Member, Trust
from reconciler.manifest.ownership import Rules, namespace_of, owners_of, rules_of, rules_of_tenant
from reconciler.manifest.spec import Namespace, Platform
from tests.repositories import Repository, document


def wire(*fields: bytes) -> bytes:
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def key_of(seed: bytes = b"a", kind: str = "ssh-ed25519") -> str:
    blob = wire(kind.encode(), seed * 32)
    return f"{kind} {base64.b64encode(blob).decode()}"


def rsa(bits: int) -> str:
    blob = wire(b"ssh-rsa", b"\x01\x00\x01", b"\0" + (1 << (bits - 1)).to_bytes(bits // 8, "big"))
    return f"ssh-rsa {base64.b64encode(blob).decode()}"


ROOT, ADA, BOB = key_of(b"r"), key_of(b"a"), key_of(b"b")
WEAK = rsa(2048)


# -- keys -----------------------------------------------------------------------------------------


def test_the_comment_of_a_key_doesnt_matter() -> None:
    assert public_key(f"{ADA} ada@laptop, 2026") == public_key(ADA) == ADA


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "isn't a type"),
        ("ssh-dss AAAA", "isn't a type"),
        ("ssh-ed25519-cert-v01@openssh.com AAAA", "isn't a type"),
        ('cert-authority,namespaces="*" ssh-ed25519 AAAA', "isn't a type"),
        ("ssh-ed25519", "isn't of the type"),
        ("ssh-ed25519 AAA", "cut or damaged"),
        (f"{ADA[:-12]}", "cut or damaged"),
        (f"ssh-ed25519  {ADA.split()[1]}", "isn't of the type"),
        (f"ssh-rsa {ADA.split()[1]}", "isn't of the type"),
        (WEAK, "2048 bits"),
        (rsa(32768), "32768 bits"),
    ],
)
def test_what_identifies_nobody_is_refused(text: str, words: str) -> None:
    with pytest.raises(Complaint, match=words) as refused:
        public_key(text)
    assert "ssh-keygen" in refused.value.remedy


def test_rsa_of_enough_bits_is_taken() -> None:
    assert public_key(rsa(3072)) == rsa(3072)


@given(st.text() | st.text(string.ascii_letters + string.digits + "+/= ").map("ssh-rsa {}".format))
def test_any_text_is_a_key_or_refused(text: str) -> None:
    try:
        found = public_key(text)
    except Complaint:
        return
    assert public_key(found) == found


# -- documents ------------------------------------------------------------------------------------


def test_members_and_admins_arrive() -> None:
    repository = Repository.small()
    repository.put(
        "platform.yaml",
        document(
            "Platform",
            "platform",
            f"""
            trust:
              signatures: required
              merges: plain
              admins: [{{name: root, key: {ROOT}}}]
            """,
        ),
    )
    members = f"members: [{{name: ada@example.org, key: {ADA} her laptop}}]"
    repository.put("namespaces/lab.yaml", document("Namespace", "lab", members))
    found = repository.load()
    assert found.diagnostics == ()
    admins = (Member(name="root", key=ROOT),)
    assert found.platform.trust == Trust(is_required=True, takes_plain_merges=True, admins=admins)
    assert found.namespaces["lab"].members == (Member(name="ada@example.org", key=ADA),)


@pytest.mark.parametrize(
    ("path", "kind", "spec", "code"),
    [
        ("platform.yaml", "Platform", "trust: {signatures: required}", "MissingKey"),
        ("platform.yaml", "Platform", "trust: {signatures: always}", "BadValue"),
        ("namespaces/lab.yaml", "Namespace", f"members: [{{key: {ADA}}}]", "MissingKey"),
        ("namespaces/lab.yaml", "Namespace", "members: [{name: a, key: ada}]", "BadFormat"),
        ("namespaces/lab.yaml", "Namespace", f"members: [{{name: a, key: {WEAK}}}]", "BadKey"),
        (
            "namespaces/lab.yaml",
            "Namespace",
            f"members: [{{name: 'a b', key: {ADA}}}]",
            "BadFormat",
        ),
        (
            "namespaces/lab.yaml",
            "Namespace",
            f"members: [{{name: a, key: {ADA}}}, {{name: b, key: {ADA} again}}]",
            "Duplicate",
        ),
    ],
)
def test_what_cant_be_meant_is_an_error(path: str, kind: str, spec: str, code: str) -> None:
    repository = Repository.small()
    name = "lab" if kind == "Namespace" else "platform"
    repository.put(path, document(kind, name, spec))
    (found,) = repository.load().diagnostics
    assert (found.file, found.code) == (path, code)
    assert found.remedy


# -- ownership ------------------------------------------------------------------------------------


def rules() -> Rules:
    return rules_of(
        Platform(trust=Trust(is_required=True, admins=(Member(name="root", key=ROOT),))),
        {
            "aml": Namespace(name="aml", members=(Member(name="ada", key=ADA),)),
            "aml-2": Namespace(name="aml-2", members=(Member(name="ada2", key=ADA),)),
            "lab": Namespace(name="lab", members=(Member(name="bob", key=BOB),)),
        },
    )


def test_a_key_in_several_namespaces_owns_each_and_goes_by_all_its_names() -> None:
    ada = rules().signers[ADA]
    assert (ada.name, ada.namespaces) == ("ada or ada2", {"aml", "aml-2"})
    assert ada.owns("executions/aml/x.yaml")
    assert ada.owns("executions/aml-2/files/deep/x.py")
    assert not ada.owns("executions/lab/x.yaml")


def test_owners_are_told_members_first() -> None:
    assert owners_of("executions/lab/x.yaml", rules()) == ("bob", "root")
    assert owners_of("platform.yaml", rules()) == ("root",)


NAMES = ["executions", "aml", "lab", "aml-2", "Executions", "AML", "", ".", "..", "files"]
LOOKALIKES = [
    "\u0435\u0445ecutions",
    "a\uff4dl",
    "aml\u200b",
    "aml ",
    "lab\0",
    "a\u0301ml",
    "x.yaml",
]
PATHS = st.lists(st.sampled_from([*NAMES, *LOOKALIKES]) | st.text(max_size=4), max_size=6).map(
    "/".join
)


@given(PATHS)
def test_a_path_is_of_one_namespace_or_of_the_admins_alone(path: str) -> None:
    signers = rules().signers
    owners = {key for key, signer in signers.items() if signer.owns(path)}
    assert ROOT in owners
    namespace = namespace_of(path)
    if namespace:
        assert path.startswith(f"executions/{namespace}/")
        assert len(path) > len(f"executions/{namespace}/")
        assert not {"", ".", ".."} & set(path.split("/"))
    expected = {"aml": ADA, "aml-2": ADA, "lab": BOB}.get(namespace, ROOT)
    assert owners == {ROOT, expected}


@given(st.sampled_from(["aml", "lab"]), PATHS)
def test_who_owns_a_folder_owns_all_below_and_nothing_above(namespace: str, path: str) -> None:
    below = f"executions/{namespace}/{path}"
    if namespace_of(below):
        assert namespace_of(below) == namespace
        assert namespace_of(f"{below}/more") == namespace
    assert not namespace_of(f"executions/{namespace}")
    assert not namespace_of(f"x/{below}")
    assert not namespace_of(f"/{below}")


def test_the_rest_of_a_groups_repository_is_of_those_who_are_in_all_that_it_serves() -> None:
    one = Namespace(
        name="one",
        sources=("g",),
        members=(Member(name="ada", key=ADA), Member(name="bob", key=BOB)),
    )
    two = Namespace(name="two", sources=("g",), members=(Member(name="ada", key=ADA),))
    rules = rules_of_tenant(Platform(), {"one": one, "two": two}, "g")
    ada, bob = rules.signers[ADA], rules.signers[BOB]
    for path in ("zapps/x/zapp.yaml", "README.md"):
        assert (ada.owns(path), bob.owns(path)) == (True, False)
    for path in ("executions/three/x.yaml", "executions/x", "executions"):
        assert not ada.owns(path)
    elsewhere = rules_of_tenant(Platform(), {"one": one, "two": two}, "h")
    assert not any(signer.owns("README.md") for signer in elsewhere.signers.values())
