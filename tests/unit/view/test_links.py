"""Where the forge's pages are; nobody but the operator decides where a link leads."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.known_forges import FORGES
from reconciler.view import links
from reconciler.view.links import Links

PATH = "executions/aml/lab 3#.yaml"
MADE = ("commit_url", "file_url", "edit_url", "delete_url", "pull_url", "new_url")


@pytest.mark.parametrize(
    ("url", "provider", "base"),
    [
        ("https://github.com/lab/config.git", "", "https://github.com/lab/config"),
        ("https://user@github.com/lab/config", "", "https://github.com/lab/config"),
        ("git@gitlab.com:group/sub/config.git", "", "https://gitlab.com/group/sub/config"),
        ("ssh://git@codeberg.org:2222/lab/config", "", "https://codeberg.org/lab/config"),
        ("http://git.lab:3000/lab/config", "gitea", "http://git.lab:3000/lab/config"),
        ("https://git.lab/lab/config", "", ""),
        ("/srv/git/config.git", "github", ""),
        ("file:///srv/git/config.git", "github", ""),
        ("javascript://github.com/alert(1)", "github", ""),
        ("http://[", "github", ""),
        ("https://github.com/", "", ""),
    ],
)
def test_the_base_comes_from_the_url(url: str, provider: str, base: str) -> None:
    assert links.of(url, branch="main", provider=provider).base == base


def test_the_operators_settings_come_first() -> None:
    made = links.of(
        "git@mirror.lab:copy.git",
        branch="prod",
        provider="github",
        repository="lab/config",
        api="https://ghe.lab/api/v3",
    )
    assert made == Links(provider="github", base="https://ghe.lab/lab/config", branch="prod")


def test_an_address_that_is_the_apis_alone_isnt_taken_for_the_pages() -> None:
    made = links.of(
        "git@github.com:lab/config.git",
        branch="main",
        provider="github",
        api="https://api.github.com",
    )
    assert made.base == "https://github.com/lab/config"


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        (
            "github",
            {
                "commit": "commit/abc",
                "file": "blob/a/b/executions/aml/lab%203%23.yaml#L7",
                "edit": "edit/a/b/executions/aml/lab%203%23.yaml",
                "delete": "delete/a/b/executions/aml/lab%203%23.yaml",
                "pull": "pull/7",
                "new": "new/a/b?filename=executions%2Faml%2Flab%203%23.yaml&value=a%3A%20%26b",
            },
        ),
        (
            "gitlab",
            {
                "commit": "-/commit/abc",
                "file": "-/blob/a/b/executions/aml/lab%203%23.yaml#L7",
                "edit": "-/edit/a/b/executions/aml/lab%203%23.yaml",
                "delete": "",
                "pull": "-/merge_requests/7",
                "new": "-/new/a/b?file_name=executions%2Faml%2Flab%203%23.yaml",
            },
        ),
        (
            "forgejo",
            {
                "commit": "commit/abc",
                "file": "src/branch/a/b/executions/aml/lab%203%23.yaml#L7",
                "edit": "_edit/a/b/executions/aml/lab%203%23.yaml",
                "delete": "_delete/a/b/executions/aml/lab%203%23.yaml",
                "pull": "pulls/7",
                "new": "_new/a/b/executions/aml?filename=lab%203%23.yaml&value=a%3A%20%26b",
            },
        ),
        (
            "bitbucket",
            {
                "commit": "commits/abc",
                "file": "src/a/b/executions/aml/lab%203%23.yaml#lines-7",
                "edit": "src/a/b/executions/aml/lab%203%23.yaml?mode=edit&at=a/b",
                "delete": "",
                "pull": "pull-requests/7",
                "new": "",
            },
        ),
    ],
)
def test_every_forge_has_its_forms(provider: str, told: dict[str, str]) -> None:
    made = Links(provider=provider, base="https://forge/x", branch="a/b")
    found = {
        "commit": made.commit_url("abc"),
        "file": made.file_url(PATH, 7),
        "edit": made.edit_url(PATH),
        "delete": made.delete_url(PATH),
        "pull": made.pull_url(7),
        "new": made.new_url(PATH, "a: &b"),
    }
    assert found == {key: f"https://forge/x/{page}" if page else "" for key, page in told.items()}


def test_without_a_forge_there_is_no_link() -> None:
    made = links.NOWHERE
    assert {made.commit_url("a"), made.file_url("a", 1), made.edit_url("a"), made.pull_url(1)} == {
        ""
    }
    assert made.new_url("a", "b") == made.delete_url("a") == ""


def test_content_that_is_too_long_for_a_link_is_left_out() -> None:
    made = Links(provider="github", base="https://forge/x")
    asked = parse_qs(urlsplit(made.new_url("a.yaml", "x" * links.LONGEST)).query)
    assert asked == {"filename": ["a.yaml"]}


@given(
    provider=st.sampled_from(sorted(FORGES)),
    path=st.text(max_size=40).map(lambda text: text.encode(errors="ignore").decode()),
)
def test_no_path_leads_away_from_the_repository(provider: str, path: str) -> None:
    made = Links(provider=provider, base="https://forge/lab/config")
    for url in (made.file_url(path), made.edit_url(path), made.commit_url(path)):
        parts = urlsplit(url)
        assert not url or (parts.scheme, parts.netloc) == ("https", "forge")
        assert not url or (parts.path.startswith("/lab/config/") and not parts.fragment)
    assert path in unquote(made.file_url(path))
