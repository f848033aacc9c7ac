"""plan on changes that edit the rules too: they are judged by what the base says."""

from __future__ import annotations

import pytest

from tests.fixtures.site import execution_file, namespace_file
from tests.fixtures.verbs import Clone, Installation, Result, Zoe

BOOK = "executions/aml/book.yaml"
HEAD = "apiVersion: zoe/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"


def platform(spec: str) -> str:
    return HEAD.format(kind="Platform", name="platform", spec=spec)


def namespace(spec: str) -> str:
    return HEAD.format(kind="Namespace", name="aml", spec=spec)


@pytest.fixture
def plan(clone: Clone, zoe: Zoe):
    """Commit on a topic branch and plan it."""

    def planned(files: dict[str, str], output: str = "json", *, deleted: str = "") -> Result:
        clone.git("checkout", "-q", "-b", "topic")
        if deleted:
            clone.git("rm", "-q", deleted)
        clone.commit(files)
        return zoe("plan", "--base", "main", "--head", "topic", "-o", output, cwd=clone.path)

    return planned


def test_nobody_raises_a_cap_for_himself(clone: Clone, plan) -> None:
    clone.commit({"platform.yaml": platform("{caps: {lifetime: 4h}}")})
    change = {
        "platform.yaml": platform("{caps: {lifetime: 9h}}"),
        BOOK: execution_file("book", extra="lifetime: 8h"),
    }
    result = plan(change)
    assert result.code == 1
    assert result.data["rules"] == {"changed": ["platform.yaml"], "judgedBy": "base"}
    (error,) = result.data["errors"]
    assert (error["code"], error["file"]) == ("LifetimeOverCap", BOOK)
    assert "4h: only the new rules would allow it" in error["message"]
    assert "merge the change of the rules first" in error["remedy"]
    assert result.data["actions"] == []


def test_nobody_grants_himself_a_secret(plan) -> None:
    asks = execution_file("book", extra="secrets: {key: {swarm: key}}", service="secrets: [key]")
    result = plan({"namespaces/aml.yaml": namespace("{secrets: [key]}"), BOOK: asks})
    assert [error["code"] for error in result.data["errors"]] == ["SecretNotGranted"]


def test_nobody_declares_a_namespace_and_uses_it_at_once(plan) -> None:
    new = {
        "namespaces/new.yaml": namespace_file("new"),
        "executions/new/book.yaml": execution_file("book"),
    }
    result = plan(new)
    (error,) = result.data["errors"]
    assert "only the new rules would allow it" in error["message"]


def test_a_change_of_the_rules_alone_is_fine_and_told_first(plan) -> None:
    result = plan({"platform.yaml": platform("{caps: {lifetime: 9h}}")}, "text")
    assert result.code == 0
    assert result.out.startswith(
        "rules: platform.yaml changes: all else is judged by the base's rules"
    )


def test_faults_of_the_new_rules_count(plan) -> None:
    result = plan({"platform.yaml": platform("{caps: {lifetime: soon}}")})
    assert result.code == 1
    assert [error["file"] for error in result.data["errors"]] == ["platform.yaml"]


def test_what_new_rules_would_take_away_is_told(clone: Clone, plan) -> None:
    clone.commit({BOOK: execution_file("book", extra="lifetime: 8h")})
    result = plan({"platform.yaml": platform("{caps: {lifetime: 4h}}")})
    (error,) = result.data["errors"]
    assert error["message"].startswith("under the new rules: 8h is more than")


def test_deleting_the_rules_doesnt_get_rid_of_them(clone: Clone, plan) -> None:
    clone.commit({"platform.yaml": platform("{caps: {lifetime: 4h}}")})
    result = plan({BOOK: execution_file("book", extra="lifetime: 8h")}, deleted="platform.yaml")
    codes = [error["code"] for error in result.data["errors"]]
    assert codes == ["LifetimeOverCap"]


def test_a_link_in_place_of_the_rules_doesnt_get_rid_of_them(clone: Clone, plan) -> None:
    clone.commit({"platform.yaml": platform("{caps: {lifetime: 4h}}")})
    (clone.path / "platform.yaml").unlink()
    (clone.path / "platform.yaml").symlink_to("README.md")
    result = plan({BOOK: execution_file("book", extra="lifetime: 8h")})
    codes = {error["code"] for error in result.data["errors"]}
    assert codes == {"LifetimeOverCap", "NotARegularFile"}


def test_the_comment_says_what_it_was_judged_by(plan) -> None:
    told = plan({"platform.yaml": platform("{caps: {lifetime: 9h}}")}, "markdown").out
    assert "**Rules**: platform.yaml changes: all else is judged by the base's rules" in told


def test_without_history_a_change_of_policy_says_so(plan) -> None:
    told = plan({"platform.yaml": platform("{policy: fifo}")}, "text").out
    assert "the new rules, no history is at hand here" in told


def test_a_change_of_policy_is_played_on_what_the_database_remembers(
    installation: Installation,
) -> None:
    installation.push({BOOK: execution_file("book")})
    installation.process("once")
    installation.push({BOOK: None, "executions/aml/other.yaml": execution_file("other")})
    installation.process("once")
    _, head = installation.propose({"platform.yaml": platform("{policy: fifo}")})
    repo = str(installation.repository.path)
    told = installation("plan", "--repo", repo, "--at", head, "-o", "json").data["rehearsal"]
    assert told["runs"] == 1
    assert [entry["namespace"] for entry in told["moved"]] == [""]
    assert told["moved"][0]["before"] == told["moved"][0]["after"]


def test_offline_neither_the_database_nor_the_heads_settings_count(
    installation: Installation, clone: Clone, zoe: Zoe
) -> None:
    installation.push({BOOK: execution_file("book")})
    installation.process("once")
    installation.cloned(clone)
    head = clone.commit(
        {
            "zoe.toml": '[security_profiles]\nfree = ["SYS_ADMIN"]\n',
            "executions/aml/root.yaml": execution_file("root", service="security_profile: free"),
        }
    )
    arguments = ("plan", "--base", "origin/main", "--head", head, "--offline", "-o", "json")
    result = zoe(*arguments, cwd=clone.path)
    assert [error["code"] for error in result.data["errors"]] == ["UnknownProfile"]
    assert result.data["snapshot"] != "none"
    clone.git("update-ref", "-d", "refs/remotes/origin/zoe/status")
    assert zoe(*arguments, cwd=clone.path).data["snapshot"] == "none"


def test_offline_the_settings_of_the_base_count(clone: Clone, zoe: Zoe) -> None:
    clone.commit({"zoe.toml": '[storage.data]\npath = "/srv/data"\n'})
    clone.git("checkout", "-q", "-b", "topic")
    mounts = "volumes: [{type: volume, source: data, target: /data}]"
    clone.commit({BOOK: execution_file("book", service=mounts)})
    result = zoe("plan", "--base", "main", "--offline", "-o", "json", cwd=clone.path)
    assert (result.code, result.data["errors"]) == (0, [])
