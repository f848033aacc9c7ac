"""From a commit to the cluster and back, on real Git and a real database, in virtual time."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace

import pytest
import yaml

from policy.model.execution import NodeId, Uid
from reconciler.cluster.fake import Outcome, fake_node
from reconciler.config import StorageSettings
from reconciler.converge import naming
from reconciler.converge.plan import CreateService
from reconciler.converge.state import ConfigSpec
from reconciler.errors import (
    ActionFailed,
    ClusterUnavailable,
    ConflictError,
    NameTaken,
    ReconcilerError,
    SourceUnavailable,
)
from tests.fixtures.site import Site, execution_file, namespace_file

BOOK = "executions/aml/book.yaml"
JOB = "executions/aml/job.yaml"
WORKSPACE = "volumes: [{type: workspace, target: /work}]"


def zapp(image: str) -> str:
    return (
        "apiVersion: zoe/v1\nkind: ZApp\nmetadata: {name: tool}\nspec:\n  type: interactive\n"
        f"  services:\n    main:\n      image: {image}\n"
    )


USES_ZAPP = "apiVersion: zoe/v1\nkind: Execution\nmetadata: {name: book}\nspec:\n  zapp: tool\n"


def services(site: Site) -> set[str]:
    return {
        s.spec.labels["zoe.execution"]
        for s in site.cluster.observe().services
        if "zoe.execution" in s.spec.labels
    }


def test_a_pushed_notebook_runs_and_says_so_on_the_status_branch(site: Site) -> None:
    site.push({BOOK: execution_file("book")})
    site.reconcile(passes=10)
    assert site.phases() == {"aml/book": "Running"}
    published = site.published()
    (path,) = [p for p in published if p.startswith("status/aml/") and p.endswith("book.yaml")]
    assert yaml.safe_load(published[path])["status"]["phase"] == "Running"
    assert b"Running" in published["status/aml/README.md"]
    assert any(p.startswith("ledger/") for p in published)
    assert "cluster/snapshot.yaml" in published


def test_components_whose_names_begin_alike_run_side_by_side(site: Site) -> None:
    both = execution_file("job")
    both += both.partition("services:\n")[2].replace("main:", "spark-worker-gpu:")
    site.push({JOB: both.replace("main:", "spark-worker-cpu:")})
    site.reconcile(passes=6)
    components = site.status("aml/job")["components"]
    assert [(c["name"], c["running"], c["nodes"]) for c in components] == [
        ("spark-worker-cpu", 1, ["n1"]),
        ("spark-worker-gpu", 1, ["n1"]),
    ]


def test_what_runs_under_a_name_of_an_earlier_version_goes_on(site: Site) -> None:
    """On nodes of their own, components whose names begin alike had no need of other names."""
    of_one = execution_file("job", type_="batch", service="completes: true")
    both = of_one + of_one.partition("services:\n")[2].replace("main:", "spark-worker-gpu:")
    site.push({JOB: both.replace("main:", "spark-worker-cpu:").replace("cpus: 1", "cpus: 3")})
    site.reconcile(passes=6)
    (of_gpu,) = (
        service.spec
        for service in site.cluster.observe().services
        if service.spec.labels["zoe.component"] == "spark-worker-gpu"
    )
    site.cluster.remove_by_hand(of_gpu.name)
    name = naming.service_name(
        execution="job",
        component="spark-worker-gpu",
        uid=Uid(of_gpu.labels["zoe.uid"]),
        incarnation=1,
        attempt=1,
        node=of_gpu.node,
    )
    site.cluster.create_service(replace(of_gpu, name=name))
    writes = site.writes()
    site.restart()
    site.reconcile(passes=6)
    assert (site.writes(), site.phases()) == (writes, {"aml/job": "Running"})


def test_each_of_many_groups_has_its_own_workspace_prepared(site: Site) -> None:
    groups = [f"machine-learning-group-{number:02}" for number in (1, 2, 3)]
    book = execution_file("book", service=WORKSPACE)
    site.push({f"namespaces/{group}.yaml": namespace_file(group) for group in groups})
    site.push({f"executions/{group}/book.yaml": book for group in groups})
    site.reconcile(passes=8)
    made = [service.spec for service in site.cluster.observe().services]
    prepared = [spec.mounts[0].source for spec in made if spec.labels["zoe.kind"] == "init"]
    assert sorted(prepared) == [f"zoe-test-{group}-workspace" for group in groups]


def test_the_results_of_nodes_that_are_called_the_same_are_all_kept(site: Site) -> None:
    """As copies of one machine are: the Swarm itself tells nodes apart by their ids."""
    for node in site.cluster.observe().nodes:
        site.cluster.drain(node.hostname)
    for number in (1, 2):
        copy = fake_node("debian", cpu_millis=1000)
        site.cluster.add_node(replace(copy, id=NodeId(f"copy-{number}")))
    ends = (Outcome.exits(code, after_ms=1000, log=f"{code}\n") for code in (0, 3))
    site.cluster.script("busybox", *ends)
    site.push({JOB: execution_file(type_="batch", service="replicas: 2")})
    site.reconcile(passes=10)
    (row,) = site.store.load().executions
    found = {(h.node, h.exit_code, h.log_tail) for h in site.store.harvests(row.uid)}
    assert {(code, log) for _, code, log in found} == {(0, "0\n"), (3, "3\n")}
    assert {node for node, *_ in found} == {"debian-copy-1", "debian-copy-2"}


def test_what_somebody_made_with_our_labels_ends_no_pass(site: Site) -> None:
    site.push({BOOK: execution_file("book")})
    site.reconcile(passes=8)
    (book,) = site.cluster.observe().services
    labels = {"zoe.deployment": "test", "zoe.kind": "keep"}
    site.cluster.create_config(ConfigSpec(name="notes", labels=labels, data=b""))
    copied = {**book.spec.labels, "zoe.attempt": "9" * 20}
    site.cluster.script("copy", Outcome.exits(0))
    site.cluster.add_foreign_service("copy", node="n1", labels=copied)
    site.push({JOB: execution_file()})
    site.reconcile(passes=8)
    assert site.phases() == {"aml/book": "Running", "aml/job": "Running"}


def offers(site: Site, *names: str) -> None:
    """Restart with these storages beside the workspace."""
    storage = {name: StorageSettings(name=name) for name in ("workspace", *names)}
    site.settings = replace(site.settings, storage=storage)
    site.restart()


@pytest.mark.parametrize("type_", ["interactive", "batch"])
def test_what_runs_goes_on_when_its_storage_is_taken_out_of_zoe_toml(
    site: Site, type_: str
) -> None:
    mounts = "volumes: [{type: volume, source: scratch, target: /work}]"
    offers(site, "scratch")
    site.push({BOOK: execution_file("book", type_=type_, service=mounts)})
    site.reconcile(passes=8)
    offers(site)
    writes = len(site.writes())
    site.push({JOB: execution_file(image="other")})
    site.reconcile(passes=8)
    assert site.phases() == {"aml/book": "Running", "aml/job": "Running"}
    assert not any("book-main" in write for write in site.writes()[writes:])
    assert "[storage.scratch]" in (site.condition("aml/book", "Held") or "")
    site.cluster.kill_node("n1")
    site.reconcile(passes=8, ms=5000)
    assert (site.phases()["aml/book"], site.status("aml/book")["reason"]) == (
        "Pending",
        "UnknownStorage",
    )
    offers(site, "scratch")
    site.cluster.start_node("n1")
    site.reconcile(passes=8, ms=5000)
    assert site.phases()["aml/book"] == "Running"


def test_a_storage_that_is_moved_is_prepared_where_it_is_now(site: Site) -> None:
    site.push({BOOK: execution_file("book", service=WORKSPACE)})
    site.reconcile(passes=8)
    moved = {"workspace": StorageSettings(name="workspace", path="/srv/new", shared=True)}
    site.settings = replace(site.settings, storage=moved)
    site.restart()
    site.push({JOB: execution_file(service=WORKSPACE)})
    site.reconcile(passes=8)
    made = [service.spec for service in site.cluster.observe().services]
    prepared = [spec.mounts[0].source for spec in made if spec.labels["zoe.kind"] == "init"]
    mounted = {s.labels["zoe.execution"]: s.mounts[0].source for s in made if s.name[:4] != "init"}
    assert prepared == ["/srv/new"]
    assert mounted == {"book": "zoe-test-aml-workspace", "job": "/srv/new/aml"}


def test_a_batch_succeeds_with_its_exit_code_and_log_kept(site: Site) -> None:
    site.cluster.script("busybox", Outcome.exits(0, after_ms=1000, log="hello\n"))
    site.push({JOB: execution_file(type_="batch")})
    site.reconcile(passes=12)
    status = site.status("aml/job")
    assert (status["phase"], status["exitCode"]) == ("Succeeded", 0)
    (harvest,) = site.store.harvests(site.store.load().executions[0].uid)
    assert (harvest.log_tail.strip(), harvest.exit_code) == ("hello", 0)


@pytest.mark.parametrize("failing", [2, 1000])
def test_a_log_that_cant_be_read_holds_nobody_up_for_long(site: Site, failing: int) -> None:
    site.cluster.script("busybox", Outcome.exits(0, after_ms=1000, log="hello\n"))
    site.push({JOB: execution_file(type_="batch")})
    site.reconcile(ms=3000)
    site.cluster.fail_next("logs", ClusterUnavailable("logs: timed out"), times=failing)
    site.push({BOOK: execution_file("book", image="other")})
    for _ in range(min(failing, 3)):
        with pytest.raises(ClusterUnavailable):
            site.reconcile()
    site.reconcile(passes=6)
    assert site.phases() == {"aml/job": "Succeeded", "aml/book": "Running"}
    (uid,) = (row.uid for row in site.store.load().executions if row.name == "job")
    (harvest,) = site.store.harvests(uid)
    told = "hello\n" if failing == 2 else "zoe couldn't read this log: logs: timed out\n"
    assert (harvest.log_tail, harvest.exit_code) == (told, 0)


def test_passes_wait_no_more_for_the_logs_of_a_node_that_was_silent(site: Site) -> None:
    site.cluster.script("busybox", Outcome.exits(0, after_ms=1000, log="hello\n"))
    asked = {f"executions/aml/{name}.yaml": name for name in ("a", "b")}
    site.push({path: execution_file(name, type_="batch") for path, name in asked.items()})
    site.reconcile(ms=3000)
    site.cluster.fail_next("logs", ClusterUnavailable("logs: timed out"), times=5)
    for _ in range(3):
        with pytest.raises(ClusterUnavailable):
            site.reconcile()
    site.reconcile(passes=2)  # of both, one is asked for
    for name in ("c", "d"):
        site.push({f"executions/aml/{name}.yaml": execution_file(name, type_="batch")})
        site.reconcile(passes=4, ms=3000)
    rows = {row.name: row.uid for row in site.store.load().executions}
    told = {name: site.store.harvests(uid)[0].log_tail for name, uid in rows.items()}
    silent = "zoe couldn't read this log: logs: timed out\n"
    beside = "zoe didn't ask for this log, after another one of its node: logs: timed out\n"
    assert told == {"a": silent, "b": beside, "c": silent, "d": "hello\n"}
    site.cluster.fail_next("logs", ClusterUnavailable("logs: timed out"))
    site.push({"executions/aml/e.yaml": execution_file("e", type_="batch")})
    with pytest.raises(ClusterUnavailable):
        site.reconcile(passes=4, ms=3000)


def test_a_finished_service_goes_a_minute_after_its_result_was_published(site: Site) -> None:
    site.cluster.script("busybox", Outcome.exits(0))
    site.push({JOB: execution_file(type_="batch")})
    site.reconcile(passes=10)
    assert services(site) == {"job"}
    site.published()
    site.cluster.advance(61_000)
    site.reconcile()
    assert services(site) == set()
    assert site.phases() == {"aml/job": "Succeeded"}


def test_one_broken_file_stops_nobody_and_its_last_good_version_stays(site: Site) -> None:
    site.push({BOOK: execution_file("book"), JOB: execution_file()})
    site.reconcile(passes=8)
    writes = len(site.cluster.effects)
    site.push({BOOK: execution_file("book").replace("busybox", "[busybox")})
    site.reconcile(passes=2)
    assert len(site.cluster.effects) == writes
    assert site.phases() == {"aml/book": "Running", "aml/job": "Running"}
    conditions = {c["type"]: c for c in site.status("aml/book")["conditions"]}
    assert conditions["Validated"]["status"] == "False"
    site.push({"executions/aml/new.yaml": execution_file("new")})
    site.reconcile(passes=8)
    assert site.phases()["aml/new"] == "Running"


def test_a_file_that_never_was_valid_is_invalid_with_its_place(site: Site) -> None:
    site.push({BOOK: execution_file("book").replace("type: interactive", "type: interactiv")})
    site.reconcile()
    status = site.status("aml/book")
    assert status["phase"] == "Invalid"
    assert "executions/aml/book.yaml:5:9" in status["message"]


def test_an_invalid_file_that_goes_away_is_told_to_be_gone(site: Site) -> None:
    site.push({BOOK: execution_file("book").replace("type: interactive", "type: no"), JOB: "a: ["})
    site.reconcile()
    site.push({BOOK: execution_file("book"), JOB: None})
    site.reconcile(passes=8)
    assert site.phases() == {"aml/book": "Running", "aml/job": "Stopped"}
    site.published()  # that a push landed is written as well, whenever that is
    version = site.store.state_version()
    site.reconcile(passes=2)
    assert site.store.state_version() == version


def test_a_service_removed_by_hand_is_back_within_one_pass(site: Site) -> None:
    site.push({BOOK: execution_file("book")})
    site.reconcile(passes=8)
    (service,) = site.cluster.observe().services
    site.cluster.remove_by_hand(service.spec.name)
    assert services(site) == set()
    site.reconcile()
    assert services(site) == {"book"}


def test_a_service_changed_by_hand_is_put_back_and_a_scale_too(site: Site) -> None:
    site.push({BOOK: execution_file("book")})
    site.reconcile(passes=8)
    (service,) = site.cluster.observe().services
    site.cluster.update_by_hand(
        service.spec.name, lambda spec: replace(spec, replicas=3, image="evil")
    )
    site.reconcile(passes=2)
    (service,) = site.cluster.observe().services
    assert (service.spec.image, service.spec.replicas) == ("busybox", 1)


def test_a_deleted_file_is_gone_from_the_cluster_and_its_status_is_final(site: Site) -> None:
    site.push({BOOK: execution_file("book"), JOB: execution_file()})
    site.reconcile(passes=8)
    site.push({BOOK: None})
    site.reconcile(passes=8)
    assert services(site) == {"job"}
    status = site.status("aml/book")
    assert (status["phase"], status["reason"]) == ("Stopped", "Deleted")


def test_an_ended_notebook_starts_again_with_a_higher_run_on_its_workspace(site: Site) -> None:
    book = execution_file("book", extra="lifetime: 10s", service=WORKSPACE)
    site.push({BOOK: book})
    site.reconcile(passes=10)
    first = _volumes(site)
    site.cluster.advance(20_000)
    site.reconcile(passes=8)
    assert site.status("aml/book")["reason"] == "LifetimeReached"
    site.push({BOOK: book.replace("run: 1", "run: 2")})
    site.reconcile(passes=10)
    assert site.status("aml/book")["phase"] == "Running"
    assert _volumes(site) == first


def _volumes(site: Site) -> set[tuple[str, str]]:
    return {
        (service.spec.node, mount.source)
        for service in site.cluster.observe().services
        for mount in service.spec.mounts
        if mount.target == "/work"
    }


def test_nothing_changed_means_no_write_anywhere(site: Site) -> None:
    site.push({BOOK: USES_ZAPP, "zapps/tool/zapp.yaml": zapp("busybox")})
    site.reconcile(passes=8)
    site.published()
    writes, version, tip = (
        len(site.cluster.effects),
        site.store.state_version(),
        site.repository.tip("zoe/status"),
    )
    site.reconcile(passes=3)
    site.restart()
    site.reconcile(passes=3)
    site.push({"README.md": "unrelated"})
    site.reconcile(passes=2)
    site.published()
    assert len(site.cluster.effects) == writes
    assert site.repository.tip("zoe/status") == tip
    assert site.store.state_version() - version <= 1  # the accepted commit


def test_an_edit_of_the_zapp_makes_no_cluster_write_or_status_commit_and_says_outdated(
    site: Site,
) -> None:
    site.push({BOOK: USES_ZAPP, "zapps/tool/zapp.yaml": zapp("busybox")})
    site.reconcile(passes=8)
    site.published()
    writes, tip = len(site.cluster.effects), site.repository.tip("zoe/status")
    site.push({"zapps/tool/zapp.yaml": zapp("busybox:2")})
    site.reconcile(passes=2)
    site.published()
    assert len(site.cluster.effects) == writes
    assert "Outdated" in {c["type"] for c in site.status("aml/book")["conditions"]}
    assert site.repository.tip("zoe/status") == tip


def test_a_wrong_image_pushed_to_a_running_notebook_is_held_not_fatal(site: Site) -> None:
    site.cluster.remove_image("busybox:typo")
    site.push({BOOK: execution_file("book")})
    site.reconcile(passes=8)
    site.push({BOOK: execution_file("book", image="busybox:typo")})
    site.reconcile(passes=30)
    (service,) = site.cluster.observe().services
    assert service.spec.image == "busybox"
    assert site.phases() == {"aml/book": "Running"}
    assert _condition(site, "aml/book", "Held")["reason"] == "UpdateFailed"
    writes = len(site.cluster.effects)
    site.reconcile(passes=10)
    assert len(site.cluster.effects) == writes


def test_a_crash_after_any_call_loses_nothing_and_doubles_nothing(site: Site) -> None:
    """The reply to each write is lost in turn, and the process forgets everything."""
    site.push({BOOK: execution_file("book", service=WORKSPACE), JOB: execution_file()})
    for method in ("create_network", "create_service", "create_service", "create_service"):
        site.cluster.fail_next(method, ClusterUnavailable("gone"), is_reply_lost=True)
        with pytest.raises(ClusterUnavailable):
            site.reconcile(passes=20)
        site.restart()
    site.reconcile(passes=12)
    assert site.phases() == {"aml/book": "Running", "aml/job": "Running"}
    names = [service.spec.name for service in site.cluster.observe().services]
    assert len(names) == len(set(names)) == 3
    assert len(site.cluster.observe().networks) == 1


def test_a_rewritten_branch_changes_nothing_until_it_is_confirmed(site: Site) -> None:
    older = site.push({BOOK: execution_file("book")})
    site.push({JOB: execution_file()})
    site.reconcile(passes=8)
    writes = len(site.cluster.effects)
    site.repository.git.references.create("refs/heads/main", older, force=True)
    report = site.reconcile(passes=3)
    assert len(site.cluster.effects) == writes
    assert "isn't a descendant" in report.hold
    site.store.confirm(older, by="operator", at=site.clock.now())
    site.reconcile(passes=8)
    assert services(site) == {"book"}


def test_a_vanished_branch_or_repository_stops_nothing(site: Site) -> None:
    site.push({BOOK: execution_file("book")})
    site.reconcile(passes=8)
    writes = len(site.cluster.effects)
    site.repository.delete_branch("main")
    assert site.reconcile(passes=2).hold
    shutil.rmtree(site.repository.path)
    assert site.reconcile(passes=2).hold
    site.restart()
    site.reconcile(passes=2)
    assert len(site.cluster.effects) == writes
    assert site.phases() == {"aml/book": "Running"}


def test_a_repository_that_was_never_read_is_an_error_not_an_empty_one(site: Site) -> None:
    shutil.rmtree(site.repository.path)
    with pytest.raises(SourceUnavailable):
        site.reconcile()


def test_a_mass_delete_is_held_whole_until_it_is_confirmed(site: Site) -> None:
    files = {f"executions/aml/e{n}.yaml": execution_file(f"e{n}") for n in range(8)}
    site.push(files)
    site.reconcile(passes=8)
    commit = site.push(dict.fromkeys(files) | {"executions/aml/e0.yaml": execution_file("e0")})
    site.reconcile(passes=3)
    assert len(services(site)) == 8
    assert site.status("aml/e1")["reason"] == "MassDelete"
    site.store.confirm(commit[:12], by="operator", at=site.clock.now())
    site.reconcile(passes=6)
    assert services(site) == {"e0"}


def test_a_broken_file_of_an_owner_holds_only_that_owners_deletes(site: Site) -> None:
    site.push(
        {
            "namespaces/bio.yaml": namespace_file("bio"),
            BOOK: execution_file("book"),
            JOB: execution_file(),
            "executions/bio/job.yaml": execution_file(),
            "executions/bio/other.yaml": execution_file("other"),
        }
    )
    site.reconcile(passes=8)
    site.push({BOOK: None, JOB: "kind: [", "executions/bio/job.yaml": None})
    site.reconcile(passes=6)
    assert site.phases() == {
        "aml/book": "Running",
        "aml/job": "Running",
        "bio/job": "Stopped",
        "bio/other": "Running",
    }
    assert site.status("aml/book")["reason"] == "OwnerUnreadable"


def test_an_execution_that_the_engine_refuses_backs_off_and_blocks_nobody(site: Site) -> None:
    site.cluster.fail_next("create_service", ActionFailed("the engine says no"))
    site.push({"executions/aml/a.yaml": execution_file("a"), JOB: execution_file()})
    site.reconcile(passes=8)
    assert site.phases() == {"aml/a": "Starting", "aml/job": "Running"}
    assert site.status("aml/a")["message"] == "the engine says no"
    site.cluster.advance(60_000)
    site.reconcile(passes=8)
    assert site.phases()["aml/a"] == "Running"


def calls(site: Site, method: str) -> int:
    return sum(written.startswith(f"{method} ") for written in site.writes())


def test_what_is_for_several_and_refused_is_tried_again_later_each_time(site: Site) -> None:
    site.cluster.fail_next("create_network", ActionFailed("no subnet is left"), times=3)
    site.push({BOOK: execution_file("book")})
    for seconds, tries in ((5, 1), (15, 2), (25, 3)):
        site.reconcile(passes=8)
        assert calls(site, "create_network") == tries
        site.cluster.advance(seconds * 1000)
    site.reconcile(passes=8, ms=20_000)
    assert site.phases() == {"aml/book": "Running"}


@pytest.mark.parametrize("error", [ConflictError("it is in use"), NameTaken("it is there")])
def test_what_somebody_else_is_in_the_way_of_isnt_tried_without_a_pause(
    site: Site, error: ReconcilerError
) -> None:
    site.push({BOOK: execution_file("book")})
    site.reconcile(passes=8)
    site.cluster.fail_next("remove_network", error, times=5)
    site.push({BOOK: None, "namespaces/aml.yaml": None}, message="x\n\nZoe-Confirm-Deletes: 1")
    report = site.reconcile(passes=10)
    assert (calls(site, "remove_network"), report.is_moving) == (3, False)
    site.reconcile(passes=8, ms=20_000)
    assert site.cluster.observe().networks == ()


def test_one_change_that_meets_anothers_holds_up_no_other(site: Site) -> None:
    two = execution_file("book") + execution_file("job").partition("services:\n")[2]
    two = two.replace("main:", "one:", 1).replace("main:", "two:", 1)
    site.push({BOOK: two})
    site.reconcile(passes=8)
    site.cluster.fail_next("update_service", ConflictError("update out of sequence"), times=1000)
    site.push({BOOK: two.replace("busybox", "other")})
    site.reconcile(passes=8)
    assert calls(site, "update_service") == 6
    site.push({BOOK: two.replace("busybox", "remedy")})
    site.reconcile()
    assert calls(site, "update_service") == 8
    (first, second) = site.cluster.observe().services
    site.cluster.remove_by_hand(first.spec.name)
    site.reconcile()
    there = {service.spec.name for service in site.cluster.observe().services}
    assert there == {first.spec.name, second.spec.name}


def test_a_cluster_that_cant_be_read_whole_changes_nothing(site: Site) -> None:
    site.push({BOOK: execution_file("book"), JOB: execution_file()})
    site.reconcile(passes=8)
    site.push({BOOK: None})
    version = site.store.state_version()
    site.cluster.fail_next("observe", ClusterUnavailable("no answer"))
    with pytest.raises(ClusterUnavailable):
        site.loop.reconcile()
    assert site.store.state_version() == version


def test_observing_only_writes_nothing_to_the_cluster(site: Site) -> None:
    site.loop.observe_only = True
    site.push({BOOK: execution_file("book")})
    site.reconcile(passes=3)
    assert site.cluster.effects == []
    assert site.phases() == {"aml/book": "Queued"}
    assert site.status("aml/book")["reason"] == "ObserveOnly"


def test_a_status_branch_that_refuses_pushes_never_holds_up_the_cluster(site: Site) -> None:
    site.repository.git.references.create(
        "refs/heads/zoe/status/blocked", site.repository.tip(), force=True
    )
    site.push({BOOK: execution_file("book")})
    site.reconcile(passes=8)
    site.loop.publish(wait=True)
    assert site.phases() == {"aml/book": "Running"}
    site.push({JOB: execution_file()})
    site.reconcile(passes=8)
    told = _condition(site, "aml/book", "StatusPublished")
    assert (told["status"], told["reason"]) == ("False", "PushFailed")
    assert _condition(site, "aml/job", "StatusPublished")["status"] == "False"
    site.repository.delete_branch("zoe/status/blocked")
    assert any(path.endswith("book.yaml") for path in site.published())
    site.reconcile()
    assert _condition(site, "aml/book", "StatusPublished")["status"] == "True"


def _condition(site: Site, name: str, type_: str) -> Mapping[str, str]:
    return next(c for c in site.status(name)["conditions"] if c["type"] == type_)


def test_what_waits_says_why_by_node(site: Site) -> None:
    big = execution_file("big").replace("cpus: 1", "cpus: 4")
    site.push({f"executions/aml/big{n}.yaml": big.replace("big", f"big{n}") for n in range(4)})
    site.reconcile(passes=8)
    waiting = [name for name, phase in site.phases().items() if phase == "Queued"]
    assert len(waiting) == 1
    status = site.status(waiting[0])
    assert status["reason"] == "NoCapacity"
    assert len(status["refusals"]) == 3
    assert status["position"] == 1


def test_a_wish_larger_than_any_node_blocks_nobody(site: Site) -> None:
    site.push(
        {
            "executions/aml/a.yaml": execution_file("a").replace("cpus: 1", "cpus: 99"),
            JOB: execution_file(),
        }
    )
    site.reconcile(passes=8)
    assert site.status("aml/a")["reason"] == "NeverFits"
    assert site.phases()["aml/job"] == "Running"


def test_a_plan_is_what_the_next_pass_does(site: Site) -> None:
    site.push({BOOK: execution_file("book")})
    site.reconcile(passes=8)
    site.push({JOB: execution_file(), BOOK: execution_file("book", image="busybox:2")})
    report = site.reconcile()
    created = {
        o.action.spec.labels["zoe.execution"]
        for o in report.outcomes
        if isinstance(o.action, CreateService)
    }
    assert created == {"job"}
