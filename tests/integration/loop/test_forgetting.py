"""What is long over and asked for by nobody goes: from branch, memory and database."""

from __future__ import annotations

from reconciler.cluster.fake import Outcome
from tests.fixtures.site import Site, execution_file

JOB, OTHER = "executions/aml/job.yaml", "executions/aml/other.yaml"
DAY_MS = 24 * 3600 * 1000


def batch(name: str = "job", **fields: object) -> str:
    return execution_file(name, type_="batch", image="ends", **fields)  # type: ignore[arg-type]


def finished(site: Site, **files: str) -> None:
    """Let batches run to their end and be published."""
    site.cluster.script("ends", Outcome.exits(0))
    site.push({f"executions/aml/{name}.yaml": text for name, text in files.items()})
    site.reconcile(passes=8)
    site.cluster.advance(120_000)
    site.reconcile(passes=4)
    site.published()


def later(site: Site, days: int) -> list[str]:
    """Let days pass; return what is published of executions then."""
    site.cluster.advance(days * DAY_MS)
    site.reconcile(passes=2)
    return told(site)


def told(site: Site) -> list[str]:
    return sorted(
        path.rsplit("/", 1)[1]
        for path in site.published()
        if path.startswith("status/") and path.endswith(".yaml")
    )


def ledgers(site: Site) -> int:
    return sum(path.startswith("ledger/") for path in site.published())


def test_a_result_that_nobody_asks_for_leaves_the_branch_after_a_week(site: Site) -> None:
    finished(site, job=batch(), other=batch("other"))
    site.push({JOB: None})
    assert later(site, 6) == ["job.yaml", "other.yaml"]
    assert later(site, 2) == ["other.yaml"]
    assert b"[job]" not in site.published()["status/aml/README.md"]
    assert ledgers(site) == 2
    assert site.phases() == {"aml/job": "Succeeded", "aml/other": "Succeeded"}


def test_it_stays_away_from_the_branch_over_a_restart(site: Site) -> None:
    finished(site, job=batch(), other=batch("other"))
    site.push({JOB: None})
    later(site, 8)
    tip = site.repository.tip("zoe/status")
    site.restart()
    site.reconcile(passes=3)
    site.published()
    assert site.repository.tip("zoe/status") == tip


def test_one_that_comes_back_is_told_again_and_does_not_run_again(site: Site) -> None:
    finished(site, job=batch(), other=batch("other"))
    site.push({JOB: None})
    later(site, 8)
    writes = len(site.cluster.effects)
    site.push({JOB: batch()})
    assert later(site, 0) == ["job.yaml", "other.yaml"]
    assert len(site.cluster.effects) == writes


def test_after_ninety_days_nothing_is_known_of_it(site: Site) -> None:
    finished(site, job=batch(), other=batch("other"))
    finished(site, last=batch("last"))  # of the newest fact of all
    site.push({JOB: None})
    later(site, 89)
    assert ledgers(site) == 3
    later(site, 2)
    assert ledgers(site) == 2
    assert site.phases() == {"aml/last": "Succeeded", "aml/other": "Succeeded"}
    assert len({entry.uid for entry in site.store.load().entries}) == 2
    assert len(site.loop.working_set.records) == 2
    harvested = site.loop.working_set.known("platform").memory.harvested
    assert len({uid for uid, *_ in harvested}) == 2
    before = site.published()
    site.restart()
    site.reconcile(passes=3)
    assert site.published() == before


def test_the_run_of_the_newest_fact_stays_until_there_is_a_newer_one(site: Site) -> None:
    finished(site, job=batch())
    site.push({JOB: None})
    later(site, 91)
    assert ledgers(site) == 1
    finished(site, other=batch("other"))
    assert later(site, 1) == ["other.yaml"]
    assert ledgers(site) == 1


def test_runs_before_the_one_asked_for_go_and_what_it_says_stays(site: Site) -> None:
    finished(site, job=batch())
    finished(site, job=batch(run=2))
    assert later(site, 91) == ["job.yaml"]
    (record,) = site.loop.working_set.records.values()
    assert record.run == 2
    assert site.phases() == {"aml/job": "Succeeded"}


def test_a_higher_run_stays_known_for_as_long_as_a_lower_one_is_asked_for(site: Site) -> None:
    finished(site, job=batch(run=2), other=batch("other"))
    finished(site, last=batch("last"))
    writes = len(site.writes())
    site.push({JOB: batch(run=1)})
    later(site, 91)
    later(site, 1)
    assert not [write for write in site.writes()[writes:] if write.startswith("create")]


def test_it_stays_twice_as_long_where_a_file_of_its_namespace_cannot_be_read(site: Site) -> None:
    finished(site, job=batch(), other=batch("other"))
    finished(site, last=batch("last"))
    site.push({JOB: None, "executions/aml/bad.yaml": "kind: ["})
    later(site, 179)
    assert "aml/job" in site.phases()
    later(site, 2)
    assert "aml/job" not in site.phases()


def test_what_others_wait_for_stays_known(site: Site) -> None:
    waits = batch("waits", extra="suspend: true\nafter: [{name: job, when: succeeded}]")
    finished(site, job=batch(), other=batch("other"), waits=waits)
    finished(site, last=batch("last"))
    site.push({JOB: None, OTHER: None})
    later(site, 181)
    assert "aml/job" in site.phases()
    assert "aml/other" not in site.phases()
