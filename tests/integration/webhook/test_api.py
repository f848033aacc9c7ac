"""The API over real sockets, with what a real loop wrote behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pygit2
import pytest

from reconciler.config import Settings
from reconciler.view import encoding, paging
from reconciler.view.execution import Detail
from reconciler.view.listing import Listing
from reconciler.view.queue import Queue
from tests.fixtures.git_servers import BareRepository
from tests.fixtures.postgres import wait_until
from tests.fixtures.site import PLATFORM, Site, execution_file, namespace_file, opened_site
from tests.integration.webhook.observed import Observed, observed
from webhook.api import description

API = "/api/v1"
NAMES = ("job", "more", "other")
PATHS = (
    *("/glance", "/executions", "/executions/aml/job", "/executions/aml/job/logs"),
    *("/executions/aml/job/history", "/executions/aml/job/events", "/queue", "/queue/aml/wait"),
    *("/cluster", "/events", "/usage", "/history", "/commits", "/pulls", "/namespaces"),
    *("/namespaces/aml", "/sets", "/zapps", "/calendar", "/reference"),
)


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Three that run, one that waits, and a server on it."""
    folder = tmp_path_factory.mktemp("api")
    pygit2.init_repository(str(folder / "config.git"), bare=True, initial_head="main")
    repository = BareRepository(folder / "config.git")
    files = {f"executions/aml/{name}.yaml": execution_file(name) for name in NAMES}
    files["executions/aml/wait.yaml"] = execution_file("wait", service="replicas: 30")
    files |= {"platform.yaml": PLATFORM, "namespaces/aml.yaml": namespace_file("aml")}
    repository.commit(files)
    with opened_site(folder, repository) as site:
        site.reconcile(passes=6)
        with observed(site.settings) as web:
            wait_until(lambda: web.version() > 0)
            yield SimpleNamespace(site=site, web=web)


@pytest.fixture
def web(there: SimpleNamespace) -> Observed:
    found: Observed = there.web
    return found


def test_every_path_answers_as_it_is_described(web: Observed) -> None:
    told = web.get(f"{API}/openapi.json").json
    for path in PATHS:
        answer = web.get(API + path)
        assert answer.status == 200, (path, answer.body)
        assert answer.headers["content-type"] == "application/json"
        schema = told["paths"][described(path)]["get"]["responses"]["200"]["content"]
        whole = {**schema["application/json"]["schema"], "components": told["components"]}
        jsonschema.Draft202012Validator(whole).validate(answer.json)


def described(path: str) -> str:
    """Return the template that a path is described under."""
    parts = path.strip("/").split("/")
    if parts[0] in ("executions", "queue", "sets") and len(parts) > 2:
        parts[1:3] = ["{namespace}", "{name}"]
    if parts[0] == "namespaces" and len(parts) > 1:
        parts[1] = "{name}"
    return f"{API}/{'/'.join(parts)}"


def test_a_wrong_answer_would_be_seen_by_the_description(web: Observed) -> None:
    schemas = description.describe(web.app)["components"]["schemas"]
    whole = {"$ref": "#/components/schemas/Listing", "components": {"schemas": schemas}}
    wrong = {"total": 1, "states": {}, "lines": [], "next": "", "made_up": 1}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(whole).validate(wrong)


def test_answers_become_views_again(web: Observed) -> None:
    listing = encoding.from_json(Listing, web.get(f"{API}/executions").json)
    assert [line.name for line in listing.lines] == ["job", "more", "other", "wait"]
    queue = encoding.from_json(Queue, web.get(f"{API}/queue").json)
    assert [one.full_name for one in queue.never] == ["aml/wait"]
    detail = encoding.from_json(Detail, web.get(f"{API}/executions/aml/wait").json)
    assert detail.waiting is not None
    assert detail.waiting.is_hopeless


def test_pages_of_a_list_hold_each_once(web: Observed) -> None:
    found, cursor = [], ""
    for _ in range(10):
        answer = web.get(f"{API}/executions?limit=1&cursor={cursor}").json
        found += [line["name"] for line in answer["lines"]]
        if not (cursor := answer["next"]):
            break
    assert found == ["job", "more", "other", "wait"]
    running = web.get(f"{API}/executions?state=Running").json
    assert running["total"] == 3


def test_pages_of_the_queue_and_one_node(web: Observed) -> None:
    first = web.get(f"{API}/queue?limit=1").json
    assert first["totals"] == {"waiting": 0, "never": 1, "held": 0, "running": 3}
    names, cursor = [], first["next"]
    while cursor:
        answer = web.get(f"{API}/queue?limit=1&cursor={cursor}").json
        names += [one["name"] for one in answer["running"]]
        cursor = answer["next"]
    assert names == ["job", "more", "other"]
    assert web.get(f"{API}/queue?part=held").json["never"] == []
    node = web.get(f"{API}/cluster?limit=1").json["nodes"][0]
    alone = web.get(f"{API}/cluster?node={node['hostname']}").json["nodes"]
    assert [one["id"] for one in alone] == [node["id"]]


@pytest.mark.parametrize("path", ["/executions", "/glance", "/executions/aml/job", "/usage.csv"])
def test_what_is_known_already_is_not_sent_again(web: Observed, path: str) -> None:
    first = web.get(API + path)
    tag = first.headers["etag"]
    for given in (tag, f'"other", {tag}', tag.removeprefix("W/")):
        again = web.get(API + path, {"If-None-Match": given})
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert web.get(API + path, {"If-None-Match": '"other"'}).body == first.body


def test_another_query_has_another_tag(web: Observed) -> None:
    tags = {web.get(f"{API}/executions?limit={n}").headers["etag"] for n in (1, 2)}
    assert len(tags) == 2


def test_a_change_has_another_tag_and_is_told_at_once(there: SimpleNamespace) -> None:
    site: Site = there.site
    web: Observed = there.web
    tag = web.get(f"{API}/executions").headers["etag"]
    site.push({"executions/aml/late.yaml": execution_file("late")})
    site.reconcile(passes=2)
    wait_until(lambda: web.version() == site.store.state_version())
    assert web.get(f"{API}/executions", {"If-None-Match": tag}).status == 200
    site.push({"executions/aml/late.yaml": None})
    site.reconcile(passes=3)


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/executions/aml/jub", 404, "did you mean aml/job?"),
        ("/executions/aml/job?run=7", 404, "no run 7"),
        ("/executions?labels==x", 400, "isn't part of a selector"),
        ("/executions?namspace=aml", 400, "did you mean namespace?"),
        ("/executions?limit=1&limit=2", 400, "limit is given twice"),
        ("/executions?limit=0", 400, "limit: input should be greater"),
        ("/executions?limit=99999", 400, "limit: input should be less"),
        ("/executions?cursor=bm9uc2Vuc2U", 400, "cursor"),
        ("/executions?text=" + "x" * 501, 400, "text: string should have at most 500"),
        ("/events?cursor=x", 400, "cursor"),
        ("/events?cursor=" + paging.cursor(10**30), 400, "begin without one"),
        ("/commits?cursor=" + paging.cursor(-(10**30)), 400, "begin without one"),
        ("/events?namespace=aml%00", 400, "holds a NUL"),
        ("/namespaces/aml%00", 400, "holds a NUL"),
        ("/history?since=yesterday", 400, "write 2026-11-22, or how long ago: 7d"),
        ("/history?since=0001-01-01T00:00:00%2B14:00", 400, "is no time"),
        ("/usage?by=colour", 400, "label:KEY"),
        ("/usage?since=2027-01-01&until=2026-01-01", 400, ""),
        ("/pulls/seven", 400, "number: input should be a valid integer"),
        ("/pulls/7", 404, "see /pulls"),
        ("/commits/zzzzzzz", 404, "see /commits"),
        ("/queue/aml/job", 404, "doesn't wait: it is Running"),
        ("/queue?part=never&cursor=bad", 400, "begin without one"),
        ("/cluster?node=none", 404, "no node of that name"),
        ("/zapps/none", 404, "see /zapps"),
        ("/sets/aml/none", 404, "see /sets"),
        ("/nothing", 404, "there is no such page"),
    ],
)
def test_what_cannot_be_answered_says_why(web: Observed, path: str, status: int, told: str) -> None:
    answer = web.get(API + path)
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["status"] == status
    assert told in answer.body.decode()


def test_the_head_of_everything_is_that_of_its_whole(web: Observed) -> None:
    others = ("/", "/metrics", "/badge/aml/job.svg", "/healthz")
    for path in (*(API + path for path in PATHS), *others):
        head, whole = web.get(path, method="HEAD"), web.get(path)
        assert (head.status, head.body) == (200, b""), path
        assert head.headers["content-type"] == whole.headers["content-type"]
    assert web.get("/events", method="HEAD").status == 200


def test_nothing_can_be_written(web: Observed) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        for path in (f"{API}/executions", "/", "/events", "/nothing"):
            answer = web.get(path, method=method)
            assert answer.status == 405, (method, path)
            assert answer.headers["allow"] == "GET, HEAD"
            assert answer.json["detail"] == "this can only be read: use GET or HEAD"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8080", 200),
        ("localhost.", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:8080", 200),
        ("10.1.2.3", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("[::1", 421),
        ("localhost/queue", 421),
        ("localhost#", 421),
        ("evil@localhost", 421),
        ("localhost:port", 421),
        ("", 421),
    ],
)
def test_pages_are_served_under_known_names_only(web: Observed, host: str, status: int) -> None:
    answer = web.get(f"{API}/executions", {"Host": host})
    assert answer.status == status
    assert "evil" not in answer.body.decode()
    assert web.get("/healthz", {"Host": host}).status == 200


@pytest.mark.parametrize("path", ["/healthzzz", "/readyz/", "/healthz/executions"])
def test_what_only_looks_like_a_question_of_a_load_balancer_tells_no_stranger(
    web: Observed, path: str
) -> None:
    answer = web.get(path, {"Host": "evil.example", "Accept": "text/html"})
    assert answer.status == 421
    assert "test" not in answer.body.decode(), "the name of the deployment"


def test_every_answer_is_guarded(web: Observed) -> None:
    answers = [
        web.get("/"),
        web.get(f"{API}/executions"),
        web.get("/nothing"),
        web.get("/", method="POST"),
        web.get("/", {"Host": "evil.example"}),
        web.get("/static/zoe.css"),
    ]
    for answer in answers:
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; ")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "set-cookie" not in answer.headers
        assert "server" not in answer.headers
    badge = web.get("/badge/aml/job.svg")
    assert badge.headers["cross-origin-resource-policy"] == "cross-origin"
    assert b"aml/job: Running" in badge.body


def test_metrics_name_routes_and_nobody(web: Observed) -> None:
    web.get(f"{API}/executions/aml/job")
    web.get("/an/address/that/somebody/made-up")
    text = web.get("/metrics").body.decode()
    assert 'zoe_executions{phase="Running"} 3.0' in text
    assert "zoe_queue_length 1.0" in text
    assert 'route="/api/v1/executions/{namespace}/{name}",status="2xx"' in text
    assert "made-up" not in text
    assert "aml" not in text


def test_a_fault_of_ours_is_told_without_a_word_of_what_is_inside(
    there: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("postgresql://zoe:secret@db")

    monkeypatch.setattr("webhook.past.commits.of", fail)
    answer = there.web.get(f"{API}/commits?limit=7")
    assert answer.status == 500
    assert "secret" not in answer.body.decode()
    assert json.loads(answer.body)["detail"].startswith("something went wrong here")
    page = there.web.get("/commits", {"Accept": "text/html"})
    assert page.status == 500
    assert "secret" not in page.body.decode()
    assert page.headers["content-security-policy"]


def test_pages_tell_what_the_api_tells(web: Observed) -> None:
    api = web.get(f"{API}/executions/aml/wait").json["answer"]
    page = web.get("/executions/aml/wait")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert api["running"].split(",")[0] in page.body.decode()
    missing = web.get("/executions/aml/jub", {"Accept": "text/html"})
    assert missing.status == 404
    assert "aml/job" in missing.body.decode()


def test_the_history_of_a_name_tells_all_of_its_runs(there: SimpleNamespace) -> None:
    path = f"{API}/executions/aml/more/history"
    there.site.push({"executions/aml/more.yaml": execution_file("more", run=2)}, message="Again")
    there.site.reconcile(passes=6)
    wait_until(lambda: there.web.get(f"{path}?run=2").status == 200)
    steps = there.web.get(path).json["steps"]
    assert {step["run"] for step in steps} == {"run 1", "run 2"}
    newest = there.web.get(f"{path}?run=2").json["steps"]
    assert [step["fact"] for step in newest][:2] == ["first_seen", "generation"]
    assert newest[1]["by"].endswith(": Again")
    assert there.web.get(f"{path}?run=3").status == 404


def test_before_anything_is_known_it_says_so(tmp_path: Path) -> None:
    nowhere = Settings(database_url=f"sqlite:///{tmp_path}/none.db", state_dir=tmp_path / "state")
    with observed(nowhere) as web:
        for path in ("/glance", "/executions", "/queue", "/executions/aml/job", "/events"):
            answer = web.get(API + path)
            assert (answer.status, answer.headers["retry-after"]) == (503, "5"), path
        assert web.get("/", {"Accept": "text/html"}).status == 503
        assert web.get("/metrics").status == web.get("/healthz").status == 200
        with web.stream() as stream:
            assert stream.status == 200
