"""The pages over HTTP: what they are, under which policy, and what is said where there is none."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import pytest

from tests.fixtures.gallery import Gallery
from tests.gallery.html import parsed
from tests.gallery.site import PAGES


def get(gallery: Gallery, path: str, **headers: str) -> tuple[http.client.HTTPResponse, str]:
    connection = http.client.HTTPConnection(urlsplit(gallery.url).netloc, timeout=20)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response, response.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("name", [name for name in PAGES if name != "missing"])
def test_a_page_is_html_and_is_sent_once(name: str, gallery: Gallery):
    response, _ = get(gallery, PAGES[name])
    assert response.status == 200
    assert response.getheader("Content-Type") == "text/html; charset=utf-8"
    tag = response.getheader("ETag") or ""
    assert tag
    again, body = get(gallery, PAGES[name], **{"If-None-Match": tag})
    assert (again.status, body) == (304, "")


@pytest.mark.parametrize("path", ["/", "/calendar", "/namespaces", "/namespaces/aml", "/usage"])
@pytest.mark.parametrize("prefix", ["", "/api/v1"])
def test_what_depends_on_the_time_is_told_anew_after_a_pass_that_changed_nothing(
    prefix: str, path: str, gallery: Gallery
):
    """A reservation opens and the use of a week moves on while no execution changes."""
    path = prefix + (path if prefix == "" or path != "/" else "/glance")
    first, _ = get(gallery, path)
    tag = first.getheader("ETag") or ""
    gallery.life += "later"
    again, _ = get(gallery, path, **{"If-None-Match": tag})
    assert again.status == 200
    assert tag


@pytest.mark.parametrize("path", ["/", "/executions/aml/nobody", "/static/zoe.css"])
def test_everything_is_under_the_same_policy(path: str, gallery: Gallery):
    response, _ = get(gallery, path)
    policy = response.getheader("Content-Security-Policy") or ""
    assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self'")
    assert "unsafe" not in policy
    assert response.getheader("X-Content-Type-Options") == "nosniff"
    assert response.getheader("Set-Cookie") is None


def test_a_logo_is_a_picture_and_nothing_else(gallery: Gallery):
    response, body = get(gallery, "/zapps/spark-jupyter/logo")
    assert response.getheader("Content-Type") == "image/svg+xml"
    policy = response.getheader("Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert response.getheader("X-Content-Type-Options") == "nosniff"
    assert body.startswith("<svg")


def test_a_logo_of_another_type_is_not_shown(gallery: Gallery, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gallery.site, "zapp_logo", lambda _: (b"<script>", "text/html"))
    response, _ = get(gallery, "/zapps/spark-jupyter/logo")
    assert response.getheader("Content-Type") == "application/octet-stream"


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/executions/aml/nobody", 404, "Did you mean"),
        ("/nowhere", 404, "Nothing is here"),
        ("/executions/aml/%2e%2e%2fadmin", 404, "Nothing is here"),
        ("/executions?cursor=bad", 400, "begin without one"),
        ("/executions?lables=a", 400, "did you mean labels?"),
        ("/queue?labels=a%20b", 400, "write key=value"),
        ("/pulls/first", 400, "That can't be asked"),
        ("/history?since=soon", 400, "is no time"),
        ("/reference?kind=Exection", 404, "There are Execution"),
        (f"/executions?text={'x' * 600}", 400, "That can't be asked"),
    ],
)
def test_what_isnt_there_is_said_with_a_way_back(
    path: str, status: int, told: str, gallery: Gallery
):
    response, body = get(gallery, path)
    page = parsed(body)
    assert response.status == status
    assert response.getheader("Content-Type") == "text/html; charset=utf-8"
    assert told in page.text
    assert {"/", "/executions"} <= {a["href"] for a in page.all("a")}
