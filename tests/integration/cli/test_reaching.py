"""``zoe open`` for a member: the token and the password that only her key opens."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler import wire
from reconciler.cli import letters
from reconciler.config import Settings
from reconciler.converge.gateway_services import PASSWORD, letter_path
from reconciler.errors import Missing
from tests.fixtures.signing import make_key, namespace_with
from tests.fixtures.site import execution_file
from tests.fixtures.verbs import Clone, Installation, Zoe

BOOK = execution_file(
    "book",
    extra="secrets:\n  token: {generate: random}",
    service="secrets: [token]\nports:\n"
    "  - {name: lab, target: 8888, app_protocol: http, path: '/lab?x=1'}\n"
    "  - {name: web, target: 80, app_protocol: http, route: socks}",
)


def test_a_member_opens_her_notebook_with_its_token_and_others_without(
    installation: Installation,
    clone: Clone,
    zoe: Zoe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ada, eve = make_key(tmp_path, "ada"), make_key(tmp_path, "eve")
    with (installation.path / "zoe.toml").open("a") as settings:
        settings.write("[gateway]\n")
    files = {"namespaces/aml.yaml": namespace_with("aml", ada), "executions/aml/book.yaml": BOOK}
    installation.push(files)
    assert installation.process("once").code == 0
    here = installation.cloned(clone).path
    ask = ("aml/book", "--identity")
    secret = zoe("secret", "show", *ask, str(ada.private), cwd=here).out.strip()
    hers = zoe("open", "--print", "--port", "lab", *ask, str(ada.private), cwd=here)
    assert (hers.code, hers.out.strip().endswith(f"/lab?x=1&token={secret}")) == (0, True)
    others = zoe("open", "--print", "--port", "lab", *ask, str(eve.private), cwd=here)
    assert (others.code, others.out.strip().endswith("/lab?x=1")) == (0, True)
    assert "isn't for your key: add it to members in namespaces/aml.yaml" in others.err

    monkeypatch.chdir(here)
    asked = (letter_path("aml"), "aml", "the password")
    (state,) = {path.parent for path in installation.path.rglob("ledger.key")}
    password = wire.keyring(Settings(state_dir=state)).text("secret", "gateway", "aml")
    assert letters.opened(*asked, ada.private) == {PASSWORD: password}
    with pytest.raises(Missing, match="add it to members"):
        letters.opened(*asked, eve.private)
