"""What the forge is told of a commit: a loop with real Git and database, and a played GitHub."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.cli import main
from reconciler.converge.state import LABEL_UID
from reconciler.errors import ActionFailed
from reconciler.outbound.outbox import State
from reconciler.stored import Changes
from tests.fixtures.forge_server import REPOSITORY, TOKEN, ForgeServer
from tests.fixtures.site import Site, execution_file

JOB = "executions/aml/job.yaml"


@pytest.fixture
def github(forge_server: Callable[..., ForgeServer]) -> ForgeServer:
    return forge_server("github")


@pytest.fixture
def told(site: Site, github: ForgeServer, tmp_path: Path) -> Callable[[], list[tuple[str, ...]]]:
    """Give the site a forge; return what that was told: commit, state, description."""
    forge = github.settings(tmp_path, provider="github", timeout_s=2)
    source = replace(site.settings.platform_source, forge=forge)
    site.settings = replace(site.settings, sources=(source,), page_url="https://zoe.example.org/")
    site.restart()

    def read() -> list[tuple[str, ...]]:
        site.loop.deliver()
        return [(sha, s["state"], s["description"]) for sha, s in github.statuses]

    return read


def test_a_commit_that_was_acted_on_succeeds_once(
    site: Site, github: ForgeServer, told: Callable[[], list[tuple[str, ...]]]
) -> None:
    commit = site.push({JOB: execution_file()})
    site.reconcile(passes=6, ms=5_000)
    assert told() == [(commit, "success", "accepted and acted on")]
    assert github.statuses[0][1]["target_url"] == "https://zoe.example.org/commits"
    site.loop.publish(wait=True)  # a push that lands is written down, too
    version = site.store.state_version()
    site.restart()
    site.reconcile(passes=2)
    assert (len(told()), site.store.state_version()) == (1, version)


def test_an_invalid_file_fails_its_commit_and_says_which(
    site: Site, told: Callable[[], list[tuple[str, ...]]]
) -> None:
    commit = site.push({JOB: "kind: Exekution\n"})
    site.reconcile(passes=2)
    ((sha, state, text),) = told()
    assert (sha, state) == (commit, "failure")
    assert text.startswith(f"{JOB} is invalid")


def test_what_the_swarm_refuses_is_told_until_it_goes_through(
    site: Site, told: Callable[[], list[tuple[str, ...]]]
) -> None:
    site.reconcile()
    told()
    site.cluster.fail_next("create_service", ActionFailed("no such image"))
    commit = site.push({JOB: execution_file()})
    site.reconcile(passes=3)  # backing off, so nothing is refused again
    assert told()[-1] == (commit, "pending", "the Swarm refused: no such image; tried again")
    site.cluster.advance(60_000)
    site.reconcile()
    assert told()[-1] == (commit, "success", "accepted and acted on")


def test_a_commit_that_has_succeeded_stays_so(
    site: Site, told: Callable[[], list[tuple[str, ...]]]
) -> None:
    commit = site.push({JOB: execution_file()})
    site.reconcile(passes=4, ms=5_000)
    for service in site.cluster.observe().services:
        site.cluster.remove_service(service.id, uid=service.spec.labels[LABEL_UID])
    site.cluster.fail_next("create_service", ActionFailed("no such image"))
    site.reconcile(passes=3)
    assert [(sha, state) for sha, state, _ in told()] == [(commit, "success")]


def test_what_an_earlier_commit_brought_is_not_blamed_on_the_next(
    site: Site, told: Callable[[], list[tuple[str, ...]]]
) -> None:
    site.cluster.fail_next("create_service", ActionFailed("no such image"), times=99)
    site.push({JOB: execution_file()})
    site.reconcile(passes=2)
    newest = site.push({"README.md": "nothing that runs"})
    site.reconcile(passes=2)
    assert (newest, "success") in [(sha, state) for sha, state, _ in told()]


def test_a_commit_that_was_overtaken_does_not_stay_pending(
    site: Site, told: Callable[[], list[tuple[str, ...]]]
) -> None:
    site.reconcile()
    told()
    site.cluster.fail_next("create_service", ActionFailed("no such image"))
    overtaken = site.push({JOB: execution_file()})
    site.reconcile()
    told()
    newest = site.push({JOB: execution_file(image="alpine")})
    site.reconcile(passes=2)
    assert sorted((sha, state) for sha, state, _ in told()[2:]) == sorted(
        [(overtaken, "error"), (newest, "success")]
    )


def test_a_tip_that_is_not_followed_says_how_it_would_be(
    site: Site, told: Callable[[], list[tuple[str, ...]]]
) -> None:
    accepted = site.repository.tip()
    site.reconcile()
    rewritten = site.push({JOB: execution_file()}, parents=[])
    site.reconcile(passes=2)
    assert [(sha, state) for sha, state, _ in told()] == [
        (accepted, "success"),
        (rewritten, "failure"),
    ]


def test_a_forge_that_hangs_delays_nothing_but_what_it_is_told(
    site: Site, github: ForgeServer, told: Callable[[], list[tuple[str, ...]]]
) -> None:
    github.gate.clear()
    site.push({JOB: execution_file()})
    site.reconcile(passes=6, ms=5_000)
    assert site.phases() == {"aml/job": "Running"}
    github.gate.set()
    told()
    site.cluster.advance(600_000)
    # Once more than needed: what never answered may have taken it or not.
    assert {state for _, state, _ in told()} == {"success"}


def test_once_ends_when_everything_is_told(
    site: Site, github: ForgeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "zoe.toml").write_text(
        f'cluster = "simulated"\n[[source]]\nid = "platform"\nurl = "{site.repository.path}"\n'
        f'[source.forge]\nprovider = "github"\nrepository = "{REPOSITORY}"\n'
        f'token_file = "token"\napi = "{github.url}"\n'
    )
    monkeypatch.setenv("ZOE_CONFIG", str(tmp_path / "zoe.toml"))
    assert main(["once"]) == 0
    assert [(sha, s["state"]) for sha, s in github.statuses] == [(site.repository.tip(), "success")]
    github.requests.clear()
    assert main(["once"]) == 0
    assert github.requests == []


def test_a_preview_is_one_comment_and_one_status(
    site: Site, github: ForgeServer, told: Callable[[], list[tuple[str, ...]]]
) -> None:
    site.reconcile()
    for body in ("2 valid", "2 valid", "1 error"):
        postings = site.loop.announcer.preview(
            pull=7, sha="c" * 40, state=State.SUCCESS, description="plan", body=body
        )
        site.store.commit(Changes(postings=postings), site.lease)
        told()
    (comment,) = github.comments
    assert (comment.edits, comment.body.splitlines()[1]) == (1, "1 error")
    assert [s["context"] for _, s in github.statuses] == ["zoe/apply", "zoe/plan"]


def test_a_merge_queues_commit_gets_a_status_and_no_comment(
    site: Site, github: ForgeServer, told: Callable[[], list[tuple[str, ...]]]
) -> None:
    postings = site.loop.announcer.preview(
        pull=0, sha="c" * 40, state=State.SUCCESS, description="no manifest changes", body=""
    )
    site.store.commit(Changes(postings=postings), site.lease)
    assert told() == [("c" * 40, "success", "no manifest changes")]
    assert github.comments == []
