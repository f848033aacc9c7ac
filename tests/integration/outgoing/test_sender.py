"""The sender: a real database, a real HTTP server, time moved by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from reconciler import forges
from reconciler.outbound.outbox import CommitStatus, Message, Posting, PullComment, State, to_forge
from reconciler.outbound.outgoing import ForgeSettings
from reconciler.outbound.rate import PER_MINUTE
from reconciler.outbound.sender import Sender
from reconciler.ports import Lease
from reconciler.store.repository import SqlStore
from reconciler.stored import Changes
from tests.fixtures.forge_server import REPOSITORY, TOKEN, ForgeServer, Scripted
from tests.fixtures.postgres import FixedClock

SHA = "a1" * 20
FORGE = to_forge("platform")


@dataclass
class Office:
    """An outbox with its sender, and the GitHub that it tells."""

    server: ForgeServer
    store: SqlStore
    clock: FixedClock
    lease: Lease
    token_file: Path
    senders: list[Sender] = field(default_factory=list)

    def put(self, *messages: Message) -> None:
        postings = tuple(Posting(target=FORGE, message=message) for message in messages)
        self.store.commit(Changes(postings=postings), self.lease)

    def begin(self) -> Sender:
        """A sender that knows only what is stored, as after a restart."""
        settings = ForgeSettings(
            provider="github",
            repository=REPOSITORY,
            token_file=self.token_file,
            api=self.server.url,
        )
        forge = forges.forge(settings, mark="zoe/test/platform")
        made = Sender(self.store, forges={FORGE: forge}, notifiers={}, clock=self.clock)
        self.senders.append(made)
        return made

    def flush(self, *, after: timedelta = timedelta()) -> None:
        self.clock.time += after
        (self.senders or [self.begin()])[-1].flush(wait=True)

    @property
    def told(self) -> list[str]:
        return [status["description"] for _, status in self.server.statuses]


@pytest.fixture
def office(
    forge_server: Callable[..., ForgeServer], tmp_path: Path, sqlite_url: str
) -> Iterator[Office]:
    (tmp_path / "token").write_text(TOKEN)
    clock = FixedClock()
    with SqlStore(sqlite_url, deployment="test", clock=clock, random=Random(1)) as store:
        lease = store.acquire_lease("me", ttl_s=10**6)
        assert lease is not None
        made = Office(forge_server("github"), store, clock, lease, tmp_path / "token")
        yield made
        for sender in made.senders:
            sender.close()


def status(
    description: str = "accepted", *, state: State = State.SUCCESS, sha: str = SHA
) -> CommitStatus:
    return CommitStatus(sha=sha, context="zoe/apply", state=state, description=description)


def test_only_changes_are_sent_and_only_the_newest(office: Office) -> None:
    office.put(status("one"), status("two"), PullComment(pull=7, body="plan"))
    office.flush()
    office.put(status("two"), PullComment(pull=7, body="plan"))
    office.flush()
    assert office.told == ["two"]
    assert [(item.body.splitlines()[1], item.edits) for item in office.server.comments] == [
        ("plan", 0)
    ]


def test_the_comment_is_edited_after_a_restart_without_looking_for_it(office: Office) -> None:
    office.put(PullComment(pull=7, body="one"))
    office.flush()
    office.server.requests.clear()
    office.begin()
    office.put(PullComment(pull=7, body="two"))
    office.flush()
    known = office.server.comments[0].id
    assert office.server.calls == [f"PATCH /api/v3/repos/lab/config/issues/comments/{known}"]


def test_a_pause_that_the_forge_asks_for_counts_for_all_it_is_told(office: Office) -> None:
    office.server.answer_next(Scripted(429, {"Retry-After": "3600"}))
    office.put(status("one", sha="b" * 40), status("two"))
    office.flush()
    office.flush(after=timedelta(minutes=59))
    assert (office.told, len(office.server.requests)) == ([], 1)
    office.flush(after=timedelta(minutes=1))
    assert sorted(office.told) == ["one", "two"]


def test_a_fault_is_tried_again_later_and_a_newer_state_at_once(office: Office) -> None:
    office.server.answer_next(Scripted(502), Scripted(cut=True))
    office.put(status("one"))
    office.flush()
    office.flush()
    assert len(office.server.requests) == 1
    office.flush(after=timedelta(minutes=1))
    office.put(status("two"))
    office.flush()
    assert (office.told, len(office.server.requests)) == (["two"], 3)


def test_what_a_forge_refuses_keeps_nothing_else_from_being_told(office: Office) -> None:
    office.server.answer_next(Scripted(422))
    office.put(status("refused", sha="b" * 40), status("fine"))
    office.flush()
    office.flush(after=timedelta(hours=2))
    assert len(office.server.requests) == 2
    assert len(office.told) == 1


def test_a_commit_gets_its_final_state_though_pending_ones_used_it_up(office: Office) -> None:
    """GitHub takes 1000 statuses of a context for a commit and then no more, for good."""
    taken = {"context": "zoe/apply", "description": "before"}
    office.server.statuses += [(SHA, taken)] * 999
    office.put(status("one", state=State.PENDING))
    (letter,) = office.store.waiting_letters()
    office.store.record_delivery(letter, replace(letter, sends=999))
    office.flush()
    assert office.server.requests == []
    office.put(status("accepted"))
    office.flush()
    assert office.told[-1] == "accepted"
    office.put(status("accepted again"))
    office.flush()
    assert len(office.server.requests) == 1


def test_a_flood_is_sent_at_the_pace_that_forges_ask_for(office: Office) -> None:
    office.put(*(status(str(n), sha=f"{n:040x}") for n in range(PER_MINUTE + 5)))
    office.flush()
    assert len(office.told) == PER_MINUTE
    office.flush(after=timedelta(minutes=1))
    assert len(office.told) == PER_MINUTE + 5


def test_two_senders_say_the_same(office: Office) -> None:
    """A leader that was slow to notice its successor."""
    office.put(PullComment(pull=7, body="plan"))
    first, second = office.begin(), office.begin()
    first.flush()
    second.flush()
    for sender in (first, second):
        sender.flush(wait=True)
    assert {item.body for item in office.server.comments} == {"<!-- zoe/test/platform -->\nplan"}
    assert list(office.store.waiting_letters()) == []


def test_the_log_and_the_database_hold_no_token(
    office: Office, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    office.server.answer_next(Scripted(503, body=f'{{"message": "upstream got {TOKEN}"}}'))
    office.put(status())
    with caplog.at_level("DEBUG"):
        office.flush()
    (letter,) = office.store.waiting_letters()
    assert "[hidden]" in letter.error
    assert TOKEN not in caplog.text + str([record.__dict__ for record in caplog.records])
    assert not any(TOKEN.encode() in path.read_bytes() for path in tmp_path.glob("*.db*"))


def test_a_letter_that_nobody_can_handle_keeps_none_from_being_sent(office: Office) -> None:
    office.token_file.write_text("\N{SNOWMAN}")  # no header can hold it
    office.put(status("one"))
    office.flush()
    (letter,) = office.store.waiting_letters()
    assert letter.error.startswith("a fault in zoe itself")
    office.token_file.write_text(TOKEN)
    office.put(status("two", sha="b" * 40))
    office.flush()
    office.flush(after=timedelta(minutes=1))
    assert office.told == ["two", "one"]


def test_a_target_that_fails_is_asked_once_a_round(office: Office) -> None:
    office.server.answer_next(*[Scripted(cut=True)] * 3)
    office.put(*(status(str(n), sha=f"{n:040x}") for n in range(3)))
    office.flush()
    assert len(office.server.requests) == 1
    for _ in range(6):
        office.flush(after=timedelta(minutes=1))
    assert sorted(office.told) == ["0", "1", "2"]
