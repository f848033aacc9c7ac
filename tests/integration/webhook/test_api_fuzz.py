"""Whatever is asked of the API: an answer as it is described, never 5xx but 503, never our words.

Requests come from the API's own description (schemathesis), over real sockets.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pygit2
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case

from reconciler.clock import SystemClock
from tests.fixtures.git_servers import BareRepository
from tests.fixtures.postgres import wait_until
from tests.fixtures.site import PLATFORM, execution_file, namespace_file, opened_site
from tests.integration.webhook.observed import Observed, observed
from tests.integration.webhook.served import MemoryInbox
from tests.unit.webhook.sites import reading_of_nothing
from webhook.api import description
from webhook.app import create_app

DESCRIBED = description.describe(
    create_app((), MemoryInbox(), SystemClock().now, reading=reading_of_nothing())
)
described = schemathesis.openapi.from_dict(DESCRIBED).include(path_regex="^/api/")
SPEAKING = ("Traceback", 'File "', "webhook/", "sqlite", "sqlalchemy")


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    folder: Path = tmp_path_factory.mktemp("fuzz")
    pygit2.init_repository(str(folder / "config.git"), bare=True, initial_head="main")
    repository = BareRepository(folder / "config.git")
    files = {"platform.yaml": PLATFORM, "namespaces/aml.yaml": namespace_file("aml")}
    repository.commit(files | {"executions/aml/job.yaml": execution_file("job")})
    with opened_site(folder, repository) as site:
        site.reconcile(passes=4)
        with observed(site.settings) as served:
            wait_until(lambda: served.version() > 0)
            yield served
            assert served.get("/api/v1/executions/aml/job").status == 200


@described.parametrize()
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_asked(case: Case, web: Observed) -> None:
    response = case.call(base_url=f"http://127.0.0.1:{web.port}")
    assert response.status_code in (200, 304, 400, 404, 405, 503), response.text
    assert not any(word in response.text for word in SPEAKING), response.text
    if response.status_code >= 400:
        assert response.headers["content-type"] == ["application/problem+json"]
