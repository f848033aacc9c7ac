"""The database is gone or older: nothing runs twice, nothing is stopped, everything is told."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from reconciler.cluster.fake import Outcome
from reconciler.converge.recovery import Finding
from reconciler.converge.world import HoldRequest
from reconciler.errors import ConfigError, DatabaseBehind, SourceUnavailable
from tests.fixtures.site import Site, execution_file
from tests.integration.rebuild.lost import back_up, fresh, rebuilt, verify, with_database

BOOK = {"executions/aml/book.yaml": execution_file("book")}
DONE = {"executions/aml/done.yaml": execution_file("done", type_="batch")}
LONG = {"executions/aml/long.yaml": execution_file("long", type_="batch", image="long")}


@pytest.fixture
def lived(site: Site) -> Site:
    """A notebook and a batch that run, and a batch that has ended and whose service is gone."""
    site.cluster.script("quick", Outcome.exits(0))
    done = {path: text.replace("busybox", "quick") for path, text in DONE.items()}
    site.push({**BOOK, **done, **LONG})
    site.reconcile(passes=8)
    site.published()
    site.cluster.advance(61_000)
    site.reconcile(passes=2)
    site.published()
    assert site.phases() == RUNNING
    return site


RUNNING = {"aml/book": "Running", "aml/long": "Running", "aml/done": "Succeeded"}


def _unreachable() -> None:
    raise SourceUnavailable("the forge is away")


def statuses(site: Site) -> dict[str, dict[str, object]]:
    kept = ("phase", "reason", "exitCode", "queuedAt", "startedAt", "endedAt", "attempt", "type")
    rows = site.store.load().executions
    return {row.name: {k: row.status["status"].get(k) for k in kept} for row in rows}


def test_an_empty_database_beside_what_runs_changes_nothing(lived: Site, tmp_path: Path) -> None:
    database = with_database(lived, fresh(tmp_path))
    with database, pytest.raises(DatabaseBehind, match="zoe rebuild"):
        verify(lived)


def test_a_rebuilt_database_knows_the_same_and_touches_nothing(lived: Site, tmp_path: Path) -> None:
    before, writes, facts = statuses(lived), lived.writes(), lived.store.load().entries
    with with_database(lived, fresh(tmp_path)):
        done = rebuilt(lived)
        assert set(done.found.values()) == {Finding.AS_TOLD}
        assert (done.adopted, done.bad, done.orphans) == (frozenset(), (), ())
        assert lived.store.load().entries[:-1] == facts
        assert statuses(lived) == before
        verify(lived)
        lived.reconcile(passes=3)
        assert lived.writes() == writes
        assert statuses(lived) == before
        assert lived.lease.epoch > 1


def test_rebuilding_again_finds_nothing_to_do(lived: Site, tmp_path: Path) -> None:
    with with_database(lived, fresh(tmp_path)):
        rebuilt(lived)
        before = lived.store.load()
        assert rebuilt(lived).facts == 0
        assert lived.store.load() == before


def test_an_older_database_is_held_and_gets_what_it_misses(lived: Site, tmp_path: Path) -> None:
    back_up(tmp_path / "zoe.db", tmp_path / "old.db")
    lived.push({"executions/aml/late.yaml": execution_file("late", type_="batch", image="quick")})
    lived.reconcile(passes=8)
    lived.published()
    lived.cluster.advance(61_000)
    lived.reconcile(passes=2)
    lived.published()
    before, writes = statuses(lived), lived.writes()
    with with_database(lived, fresh(tmp_path, "old")):
        with pytest.raises(DatabaseBehind, match="older"):
            verify(lived)
        assert rebuilt(lived).found
        verify(lived)
        lived.reconcile(passes=3)
        assert lived.writes() == writes
        assert statuses(lived) == before


def test_a_database_that_went_on_by_itself_is_refused(lived: Site, tmp_path: Path) -> None:
    back_up(tmp_path / "zoe.db", tmp_path / "fork.db")
    lived.push({"executions/aml/here.yaml": execution_file("here")})
    lived.reconcile(passes=6)
    lived.published()
    with with_database(lived, fresh(tmp_path, "fork")):
        lived.loop.publisher.before_push = _unreachable
        lived.push({"executions/aml/there.yaml": execution_file("there", image="other")})
        lived.reconcile(passes=6)
        lived.restart()
        with pytest.raises(DatabaseBehind):
            verify(lived)
        with pytest.raises(ConfigError, match="same numbers"):
            rebuilt(lived)


def versions_of(site: Site, path: str) -> list[bytes]:
    """What a file of the status branch has held, the oldest first."""
    git = site.repository.git
    found: list[bytes] = []
    for commit in git.walk(site.repository.tip("zoe/status")):
        with suppress(KeyError):
            found.insert(0, git[commit.tree[path].id].data)
    return found


@pytest.mark.parametrize("damage", ["gone", "changed", "older"])
def test_a_batch_whose_file_was_tampered_with_is_not_run(
    lived: Site, tmp_path: Path, damage: str
) -> None:
    """An older version of a file is signed as well: the head knows that it is older."""
    (uid,) = [r.uid for r in lived.store.load().executions if r.name == "done"]
    path = f"ledger/{uid[:2]}/{uid}.yaml"
    first, *_, last = versions_of(lived, path)
    change = {"gone": None, "changed": last.replace(b"code: 0", b"code: 1"), "older": first}
    lived.repository.commit({path: change[damage]}, branch="zoe/status")
    writes = lived.writes()
    with with_database(lived, fresh(tmp_path)):
        done = rebuilt(lived)
        assert done.found[uid] is Finding.MAY_HAVE_RUN
        assert done.suspect == {uid[:2]}
        lived.reconcile(passes=4)
        assert lived.writes() == writes
        status = lived.status("aml/done")
        assert (status["phase"], status["reason"]) == ("Unknown", "MayHaveRun")


def test_with_all_lost_no_batch_runs_until_its_run_rises(site: Site) -> None:
    site.push({**DONE, **BOOK})
    with pytest.raises(ConfigError, match="nothing-left"):
        rebuilt(site)
    rebuilt(site, is_all_lost=True)
    site.reconcile(passes=6)
    assert site.phases() == {"aml/done": "Unknown", "aml/book": "Running"}
    site.push({"executions/aml/done.yaml": execution_file("done", type_="batch", run=2)})
    site.reconcile(passes=6)
    assert site.phases()["aml/done"] == "Running"


def test_a_new_installation_just_runs(site: Site) -> None:
    site.push({**DONE, **BOOK})
    verify(site)
    site.reconcile(passes=6)
    assert site.phases() == {"aml/done": "Running", "aml/book": "Running"}


def test_an_installation_that_has_published_but_has_no_fact_yet_goes_on(site: Site) -> None:
    """Nobody has asked for anything that could be read."""
    site.push({"executions/aml/book.yaml": "kind: Nonsense\n"})
    site.reconcile()
    site.published()
    site.restart()
    verify(site)
    site.push(BOOK)
    site.reconcile(passes=4)
    assert site.phases() == {"aml/book": "Running"}


def test_what_the_branch_doesnt_know_yet_is_entered_as_the_swarm_shows_it(
    lived: Site, tmp_path: Path
) -> None:
    """The last pushes were lost: facts of seconds, in which two executions had started."""
    lived.loop.publisher.before_push = _unreachable
    more = {"late": "batch", "shell": "interactive"}
    files = {f"executions/aml/{n}.yaml": execution_file(n, type_=t) for n, t in more.items()}
    lived.push(files)
    lived.reconcile(passes=6)
    lived.loop.publisher.before_push = lambda: None
    writes = lived.writes()
    with with_database(lived, fresh(tmp_path)):
        # The commit was accepted after the last push, so it is fetched and read again.
        lived.repository.commit({"README.md": "later"})
        done = rebuilt(lived)
        assert Finding.MAY_HAVE_RUN not in done.found.values()
        lived.reconcile(passes=6)
        assert lived.phases() == {**RUNNING, "aml/late": "Running", "aml/shell": "Running"}
        assert lived.writes() == writes


def test_a_batch_whose_services_are_gone_is_not_run_again_until_it_is_released(
    lived: Site, tmp_path: Path
) -> None:
    (service,) = [
        s.spec.name
        for s in lived.cluster.observe().services
        if s.spec.labels.get("zoe.execution") == "long"
    ]
    lived.cluster.remove_by_hand(service)
    with with_database(lived, fresh(tmp_path)):
        rebuilt(lived)
        lived.reconcile(passes=3)
        assert lived.phases() == {**RUNNING, "aml/long": "Unknown"}
        lived.cluster.advance(1_000)
        asked = HoldRequest(
            namespace="aml", name="long", by="ann", at=lived.clock.now(), is_release=True
        )
        lived.store.ask_hold(asked)
        lived.cluster.advance(60_000)
        lived.reconcile(passes=8)
        assert lived.phases() == RUNNING


def test_what_runs_of_an_unknown_make_stays_as_it_is_until_its_next_run(
    lived: Site, tmp_path: Path
) -> None:
    """Its manifest was changed in place of history: the spec that was frozen is nowhere."""
    path = "executions/aml/book.yaml"
    gone = lived.repository.tip()
    changed = execution_file("book", image="newer")
    lived.push({path: changed}, parents=[])
    lived.store.confirm(str(lived.repository.tip()), by="ann", at=lived.clock.now())
    with with_database(lived, fresh(tmp_path)):
        shutil.rmtree(lived.settings.state_dir / "mirror.git")
        lived.restart()
        writes = lived.writes()
        done = rebuilt(lived)
        assert {done.names[uid] for uid in done.adopted} == {"aml/book"}, gone
        lived.reconcile(passes=4)
        assert lived.writes() == writes
        assert lived.phases() == RUNNING
        lived.push({path: changed.replace("run: 1", "run: 2")})
        lived.reconcile(passes=10)
        images = {
            s.spec.image
            for s in lived.cluster.observe().services
            if s.spec.labels.get("zoe.execution") == "book"
        }
        assert images == {"newer"}


def test_a_file_that_is_broken_now_keeps_its_last_good_version(lived: Site, tmp_path: Path) -> None:
    lived.push({"executions/aml/book.yaml": execution_file("book").replace("busybox", "[busybox")})
    lived.reconcile(passes=2)
    lived.push({"executions/aml/more.yaml": execution_file("more")})
    lived.reconcile(passes=6)
    lived.published()
    good, writes = lived.store.load().good_files, lived.writes()
    with with_database(lived, fresh(tmp_path)):
        rebuilt(lived)
        known = {(file.path, file.blob) for file in lived.store.load().good_files}
        assert known == {(file.path, file.blob) for file in good}
        lived.reconcile(passes=3)
        assert lived.writes() == writes
