"""Caddy's rules: every name of ours is led to its own host, and nothing else is led anywhere."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.converge import caddy
from reconciler.manifest import routes
from reconciler.manifest.spec import Route

NAME = st.from_regex(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True)
COMPONENT = st.from_regex(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?", fullmatch=True)
PORT = st.integers(1, 65535)
HOSTILE = st.text(st.sampled_from("abz09-./~:@%{}\\\n\x00 _A?#"), max_size=40)
RULES: list[Any] = json.loads(caddy.configuration())["apps"]["http"]["servers"]["gateway"]["routes"]


def led_to(path: str) -> str | None:
    """Return what Caddy would connect to: the first rule that matches, filled in."""
    for rule in RULES:
        if "match" not in rule:
            return None
        (match,) = rule["match"]
        found = re.search(match["path_regexp"]["pattern"].replace("$", r"\Z"), path)
        if found is None:
            continue
        proxies = [h for h in rule["handle"] if h["handler"] == "reverse_proxy"]
        if not proxies:
            return None
        dial: str = proxies[0]["upstreams"][0]["dial"]
        for number, text in enumerate(found.groups(), start=1):
            dial = dial.replace(f"{{http.regexp.{match['path_regexp']['name']}.{number}}}", text)
        return dial
    return None


@given(NAME, COMPONENT, PORT, st.sampled_from([Route.STRIP, Route.KEEP]), HOSTILE)
def test_the_path_of_a_port_leads_to_the_name_that_it_answers_to(
    execution: str, component: str, target: int, route: Route, rest: str
) -> None:
    names = {"execution": execution, "component": component, "target": target}
    host = routes.upstream(**names)
    assert led_to(f"{routes.path(**names, route=route)}/{rest}") == f"{host}.:{target}"


@given(HOSTILE)
def test_whatever_is_asked_for_it_is_a_name_that_only_the_namespace_knows(path: str) -> None:
    host = r"http-[1-9][0-9]{0,4}\.[a-z0-9-]+\.[a-z0-9-]+\.zoe\.internal\.:[1-9][0-9]{0,4}"
    dial = led_to(f"/{path}")
    assert dial is None or re.fullmatch(host, dial)


def test_nobody_can_give_caddy_other_orders() -> None:
    assert json.loads(caddy.configuration())["admin"]["disabled"] is True


def test_a_path_without_its_last_slash_is_sent_to_that_with_one_and_never_elsewhere() -> None:
    sent = [h for rule in RULES for h in rule["handle"] if h.get("status_code") == 308]
    assert len(sent) == 2
    for handler in sent:
        (location,) = handler["headers"]["Location"]
        # Not the path as it was asked for: //host/a/80 would be another place.
        assert re.fullmatch(r"(/~)?(/\{http\.regexp\.[a-z]+\.[123]\}){3}/", location)


@given(NAME, COMPONENT, PORT, st.sampled_from([Route.STRIP, Route.KEEP]), HOSTILE)
def test_the_log_tells_whose_a_request_was_and_nothing_more(
    execution: str, component: str, target: int, route: Route, rest: str
) -> None:
    logs = json.loads(caddy.configuration())["logging"]["logs"]
    told = logs["traffic"]["encoder"]["fields"]["request>uri"]
    group = told["value"].replace("$", "\\")
    path = routes.path(execution=execution, component=component, target=target, route=route)
    rest = rest.replace("\n", "")  # no request line holds one
    assert re.sub(told["regexp"], group, f"{path}/{rest}", count=1) == path
    hostile = re.sub(told["regexp"], group, f"/{rest}?token=secret", count=1)
    assert "secret" not in hostile
    # What goes wrong is logged with the whole of a request.
    assert "http.log" in logs["default"]["exclude"]
