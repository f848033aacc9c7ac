"""Failpoints: what the variable orders, and that without it they do nothing."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.errors import ConfigError
from reconciler.failpoints import VARIABLE, Orders, Point, Provoked, armed, hooked, reach

ROOT = Path(__file__).parents[2]


def test_without_the_variable_a_point_does_nothing() -> None:
    with armed({}):
        reach(Point.PLAN_MADE)


def test_a_fault_comes_at_the_hit_that_was_ordered_and_at_no_other() -> None:
    with armed({VARIABLE: "plan.made=raise@2"}):
        reach(Point.PLAN_MADE)
        reach(Point.MANIFESTS_READ)
        with pytest.raises(Provoked, match="as ZOE_FAILPOINTS asked for"):
            reach(Point.PLAN_MADE)
        reach(Point.PLAN_MADE)
    reach(Point.PLAN_MADE)


def test_several_orders_are_kept_apart() -> None:
    orders = Orders.parse("git.fetched=sleep:0.001, plan.made=raise")
    orders(Point.GIT_FETCHED)
    with pytest.raises(Provoked):
        orders(Point.PLAN_MADE)


def test_kill9_ends_the_process_as_a_power_cut_would() -> None:
    program = (
        "from reconciler.failpoints import Point, armed, reach\n"
        "with armed():\n    reach(Point.PLAN_MADE)\n    print('lives', flush=True)\n"
        "    reach(Point.PLAN_MADE)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={VARIABLE: "plan.made=kill9@2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (-9, "lives\n")


@pytest.mark.parametrize(
    "text", ["plan=raise", "plan.made=boom", "plan.made=raise@0", "raise", ","]
)
def test_an_order_that_cant_be_read_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=VARIABLE), armed({VARIABLE: text}):
        pass


def test_a_hook_lasts_as_long_as_it_is_lent_and_nests() -> None:
    outer: list[Point] = []
    inner: list[Point] = []
    with hooked(outer.append):
        with hooked(inner.append):
            reach(Point.PLAN_MADE)
        reach(Point.GIT_FETCHED)
    reach(Point.PLAN_MADE)
    assert (outer, inner) == ([Point.GIT_FETCHED], [Point.PLAN_MADE])


def test_the_sixteen_kill_points_are_numbered_and_each_is_reached_somewhere() -> None:
    module = ROOT / "reconciler" / "failpoints.py"
    assert re.findall(r'"""K(\d+):', module.read_text()) == [str(n) for n in range(1, 17)]
    named: set[str] = set()
    for path in (ROOT / "reconciler").rglob("*.py"):
        if path != module and "Point." in (text := path.read_text(encoding="utf-8")):
            named |= {
                node.attr
                for node in ast.walk(ast.parse(text))
                if isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "Point"
            }
    assert named == {point.name for point in Point}
