"""What every page must be, whatever it shows."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest

from reconciler.reporting.records import Board
from reconciler.view import cluster_page, queue_page, reference
from reconciler.view.listing import Listing, Query
from tests.gallery import now, rules
from tests.gallery.html import Page, parsed
from tests.gallery.pages import DRAWN, FRAME, draw
from tests.gallery.people import EVERYBODY
from webhook.page import narrowing, render
from webhook.site import NotThere

MOST_BYTES = 60_000


@pytest.fixture(scope="module")
def pages() -> dict[str, Page]:
    return {name: parsed(draw(name)) for name in DRAWN}


@pytest.mark.parametrize("name", DRAWN)
def test_a_page_is_well_formed(name: str, pages: dict[str, Page]):
    page = pages[name]
    ids = page.ids()
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        assert attributes.get("aria-labelledby", ids[0]) in ids
        target = attributes.get("href", "")
        assert not target.startswith("#") or target[1:] in ids, target
    assert len(page.all("h1")) == 1
    assert len(page.all("main")) == 1
    assert all("alt" in image for image in page.all("img"))


@pytest.mark.parametrize("name", DRAWN)
def test_every_page_has_the_same_head_and_foot(name: str, pages: dict[str, Page]):
    def navigation(page: Page) -> list[str]:
        links = [a for a in page.all("a") if a.get("class", "").startswith(("main", "other"))]
        return [a["href"] for a in links]

    assert navigation(pages[name]) == navigation(pages["glance"])
    assert "This isn't the newest." in pages[name].text  # the frame's banner


@pytest.mark.parametrize("name", DRAWN)
def test_a_page_is_small(name: str):
    assert len(draw(name).encode()) <= MOST_BYTES


def test_a_page_of_fifty_is_small():
    lines = tuple(
        dataclasses.replace(EVERYBODY[number % len(EVERYBODY)], uid=f"uid-{number}")
        for number in range(50)
    )
    view = Listing(total=10_000, states=now.LISTING.states, lines=lines, next="abc")
    assert len(render.executions(FRAME, view, Query()).encode()) <= MOST_BYTES


def test_tables_have_captions_and_scopes(pages: dict[str, Page]):
    for name, page in pages.items():
        tables = [a for a in page.all("table") if a]  # those of README files are their authors'
        assert len(page.all("caption")) == len(tables), name
        heads = [a for a in page.all("th") if "scope" not in a]
        assert not heads or name in ("zapp", "pull"), name


def test_the_answer_stands_on_top(pages: dict[str, Page]):
    text = pages["waiting"].text
    words = ("No. It waits in the queue", "no node has that free", "It starts at about")
    places = [text.index(word) for word in words]
    assert places == sorted(places)
    assert places[-1] < text.index("What each node says")


def test_every_node_is_named_with_its_rule(pages: dict[str, Page]):
    text = pages["waiting"].text
    for node in ("node-1", "node-2", "node-3", "node-4"):
        assert node in text[text.index("worker 1 with") :], node
    assert "keeps 8 CPUs for the reservation" in text
    assert "Reservation" in text


def test_waiting_is_told_apart_from_never(pages: dict[str, Page]):
    text = pages["queue"].text
    assert text.index("Waiting 2") < text.index("Can never start as things are 1")
    assert text.index("vision/ whole-cluster") > text.index("Can never start")


def test_instants_are_marked_up(pages: dict[str, Page]):
    times = pages["waiting"].all("time")
    assert {"datetime": "2026-11-22T14:50:14Z"} in times
    assert "2026-11-22 14:50 UTC" in pages["waiting"].text
    assert not re.search(r"\dT\d\d:\d\d:\d\dZ", pages["waiting"].text)


def test_core_and_elastic_are_told_apart_by_letter(pages: dict[str, Page]):
    assert {"C1", "e3"} <= set(pages["waiting"].within("span"))
    classes = [a.get("class", "") for a in pages["cluster"].all("rect")]
    assert "block core" in classes
    assert "block elastic" in classes


def test_the_next_page_keeps_the_filter():
    query = Query(namespace="aml", labels="course=aml", all_runs=True)
    page = parsed(render.executions(FRAME, now.LISTING, query))
    (following,) = [a["href"] for a in page.all("a") if a.get("rel") == "next"]
    assert following == (
        "/executions?cursor=WyJ2aXNpb24iLDFd&namespace=aml&labels=course%3Daml&all_runs=true"
    )


def test_a_label_leads_to_its_executions(pages: dict[str, Page]):
    labels = {a["href"] for a in pages["waiting"].all("a") if a.get("class") == "label"}
    assert labels == {"/executions?labels=course%3Daml", "/executions?labels=session%3D3"}


def test_forge_addresses_become_links_only_where_they_are_known():
    assert "https://git.example/lab/config/_edit/" in draw("waiting")
    git = now.GIT
    silent = dataclasses.replace(git, edit_url="", delete_url="", commit_url="", file_url="")
    view = dataclasses.replace(now.WAITS, git=silent)
    page = render.execution(FRAME, view, now.NOW)
    assert "_edit" not in page
    assert "executions/aml/spark-lab-3.yaml:3" in parsed(page).text


def test_pages_without_anything_say_so():
    empty = dataclasses.replace(
        now.GLANCE, alerts=(), running=(), waiting=(), ended=(), scheduled=(), states={}, more={}
    )
    text = parsed(render.glance(FRAME, empty)).text
    assert "Nothing runs." in text
    assert "Nobody waits." in text
    assert "Needs attention" not in text


def test_what_is_left_out_is_told_of_one_as_of_many():
    names = ("alerts", "running", "waiting", "ended", "scheduled")

    def told(number: int) -> list[str]:
        view = dataclasses.replace(now.GLANCE, more=dict.fromkeys(names, number))
        return re.findall(r">(\d more [^<]*)<", render.glance(FRAME, view))

    ones = ["needs attention", "runs", "waits", "ended", "is scheduled"]
    assert told(1) == [f"1 more {what}" for what in ones]
    many = ["need attention", "run", "wait", "ended", "are scheduled"]
    assert told(2) == [f"2 more {what}" for what in many]


def test_several_states_stay_chosen():
    source = render.executions(FRAME, now.LISTING, Query(state="Queued,Pending"))
    assert "<option selected>Queued,Pending</option>" in source
    assert source.count(" selected>") == 1


def test_an_empty_list_says_no_more_than_is_known():
    glance = parsed(render.glance(FRAME, dataclasses.replace(now.GLANCE, ended=())))
    assert "Nothing ended in the last 24 hours." in glance.text
    nobody = dataclasses.replace(rules.SET, lines=(), missing=())
    assert "It has none." in parsed(render.one_set(FRAME, nobody)).text
    assert "None match." in parsed(render.one_set(FRAME, nobody, "a=b")).text


def test_a_narrowed_namespace_counts_nothing_that_it_doesnt_show():
    """Beyond the first page nobody has looked whose labels match."""
    whole = dataclasses.replace(rules.AML, more=345)
    few = narrowing.namespace(whole, "course=none")
    text = parsed(render.namespace(FRAME, few, "course=none")).text
    assert "None of the first match." in text
    assert "345" not in text
    assert "All that match" in text
    assert "345 more in the list" in parsed(render.namespace(FRAME, whole)).text


def test_before_any_commit_was_taken_the_page_says_when_it_was_looked_at():
    fresh = dataclasses.replace(now.GLANCE.freshness, commit="")
    text = parsed(render.glance(FRAME, dataclasses.replace(now.GLANCE, freshness=fresh))).text
    assert "Looked at " in text
    assert ", looked at" not in text


def test_a_long_queue_is_a_small_page_that_leads_to_all_of_it():
    def many(one: Any) -> tuple[Any, ...]:
        return tuple(dataclasses.replace(one, name=f"{one.name}-{n}") for n in range(300))

    whole = dataclasses.replace(
        now.QUEUE,
        waiting=many(now.QUEUE.waiting[0]),
        never=many(now.QUEUE.never[0]),
        running=many(now.QUEUE.running[0]),
    )
    query = queue_page.Query(labels="session=3")
    source = render.queue(FRAME, queue_page.of(whole, query), query)
    page = parsed(source)
    assert len(source.encode()) <= MOST_BYTES
    (following,) = [a["href"] for a in page.all("a") if a.get("rel") == "next"]
    assert following.startswith("/queue?cursor=")
    assert following.endswith("&labels=session%3D3")
    source = render.queue(FRAME, queue_page.of(whole))
    lists = [a["href"] for a in parsed(source).all("a") if "part=" in a["href"]]
    assert lists == ["/queue?part=never", "/queue?part=held", "/queue?part=running"]
    for part in queue_page.PARTS:
        query = queue_page.Query(part=part)
        source = render.queue(FRAME, queue_page.of(whole, query), query)
        assert len(source.encode()) <= MOST_BYTES
        assert [id_ for id_ in parsed(source).ids() if id_ in queue_page.PARTS] == [part]


def test_a_large_cluster_is_a_small_page_that_leads_to_each_node():
    (node, *_) = now.CLUSTER.nodes
    block = dataclasses.replace(node.blocks[0], memory_bytes=2**26)
    nodes = tuple(
        dataclasses.replace(node, id=f"id{n}", hostname=f"node-{n}", blocks=(block,) * 200)
        for n in range(120)
    )
    whole = dataclasses.replace(now.CLUSTER, nodes=nodes, total=len(nodes))
    for query in (cluster_page.ALL, cluster_page.Query(node="id7")):
        source = render.cluster(FRAME, cluster_page.of(whole, query), query)
        page = parsed(source)
        assert len(source.encode()) <= MOST_BYTES
        assert [a for a in page.all("a") if a.get("rel") == "next"]
    source = render.cluster(FRAME, cluster_page.of(whole))
    assert "/cluster?node=id7" in {a["href"] for a in parsed(source).all("a")}
    assert "and 197 more" in parsed(source).text


def test_a_selector_narrows_sets_and_namespaces(pages: dict[str, Page]):
    assert len(narrowing.one_set(rules.SET, "group=07").lines) == 1
    assert narrowing.one_set(rules.SET, "group=07").ready == 23
    names = [one.name for one in narrowing.namespace(rules.AML, "session").lines]
    assert names == ["spark-lab-1", "spark-lab-2", "spark-lab-3"]


def test_the_whole_reference_is_a_small_page_for_every_kind():
    view = reference.of(Board())
    for kind in view.kinds:
        source = render.reference(FRAME, view, kind.kind)
        assert len(source.encode()) <= MOST_BYTES, kind.kind
        assert f"{kind.kind}-metadata.name" in parsed(source).ids()
    with pytest.raises(NotThere) as refused:
        render.reference(FRAME, view, "Exection")
    assert "Execution" in refused.value.suggestion
