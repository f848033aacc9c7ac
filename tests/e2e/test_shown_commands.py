"""What the documents show is typed as it is printed, page by page.

A block that isn't typed here has a comment right above it: which test types it instead, or what is
lacking. Each page is typed in an installation of its own, copied from one that has made its first
passes: real Git, SQLite, the simulated cluster, and a Swarm where a line is Docker's. ``make`` only
says what it would do.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest
from sqlalchemy import make_url

from tests.fixtures.desk import Desk
from tests.fixtures.pages import PAGES, ROOT, SHELL, blocks
from tests.fixtures.signing import make_key
from tests.fixtures.site import execution_file, namespace_file
from tests.fixtures.swarm import Swarm

TYPED = [page for page in PAGES if any(block.note == "" for block in blocks(page, *SHELL))]
FILES = {
    "executions/aml/book.yaml": execution_file("book"),
    "executions/aml/report.yaml": execution_file(
        "report", extra="secrets:\n  token: {generate: random}", service="secrets: [token]"
    ),
    "executions/aml/lab-3.yaml": execution_file(
        "lab-3",
        service="ports:\n  - {name: web, target: 8080, app_protocol: http, route: socks}",
    ),
    "executions/aml/to-1000.yaml": execution_file("to-1000", type_="batch"),
    "namespaces/bio.yaml": namespace_file("bio"),
    # Larger than the simulated cluster, so that it waits.
    "executions/bio/align.yaml": execution_file("align").replace("cpus: 1", "cpus: 99"),
}
"""What the pages name, beside what ``zoe init`` writes."""

LARGE = {
    r"zoe simulate(?! --trace| --history)": "zoe simulate --applications 30",
    r"--applications 8000": "--applications 30",
    r"--executions 10000": "--executions 200",
    r"--nodes 1000 --seconds 600": "--nodes 20 --seconds 1",
    r"benchmarks\.large_loop": "benchmarks.large_loop --executions 100 --nodes 4",
    r"simulate-faults SEEDS=\d+": "simulate-faults SEEDS=1",
}
"""What takes minutes is typed with smaller numbers."""

# A job of a few seconds on one processor, then another: the fields of the Standard Workload Format.
TRACE = """\
; MaxNodes: 10
; MaxProcs: 20
1 0 0 5 1 5 0 1 9 0 1 1 1 1 1 1 0 0
2 3 0 5 1 5 0 1 9 0 1 1 1 1 1 1 0 0
"""

PROGRAM = f"""\
#!{sys.executable}
# zoe; what would go on until Ctrl-C gets one as soon as it has begun.
import signal
import subprocess
import sys

verb = [sys.executable, "-m", "reconciler", *sys.argv[1:]]
if sys.argv[1] not in ("run", "up", "web") or "--paths" in sys.argv:
    sys.exit(subprocess.run(verb).returncode)
process = subprocess.Popen(verb, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
has_begun = False
for line in process.stdout:
    print(line, end="")
    if not has_begun and ('"listening"' in line or '"pass"' in line):
        has_begun = True
        process.send_signal(signal.SIGINT)
sys.exit(process.wait() if has_begun else 1)
"""


def settle(desk: Desk) -> None:
    """Write what has the folder's name in it."""
    folder = desk.folder
    desk.environment["ZOE_CONFIG"] = f"{folder}/etc/zoe.toml"
    desk.changes |= {
        **LARGE,
        r"/etc/zoe\b": f"{folder}/etc",
        r"/srv/git\b": f"{folder}",
        r"\bdeploy/": f"{ROOT}/deploy/",
        r"zoe web(?= *#|$)": "zoe web --port 8080",
        r"--port 8080": "--port 0",
    }
    desk.program("zoe", PROGRAM)
    desk.program("make", f'#!/bin/sh\nexec {shutil.which("make")} -n -C {ROOT} "$@"\n')
    desk.program("python", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (folder / "etc").mkdir(exist_ok=True)
    (folder / "etc/webhook-secret").write_text("0123456789abcdef0123456789abcdef\n")
    (folder / "etc/zoe.toml").write_text(
        dedent(f"""\
            deployment = "lab"
            cluster = "simulated"
            state_dir = "{folder}/state"
            [gateway]
            [[source]]
            id = "platform"
            url = "{folder}/config.git"
            [source.webhook]
            provider = "generic"
            secret_file = "{folder}/etc/webhook-secret"
            """)
    )


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository as ``zoe init`` writes it, with what the pages name, after a few passes."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    settle(desk)
    desk.at.mkdir()
    key = make_key(desk.folder, "ada")
    (desk.folder / "home/.ssh").mkdir(parents=True, mode=0o700)
    shutil.copy(key.private, desk.folder / "home/.ssh/id_ed25519")
    (desk.folder / "home/.ssh/id_ed25519.pub").write_text(key.public)
    desk.type("zoe init .")
    for name in ("aml", "lab"):
        path = desk.at / f"namespaces/{name}.yaml"
        member = f"  members: [{{name: ada, key: {key.public}}}]"
        path.write_text(re.sub(r"^  # members: .*$", member, path.read_text(), flags=re.MULTILINE))
    desk.write(FILES)
    shutil.copytree(ROOT / "examples/sets", desk.at, dirs_exist_ok=True)
    desk.type(
        "git init -q -b main . && git add -A && git commit -q -m 'What the pages name'\n"
        "git init -q --bare -b main ../config.git\n"
        "git remote add origin ../config.git && git push -q -u origin main\n"
        "zoe validate && zoe once\n"
        "zoe stop lab/hello --commit && git push -q && zoe once\n"
        "git fetch -q"
    )
    return desk.folder


@pytest.fixture
def desk(template: Path, tmp_path: Path) -> Desk:
    shutil.copytree(template, tmp_path / "desk")
    made = Desk(tmp_path / "desk")
    settle(made)
    return made


def test_only_what_is_for_a_shell_looks_like_it() -> None:
    looks = re.compile(r"^(?:\$ )?(?:zoe|make|python3?|docker|git) [a-z-]", re.MULTILINE)
    wrong = [b for page in PAGES for b in blocks(page) if b.language == "" and looks.search(b.text)]
    assert [f"{block.page}:{block.line}" for block in wrong] == []


def test_what_isnt_typed_here_says_where_or_why_not() -> None:
    wrong = []
    for block in (block for page in PAGES for block in blocks(page, *SHELL) if block.note):
        how, _, rest = block.note.partition(": ")
        by = re.fullmatch(r"typed by (tests/[\w/]+\.py)", block.note)
        is_there = by and (ROOT / by[1]).is_file() and block.page in (ROOT / by[1]).read_text()
        if not is_there and not (how == "not typed" and rest):
            wrong.append(f"{block.page}:{block.line}: {block.note}")
    assert wrong == []


@pytest.mark.swarm
@pytest.mark.parametrize("page", TYPED)
def test_a_page_can_be_typed(page: str, desk: Desk, request: pytest.FixtureRequest) -> None:
    STAGED.get(page, lambda *_: None)(desk, request)
    for block in blocks(page, *SHELL):
        if block.note == "":
            desk.type(desk.here(block.typed))


# -- what a page takes for granted


def of_docker(desk: Desk, request: pytest.FixtureRequest) -> Swarm:
    swarm: Swarm = request.getfixturevalue("swarm")
    desk.environment["DOCKER_HOST"] = swarm.docker_host
    return swarm


def of_idle(desk: Desk, request: pytest.FixtureRequest) -> None:
    lab, cache = of_docker(desk, request).lab, request.getfixturevalue("image_cache")
    desk.changes["zoe lab image"] = f"zoe lab image --dir {lab.directory} --cache {cache}"
    end = "docker stack rm zoe-agent && docker secret rm zoe-agent"
    request.addfinalizer(lambda: desk.type(end))


def of_moving(desk: Desk, request: pytest.FixtureRequest) -> None:
    of_docker(desk, request)
    compose, *_ = blocks("docs/moving.md", "yaml")
    desk.write({"notes.yaml": compose.text, "stack.yaml": compose.text, "zapps/notes/.keep": ""})
    platform = (desk.at / "platform.yaml").read_text()
    with (desk.folder / "etc/zoe.toml").open("a") as settings:
        settings.write("[storage.data]\n")
    desk.write({"platform.yaml": platform.replace("- busybox\n", "- '*'\n      - '*/*/*'\n")})
    desk.type("git commit -qam 'Any image' && git push -q")


def of_review(desk: Desk, _: pytest.FixtureRequest) -> None:
    desk.type("git switch -q -c urgent")
    desk.write({"executions/bio/urgent.yaml": execution_file("urgent")})
    desk.type("git add -A && git commit -q -m 'It is urgent' && git switch -q main")


def of_secrets(desk: Desk, request: pytest.FixtureRequest) -> None:
    of_docker(desk, request)
    desk.write({"key.txt": "of a bucket", "licence.txt": "of a program"})
    desk.type("zoe secret key | sed -n '/^secrets:/,$ s/^/  /p' >>platform.yaml")
    request.addfinalizer(lambda: desk.type("docker secret rm aml-licence"))


def of_sources(desk: Desk, _: pytest.FixtureRequest) -> None:
    """A group's repository, beside the platform's clone."""
    (namespace,) = blocks("docs/sources.md", "yaml")
    desk.write({"namespaces/group-07.yaml": namespace.text})
    desk.type("git add -A && git commit -q -m 'A group with a repository of its own'")
    desk.at = desk.folder / "group"
    desk.write({"executions/group-07/notebook.yaml": execution_file("notebook")})
    desk.type("git init -q -b main . && git add -A && git commit -q -m 'Ours'")


def of_traces(desk: Desk, _: pytest.FixtureRequest) -> None:
    for name in ("seth.swf", "hpc2n-2002-head.swf"):
        desk.write({name: TRACE})
        desk.type(f"gzip {name}")


def of_webhooks(desk: Desk, request: pytest.FixtureRequest) -> None:
    url = make_url(request.getfixturevalue("empty_postgres_url"))
    settings = desk.folder / "etc/zoe.toml"
    own = f'database_url = "{url.render_as_string(hide_password=False)}"\n'
    settings.write_text(own + settings.read_text())
    desk.type("zoe rebuild --nothing-left || true")
    desk.type("zoe once")
    desk.environment |= {"PGHOST": str(url.query["host"]), "PGUSER": str(url.username)}
    web = url.set(username="zoe_web").render_as_string(hide_password=False)
    desk.changes[r"psql -d zoe"] = f"psql -d {url.database}"
    desk.changes[r"ZOE_DATABASE_URL=\S+"] = f"ZOE_DATABASE_URL='{web}'"
    request.addfinalizer(lambda: desk.type(f"psql -d {url.database} -c 'DROP OWNED BY zoe_web'"))


STAGED: Mapping[str, Callable[[Desk, pytest.FixtureRequest], None]] = {
    "docs/idle.md": of_idle,
    "docs/moving.md": of_moving,
    "docs/policies.md": of_traces,
    "docs/review.md": of_review,
    "docs/scheduling.md": of_traces,
    "docs/secrets.md": of_secrets,
    "docs/simulation.md": of_traces,
    "docs/sources.md": of_sources,
    "docs/webhooks.md": of_webhooks,
}
