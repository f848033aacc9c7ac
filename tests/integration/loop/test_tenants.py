"""Groups' own repositories in one loop: a bad one holds what came from it, and nothing else."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from reconciler import lead
from reconciler.config import SourceSettings
from reconciler.converge.newest import newest
from reconciler.report import Report
from reconciler.source.tenants import parting
from reconciler.store.archive import SqlArchive
from tests.fixtures.signing import Clone, Person, namespace_with, trusting
from tests.fixtures.site import Site, execution_file, namespace_file, opened_site

SUSPENDED = execution_file(extra="suspend: true")
ONE, TWO = "executions/one/book.yaml", "executions/two/book.yaml"


def granting(name: str, *sources: str) -> str:
    return namespace_file(name).replace("spec: {}", f"spec: {{sources: [{', '.join(sources)}]}}")


def zapp(image: str, name: str = "tool", *, profile: str = "") -> str:
    more = f"      security_profile: {profile}\n" if profile else ""
    return (
        f"apiVersion: zoe/v1\nkind: ZApp\nmetadata: {{name: {name}}}\nspec:\n"
        f"  type: interactive\n  services:\n    main:\n      image: {image}\n{more}"
    )


def uses(zapp_name: str, name: str = "book") -> str:
    return (
        f"apiVersion: zoe/v1\nkind: Execution\nmetadata: {{name: {name}}}\n"
        f"spec:\n  zapp: {zapp_name}\n"
    )


@dataclass
class Campus:
    """A platform with the namespaces ``one`` and ``two``, and a repository for each of them."""

    site: Site
    repositories: Mapping[str, Any]

    def push(self, source: str, files: Mapping[str, str | None], **kwargs: Any) -> str:
        commit: str = self.repositories[source].commit(files, **kwargs)
        return commit

    def passes(self, count: int = 1) -> Report:
        """Fetch everything, then make a pass; so many times."""
        for _ in range(count):
            self.site.loop.tenants.lookout.look_now()
            self.site.reconcile()
        return self.site.reports[-1]

    def without(self, source: str) -> None:
        """Take a source out of the settings and start anew."""
        settings = self.site.settings
        left = tuple(one for one in settings.sources if one.id != source)
        self.site.settings = replace(settings, sources=left)
        self.site.restart()

    def held(self, name: str) -> tuple[str, str]:
        conditions = {c["type"]: c for c in self.site.status(name)["conditions"]}
        found = conditions.get("Held", {})
        return found.get("reason", ""), found.get("message", "")

    def problems(self) -> list[Mapping[str, Any]]:
        with SqlArchive(
            self.site.settings.database, clock=self.site.clock, random=random.Random(1)
        ) as archive:
            return list(archive.picture(None).board.problems)

    def codes(self) -> dict[str, str]:
        return {problem["path"]: problem["code"] for problem in self.problems()}


@pytest.fixture
def campus(
    tmp_path: Path, bare_repo: Callable[..., Any], sqlite_template: Path
) -> Iterator[Campus]:
    repositories = {name: bare_repo(name) for name in ("platform", "g1", "g2")}
    repositories["platform"].commit(
        {
            "platform.yaml": "apiVersion: zoe/v1\nkind: Platform\nmetadata: {name: platform}\n"
            "spec: {security: {baseline: {zapps: [root, tool]}}}\n",
            "namespaces/one.yaml": granting("one", "g1"),
            "namespaces/two.yaml": granting("two", "g2"),
        }
    )
    repositories["g1"].commit({ONE: execution_file("book")})
    repositories["g2"].commit({TWO: execution_file("book")})
    tenants = tuple(
        SourceSettings(id=name, url=str(repositories[name].path), role="tenant")
        for name in ("g1", "g2")
    )
    platform = repositories["platform"]
    with opened_site(tmp_path, platform, tenants=tenants, migrated=sqlite_template) as site:
        yield Campus(site, repositories)


def running(campus: Campus) -> set[str]:
    return {name for name, phase in campus.site.phases().items() if phase == "Running"}


def test_each_group_runs_what_its_own_repository_asks_for(campus: Campus) -> None:
    campus.passes(8)
    assert running(campus) == {"one/book", "two/book"}
    rows = {row.namespace: row.source_id for row in campus.site.store.load().executions}
    assert rows == {"one": "g1", "two": "g2"}
    assert campus.site.store.load().accepted.keys() == {"platform", "g1", "g2"}


def test_an_unchanged_world_writes_nothing(campus: Campus) -> None:
    campus.passes(10)
    campus.site.published()
    campus.passes()
    version, effects = campus.site.store.state_version(), len(campus.site.cluster.effects)
    campus.passes(3)
    campus.site.restart()
    campus.passes(3)
    assert campus.site.store.state_version() == version
    assert len(campus.site.cluster.effects) == effects


def test_a_repository_that_is_gone_stops_nobody(campus: Campus) -> None:
    campus.passes(8)
    shutil.rmtree(campus.repositories["g1"].path)
    campus.push("g2", {"executions/two/more.yaml": execution_file("more")})
    campus.push("platform", {"executions/one/ours.yaml": execution_file("ours")})
    campus.passes(8)
    assert running(campus) == {"one/book", "two/book", "two/more", "one/ours"}
    (told,) = [a for a in campus.site.loop.tenants.acceptances() if a.hold]
    assert (told.tenant, told.hold) == ("g1", "SourceUnavailable")
    assert "g1:" in told.message


def test_a_repository_and_its_mirror_that_are_gone_hold_what_came_from_there(
    campus: Campus,
) -> None:
    campus.passes(8)
    shutil.rmtree(campus.repositories["g1"].path)
    shutil.rmtree(campus.site.settings.state_dir / "mirrors/tenants/g1.git")
    campus.site.restart()
    campus.push("g2", {TWO: None, "README.md": "done"})
    campus.passes(8)
    assert campus.site.phases() == {"one/book": "Running", "two/book": "Stopped"}
    code, told = campus.held("one/book")
    assert (code, "g1" in told) == ("SourceUnavailable", True)


def test_a_pass_before_the_first_look_goes_on_from_what_was_accepted(campus: Campus) -> None:
    campus.passes(8)
    effects = len(campus.site.cluster.effects)
    campus.push("g1", {ONE: None})
    campus.site.restart()
    campus.site.reconcile(passes=3)
    assert running(campus) == {"one/book", "two/book"}
    assert campus.held("one/book") == ("", "")
    assert len(campus.site.cluster.effects) == effects


def test_a_reset_branch_holds_its_own_until_its_commit_is_confirmed(campus: Campus) -> None:
    campus.passes(8)
    tip = campus.push("g1", {ONE: None, "README.md": "anew"}, parents=[])
    campus.push("g2", {TWO: None, "README.md": "done"})
    campus.passes(6)
    assert campus.site.phases() == {"one/book": "Running", "two/book": "Stopped"}
    hold = {a.tenant: a.hold for a in campus.site.loop.tenants.acceptances()}
    assert hold == {"g1": "NonDescendant", "g2": ""}
    reasons = {event.reason for event in campus.site.store.events()}
    assert "NonDescendant" in reasons
    campus.site.store.confirm(tip, by="ann", at=campus.site.clock.now())
    campus.passes(6)
    assert campus.site.phases() == {"one/book": "Stopped", "two/book": "Stopped"}


def test_an_emptied_repository_is_judged_by_itself(campus: Campus) -> None:
    many = {
        f"executions/one/e{number}.yaml": execution_file(f"e{number}").replace(
            "cpus: 1", "cpus: 0.1"
        )
        for number in range(7)
    }
    campus.push("g1", many)
    campus.passes(8)
    tip = campus.push("g1", dict.fromkeys([*many, ONE]))
    campus.push("g2", {TWO: None, "README.md": "done"})
    campus.passes(6)
    assert campus.site.phases()["two/book"] == "Stopped"
    code, told = campus.held("one/e1")
    assert (code, f"zoe confirm {tip[:12]}" in told) == ("MassDelete", True)
    campus.site.store.confirm(tip, by="ann", at=campus.site.clock.now())
    campus.passes(6)
    assert running(campus) == set()


def test_a_source_that_was_taken_out_of_the_settings_holds_what_came_from_it(
    campus: Campus,
) -> None:
    campus.passes(8)
    campus.without("g1")
    campus.push("platform", {ONE: execution_file("book", image="other")})
    campus.passes(4)
    assert running(campus) == {"one/book", "two/book"}
    code, told = campus.held("one/book")
    assert (code, "zoe confirm g1" in told) == ("SourceGone", True)
    assert campus.codes() == {ONE: "DuplicateIdentity"}
    accepted = campus.site.store.load().accepted["g1"]
    campus.site.store.confirm(parting("g1", accepted), by="ann", at=campus.site.clock.now())
    campus.passes(10)
    rows = [r for r in campus.site.store.load().executions if r.namespace == "one"]
    assert {row.source_id: row.phase for row in rows} == {"g1": "Stopped", "platform": "Running"}
    (shown,) = newest([row.status for row in rows])
    assert shown["status"]["phase"] == "Running"


def test_a_name_is_one_sources_who_has_it_keeps_it(campus: Campus) -> None:
    campus.push("platform", {"namespaces/one.yaml": granting("one", "g1", "g2")})
    campus.passes(8)
    campus.push("g2", {ONE: execution_file("book", image="theirs")})
    campus.push("platform", {ONE: execution_file("book", image="ours")})
    campus.passes(4)
    images = [s.spec.image for s in campus.site.cluster.observe().services]
    assert images == ["busybox", "busybox"]
    assert campus.codes() == {ONE: "DuplicateIdentity", f"g2:{ONE}": "DuplicateIdentity"}
    told = {problem["path"]: problem["message"] for problem in campus.problems()}
    assert "g2" in told[f"g2:{ONE}"]
    assert "g1" in told[f"g2:{ONE}"]
    campus.push("g1", {ONE: None, "README.md": "gone"})
    campus.passes(10)
    images = sorted(s.spec.image for s in campus.site.cluster.observe().services)
    assert images == ["busybox", "ours"]
    assert campus.codes() == {f"g2:{ONE}": "DuplicateIdentity"}


def test_only_namespaces_that_list_a_source_take_its_executions(campus: Campus) -> None:
    path = "executions/one/thief.yaml"
    campus.push("g2", {path: execution_file("thief")})
    campus.passes(6)
    assert running(campus) == {"one/book", "two/book"}
    assert "one/thief" not in campus.site.phases()
    (problem,) = campus.problems()
    assert (problem["path"], problem["code"]) == (f"g2:{path}", "SourceNotGranted")
    assert "sources: [g1, g2]" in problem["remedy"]


def test_a_grant_that_is_taken_back_stops_nothing_and_starts_nothing(campus: Campus) -> None:
    campus.passes(8)
    campus.push("platform", {"namespaces/one.yaml": namespace_file("one")})
    campus.push("g1", {"executions/one/late.yaml": execution_file("late")})
    campus.passes(4)
    assert running(campus) == {"one/book", "two/book"}
    assert campus.codes()[f"g1:{ONE}"] == "SourceNotGranted"


def test_what_only_the_platform_says_is_ignored_and_told_once(campus: Campus) -> None:
    campus.push(
        "g1",
        {
            "platform.yaml": "apiVersion: zoe/v1\nkind: Platform\nmetadata: {name: p}\n"
            "spec: {suspend: true}\n",
            "namespaces/one.yaml": granting("one", "g1", "g2"),
            "namespaces/mine.yaml": namespace_file("mine"),
            "executions/mine/x.yaml": execution_file("x"),
        },
    )
    campus.passes(8)
    assert running(campus) == {"one/book", "two/book"}
    assert campus.codes() == {
        "g1:namespaces/mine.yaml": "PlatformOnly",
        "g1:executions/mine/x.yaml": "UnknownNamespace",
    }


def test_what_is_ignored_is_told_also_where_it_is_all_that_changed(campus: Campus) -> None:
    campus.passes(2)
    campus.push("g1", {"namespaces/mine.yaml": "x"})
    campus.passes(2)
    assert campus.codes() == {"g1:namespaces/mine.yaml": "PlatformOnly"}
    campus.push("g1", {"namespaces/mine.yaml": None})
    campus.passes(2)
    assert campus.codes() == {}


def test_zapps_of_the_platform_are_for_all_and_a_tenants_for_itself(campus: Campus) -> None:
    campus.push("platform", {"zapps/tool/zapp.yaml": zapp("platforms")})
    campus.push(
        "g1",
        {
            "zapps/tool/zapp.yaml": zapp("mine"),
            "zapps/own/zapp.yaml": zapp("own", "own"),
            ONE: uses("tool"),
            "executions/one/own.yaml": uses("own", "own"),
        },
    )
    campus.push("g2", {TWO: uses("own")})
    campus.passes(8)
    images = {s.spec.image for s in campus.site.cluster.observe().services}
    assert images == {"platforms", "own"}
    assert campus.codes() == {
        "g1:zapps/tool/zapp.yaml": "DuplicateIdentity",
        f"g2:{TWO}": "UnknownZApp",
    }


def test_the_platforms_grant_to_a_zapp_is_no_tenants_by_taking_its_name(campus: Campus) -> None:
    campus.push("platform", {"zapps/tool/zapp.yaml": zapp("busybox", "tool", profile="baseline")})
    campus.push(
        "g1",
        {
            "zapps/root/zapp.yaml": zapp("busybox", "root", profile="baseline"),
            ONE: uses("root"),
            "executions/one/fine.yaml": uses("tool", "fine"),
        },
    )
    campus.passes(8)
    assert running(campus) == {"one/fine", "two/book"}
    assert campus.codes() == {f"g1:{ONE}": "ProfileNotGranted"}


def test_a_file_of_a_group_is_delivered_and_the_platforms_zapp_keeps_its_own(
    campus: Campus,
) -> None:
    files = "files: [{source: files/a.py, target: /a.py}]\n"
    tool = zapp("busybox").replace("  services:", f"  {files}  services:")
    campus.push("platform", {"zapps/tool/zapp.yaml": tool, "zapps/tool/files/a.py": "platforms"})
    mine = execution_file("own", extra=files.strip())
    campus.push(
        "g1",
        {
            ONE: uses("tool"),
            "zapps/tool/files/a.py": "stolen",
            "executions/one/own.yaml": mine,
            "executions/one/files/a.py": "own",
        },
    )
    campus.passes(8)
    assert running(campus) == {"one/book", "one/own", "two/book"}
    configs = {
        effect.spec.data
        for effect in campus.site.cluster.effects
        if effect.method == "create_config"
    }
    assert configs == {b"platforms", b"own"}


@pytest.mark.parametrize(
    "hostile",
    [
        {"executions/one/x.yaml": "\x00" * 100},
        {"executions/one/x.yaml": "[" * 60_000},
        {ONE: None, "executions": "not a folder"},
        {f"executions/one/x{n}.yaml": SUSPENDED.replace("job", f"x{n}") for n in range(501)},
        {"executions/" + "d/" * 200 + "x.yaml": "deep"},
    ],
    ids=["zeros", "nested", "no folder", "too many", "too deep"],
)
def test_hostile_content_holds_its_own(campus: Campus, hostile: Mapping[str, str | None]) -> None:
    campus.passes(6)
    campus.push("g1", hostile)
    campus.push("g2", {"executions/two/more.yaml": execution_file("more")})
    campus.passes(6)
    assert campus.site.phases()["two/more"] == "Running"
    assert campus.site.phases()["two/book"] == "Running"


class Faulty:
    """A source at whose trees we fail."""

    def __init__(self, source: Any) -> None:
        self._source = source

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def tree(self, commit: str) -> Any:
        raise RuntimeError("planted")


def test_a_fault_of_ours_at_one_group_holds_what_came_from_there(campus: Campus) -> None:
    campus.passes(6)
    reader = next(r for r in campus.site.loop.tenants.readers() if r.source.id == "g1")
    reader.source = Faulty(reader.source)
    campus.push("g1", {"executions/one/more.yaml": execution_file("more")})
    campus.push("g2", {"executions/two/more.yaml": execution_file("more")})
    campus.passes(6)
    assert running(campus) == {"one/book", "two/book", "two/more"}
    (told,) = [a.message for a in campus.site.loop.tenants.acceptances() if a.tenant == "g1"]
    assert "a fault in zoe itself (RuntimeError)" in told


def test_commits_of_groups_are_written_down_with_what_they_changed(campus: Campus) -> None:
    campus.passes(2)
    tip = campus.push("g1", {"executions/one/more.yaml": execution_file("more")})
    campus.passes(2)
    campus.site.restart()
    campus.passes(2)
    with SqlArchive(
        campus.site.settings.database, clock=campus.site.clock, random=random.Random(1)
    ) as archive:
        rows = [row for _, row in archive.commits(limit=10)]
    (mine,) = [row for row in rows if row.id == tip]
    assert (mine.source_id, mine.delta.added) == ("g1", ("one/more",))
    assert sorted(row.source_id for row in rows) == ["g1", "g1", "g2", "platform"]


def test_signatures_of_groups_are_checked_from_the_first_commit_on(
    campus: Campus, people: Callable[[str], Person], clone_of: Callable[..., Clone]
) -> None:
    root, ada, bob = map(people, ("root", "ada", "bob"))
    spec = "spec:\n  sources: [g1]\n"
    campus.push(
        "platform",
        {
            "platform.yaml": trusting(root),
            "namespaces/one.yaml": namespace_with("one", ada).replace("spec:\n", spec),
        },
    )
    campus.passes(6)
    holds = {a.tenant: a.hold for a in campus.site.loop.tenants.acceptances()}
    assert holds == {"g1": "Unsigned", "g2": "Unsigned"}
    assert running(campus) == set()
    clone = clone_of(campus.repositories["g1"])
    tip = clone.commit({"README.md": "mine"}, ada)
    campus.site.store.confirm(tip, by="root", at=campus.site.clock.now())
    campus.passes(6)
    assert running(campus) == {"one/book"}
    clone.commit({"zapps/own/zapp.yaml": zapp("own", "own")}, ada)
    campus.passes()
    assert campus.site.loop.tenants.acceptances()[0].hold == ""
    clone.commit({"README.md": "theirs"}, bob)
    campus.passes()
    assert campus.site.loop.tenants.acceptances()[0].hold == "UnknownSigner"


def test_a_damaged_mirror_is_cloned_anew_by_who_fetches(campus: Campus) -> None:
    campus.passes(8)
    mirror = campus.site.settings.state_dir / "mirrors/tenants/g1.git"
    campus.push("g1", {"executions/one/more.yaml": execution_file("more")})
    campus.site.loop.tenants.lookout.look_now()
    for pack in (*mirror.glob("objects/pack/*.pack"), *mirror.glob("objects/??/*")):
        pack.chmod(0o600)
        pack.write_bytes(b"damaged" * 10)
    campus.site.restart()
    campus.passes(10)
    assert running(campus) == {"one/book", "one/more", "two/book"}
    assert mirror.with_name("g1.git.corrupt").exists()


@pytest.mark.parametrize("after", ["commit", "act"])
def test_a_crash_in_between_is_a_delay(
    campus: Campus, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crash(Exception):
        pass

    def crash(*_: object, **__: object) -> None:
        raise Crash

    loop = campus.site.loop
    monkeypatch.setattr(type(loop), "_act" if after == "commit" else "_announce", crash)
    with pytest.raises(Crash):
        campus.passes()
    monkeypatch.undo()
    campus.site.restart()
    campus.passes(8)
    assert running(campus) == {"one/book", "two/book"}
    with SqlArchive(
        campus.site.settings.database, clock=campus.site.clock, random=random.Random(1)
    ) as archive:
        rows = [row.source_id for _, row in archive.commits(limit=10)]
    assert sorted(rows) == ["g1", "g2", "platform"]


def test_a_delivery_for_a_group_has_that_group_fetched_and_nobody_else(campus: Campus) -> None:
    store, lookout = campus.site.store, campus.site.loop.tenants.lookout
    news = threading.Semaphore(0)
    lookout.start(lambda: news.release())
    assert all(news.acquire(timeout=20) for _ in campus.site.loop.tenants.ids)
    old, tips = lookout.finding("g2"), [campus.push(g, {"x": "y"}) for g in ("g1", "g2")]
    store.request_pass("g1")
    assert lead._is_wanted(store, lookout, 0, threading.Event()) is False
    assert news.acquire(timeout=20)
    found = lookout.finding("g1")
    assert (found.tip if found else "", lookout.finding("g2")) == (tips[0], old)
    store.request_pass("platform")
    assert lead._is_wanted(store, lookout, 0, threading.Event()) is True


def test_a_group_may_keep_sets_of_its_own_namespace(campus: Campus) -> None:
    template = "    spec: {type: interactive, services: {main: {image: busybox}}}\n"
    text = (
        "apiVersion: zoe/v1\nkind: ExecutionSet\nmetadata: {name: team}\nspec:\n"
        f"  items: [a, b]\n  template:\n{template}"
    )
    campus.push("g1", {"executions/one/team.yaml": text, "sets/all.yaml": text})
    campus.passes(8)
    assert running(campus) == {"one/book", "one/team-a", "one/team-b", "two/book"}
    assert campus.codes() == {"g1:sets/all.yaml": "PlatformOnly"}
    assert [found.spec.name for found in campus.site.loop.tenants.sets()] == ["team"]
