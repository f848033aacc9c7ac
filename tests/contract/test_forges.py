"""The clients of all forges, against a server that plays their documented APIs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from reconciler import forges
from reconciler.errors import ConfigError, DeliveryRefused, TargetUnavailable
from reconciler.known_forges import ForgeName
from reconciler.outbound.delivery import Forge
from reconciler.outbound.outbox import CommitStatus, PullComment, State
from reconciler.outbound.outgoing import ForgeSettings
from tests.fixtures.forge_server import REPOSITORY, TOKEN, US, ForgeServer, Scripted

SHA = "a1" * 20
MARK = "zoe/lab/platform"


@pytest.fixture(params=get_args(ForgeName))
def server(request: pytest.FixtureRequest, forge_server: Callable[..., ForgeServer]) -> ForgeServer:
    return forge_server(request.param)


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    return path


def settings_of(server: ForgeServer, token_file: Path, **changed: str) -> ForgeSettings:
    given = {"provider": server.provider, "repository": REPOSITORY, "api": server.url} | changed
    return ForgeSettings(token_file=token_file, **given)  # type: ignore[arg-type]


@pytest.fixture
def forge(server: ForgeServer, token_file: Path) -> Forge:
    return forges.forge(settings_of(server, token_file), mark=MARK)


def status(state: State = State.SUCCESS, **changed: str) -> CommitStatus:
    values = {"context": "zoe/apply", "description": "accepted"} | changed
    return CommitStatus(sha=SHA, state=state, **values)


def comment(body: str = "**valid**", url: str = "") -> PullComment:
    return PullComment(pull=7, body=body, url=url)


def test_looking_proves_address_and_token(
    forge: Forge, server: ForgeServer, token_file: Path
) -> None:
    forge.look()
    server.answer_next(Scripted(404))
    with pytest.raises(TargetUnavailable, match="does the token give access"):
        forge.look()
    token_file.unlink()
    with pytest.raises(TargetUnavailable, match="token_file of the forge can't be read"):
        forge.look()


@pytest.mark.parametrize("state", State)
def test_every_state_is_taken(forge: Forge, server: ForgeServer, state: State) -> None:
    forge.set_status(status(state))
    ((sha, told),) = server.statuses
    assert (sha, told["description"]) == (SHA, "accepted")
    assert told.get("context", told.get("name")) == "zoe/apply"


def test_a_status_that_is_there_already_is_fine(forge: Forge, server: ForgeServer) -> None:
    # After a crash between sending and remembering; GitLab answers "cannot transition".
    forge.set_status(status())
    forge.set_status(status())
    assert len(server.requests) == 2


def test_gitlab_refusing_anything_else_is_told(
    forge_server: Callable[..., ForgeServer], token_file: Path
) -> None:
    server = forge_server("gitlab")
    client = forges.forge(settings_of(server, token_file), mark=MARK)
    server.answer_next(Scripted(400, body='{"message": "name is missing"}'))
    with pytest.raises(DeliveryRefused, match="name is missing"):
        client.set_status(status())


def test_a_description_is_cut_to_what_the_forge_takes(forge: Forge, server: ForgeServer) -> None:
    forge.set_status(status(description="ä" * 1000 + "\x1b[31m"))
    told = server.statuses[0][1]["description"]
    assert told.endswith("…")
    assert len(told) == (140 if server.provider == "github" else 255)


def test_a_comment_is_written_once_and_edited_after(forge: Forge, server: ForgeServer) -> None:
    first = forge.upsert_comment(comment("one"), "")
    second = forge.upsert_comment(comment("two"), first)
    (there,) = server.comments
    assert (first, second, there.edits) == (str(there.id), str(there.id), 1)
    assert there.body.endswith("two")
    assert "one" not in there.body


def test_with_a_known_id_nothing_is_listed(forge: Forge, server: ForgeServer) -> None:
    known = forge.upsert_comment(comment(), "")
    server.requests.clear()
    forge.upsert_comment(comment("again"), known)
    assert [request.method for request in server.requests] in (["PATCH"], ["PUT"])


def test_a_comment_whose_id_was_lost_is_found_again(forge: Forge, server: ForgeServer) -> None:
    server.comment(7, "looks good to me")
    known = forge.upsert_comment(comment("one"), "")
    assert forge.upsert_comment(comment("two"), "") == known
    assert [item.author for item in server.comments].count(US) == 1


def test_a_foreign_comment_with_our_mark_is_left_alone(forge: Forge, server: ForgeServer) -> None:
    ours = forge.upsert_comment(comment("valid"), "")
    forged = server.comment(7, server.comments[0].body)
    server.delete(int(ours))
    assert forge.upsert_comment(comment("two"), "") not in (ours, str(forged.id))
    assert forged.edits == 0


def test_who_may_not_ask_who_it_is_takes_no_comment_over(forge: Forge, server: ForgeServer) -> None:
    server.tells_who_we_are = False
    first = forge.upsert_comment(comment("one"), "")
    assert forge.upsert_comment(comment("two"), "") != first


def test_a_deleted_comment_is_written_again(forge: Forge, server: ForgeServer) -> None:
    known = forge.upsert_comment(comment(), "")
    server.delete(int(known))
    assert forge.upsert_comment(comment("again"), known) == str(server.comments[-1].id)


def test_a_comment_beyond_the_limit_ends_with_a_link(forge: Forge, server: ForgeServer) -> None:
    body = "<details>\n\n```diff\n" + "+ a line of a diff\n" * 60_000
    forge.upsert_comment(comment(body, url="https://zoe.example.org/pulls/7"), "")
    text = server.comments[0].body
    assert "Cut off here" in text
    assert "(https://zoe.example.org/pulls/7)" in text
    assert text.count("```") == 2
    assert text.count("</details>") == 1


@pytest.mark.parametrize(
    ("answer", "pause_s"),
    [
        (Scripted(429, {"Retry-After": "30"}), 30),
        (Scripted(403, {"Retry-After": "60"}, '{"message": "secondary rate limit"}'), 60),
        (Scripted(503), None),
        (Scripted(409), None),
        (Scripted(403), None),
        (Scripted(cut=True), None),
        (Scripted(200, {"Content-Length": "100"}, "{}"), None),
    ],
)
def test_what_may_heal_is_told_apart(
    forge: Forge, server: ForgeServer, answer: Scripted, pause_s: int | None
) -> None:
    server.answer_next(answer)
    with pytest.raises(TargetUnavailable) as caught:
        forge.set_status(status())
    assert caught.value.retry_after_s == pause_s
    assert server.statuses == []


def test_githubs_limit_tells_when_it_is_reset(
    forge_server: Callable[..., ForgeServer], token_file: Path
) -> None:
    server = forge_server("github")
    client = forges.forge(settings_of(server, token_file), mark=MARK)
    limit = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(2**35)}
    server.answer_next(Scripted(403, limit))
    with pytest.raises(TargetUnavailable) as caught:
        client.set_status(status())
    assert (caught.value.retry_after_s or 0) > 1_000_000


def test_what_is_refused_for_good_is_told_apart(forge: Forge, server: ForgeServer) -> None:
    server.answer_next(Scripted(422, body='{"message": "No commit found for SHA"}'))
    with pytest.raises(DeliveryRefused, match="No commit found"):
        forge.set_status(status())


def test_a_redirect_is_not_followed(
    forge: Forge, server: ForgeServer, forge_server: Callable[..., ForgeServer]
) -> None:
    elsewhere = forge_server("hook")
    server.answer_next(Scripted(307, {"Location": f"{elsewhere.url}/steal"}))
    with pytest.raises(DeliveryRefused, match=r"leads to .*steal: set the address"):
        forge.set_status(status())
    assert elsewhere.requests == []


def test_the_token_is_in_no_message(forge: Forge, server: ForgeServer, token_file: Path) -> None:
    server.answer_next(Scripted(422, body=f'{{"message": "bad {TOKEN}"}}'))
    with pytest.raises(DeliveryRefused, match=r"bad \[hidden\]"):
        forge.set_status(status())
    token_file.write_text("another")
    with pytest.raises(TargetUnavailable, match="renew token_file") as caught:
        forge.set_status(status())
    assert "another" not in str(caught.value)


def test_a_token_is_read_anew_each_time(
    forge: Forge, server: ForgeServer, token_file: Path
) -> None:
    token_file.write_text("expired")
    with pytest.raises(TargetUnavailable):
        forge.set_status(status())
    token_file.write_text(TOKEN)
    forge.set_status(status())
    assert len(server.statuses) == 1


def test_another_kind_of_server_is_said(forge: Forge, server: ForgeServer) -> None:
    server.answer_next(Scripted(200, body="<html>welcome</html>"), Scripted(200, body="null"))
    with pytest.raises(TargetUnavailable, match="check provider and api"):
        forge.upsert_comment(comment(), "")


@pytest.mark.parametrize(
    ("api", "told"),
    [
        ("http://forge.example.org", "the token needs https"),
        ("ftp://forge.example.org", "write https://HOST/PATH"),
        ("https://user:word@forge.example.org", "holds credentials"),
    ],
)
def test_an_unfit_address_is_refused_at_once(
    server: ForgeServer, token_file: Path, api: str, told: str
) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        forges.forge(settings_of(server, token_file, api=api), mark=MARK)
    assert "word" not in str(caught.value)


def test_gitea_has_no_home_of_its_own(token_file: Path) -> None:
    settings = ForgeSettings(provider="forgejo", repository=REPOSITORY, token_file=token_file)
    with pytest.raises(ConfigError, match="needs api"):
        forges.forge(settings, mark=MARK)
