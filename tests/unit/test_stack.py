"""What ``deploy/stack.yaml`` may never lose: who has what rights, and that nothing is unbounded."""

from __future__ import annotations

import re
import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler import __version__, config
from reconciler.cluster.lab import recipe
from reconciler.cluster.lab.recipe import Base

DEPLOY = Path(__file__).parents[2] / "deploy"
STACK: dict[str, Any] = yaml.safe_load((DEPLOY / "stack.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = STACK["services"]
EVERY = pytest.mark.parametrize("name", SERVICES)
_DEFAULT = re.compile(r"\$\{\w+:-([^}]*)\}")


def sources(service: dict[str, Any], kind: str) -> set[str]:
    """Return what of a kind (secrets, configs) a service mounts."""
    return {one if isinstance(one, str) else one["source"] for one in service.get(kind, ())}


def mounts(service: dict[str, Any]) -> list[str]:
    return [mount.get("source", "") for mount in service.get("volumes", ())]


def test_only_run_has_the_socket_and_only_managers_run_it() -> None:
    with_socket = {
        name for name, one in SERVICES.items() if any("sock" in source for source in mounts(one))
    }
    binds = {
        name
        for name, one in SERVICES.items()
        if any(mount["type"] == "bind" for mount in one["volumes"])
    }
    assert with_socket == binds == {"run"}
    assert SERVICES["run"]["deploy"]["placement"]["constraints"] == ["node.role == manager"]


def test_the_page_has_an_account_of_its_own_and_no_other_secret() -> None:
    web = SERVICES["web"]
    assert sources(web, "secrets") == {"zoe-web-pgpass"}
    assert "//zoe_web@" in web["environment"]["ZOE_DATABASE_URL"]
    assert "DOCKER_HOST" not in web["environment"]
    assert "zoe-web-pgpass" not in sources(SERVICES["run"], "secrets")


@EVERY
def test_each_service_is_bounded_and_watched(name: str) -> None:
    service = SERVICES[name]
    limits = service["deploy"]["resources"]["limits"]
    assert {"cpus", "memory"} <= limits.keys()
    assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["logging"]["options"]["max-size"]
    assert "privileged" not in service


@EVERY
def test_no_secret_is_in_an_environment(name: str) -> None:
    environment = SERVICES[name].get("environment", {})
    words = re.compile(r"PASSWORD|TOKEN|SECRET|KEY", re.IGNORECASE)
    assert [key for key in environment if words.search(key)] == []
    urls = [str(value) for value in environment.values() if "://" in str(value)]
    assert [url for url in urls if re.search(r"//[^/@]*:[^/@]*@", url)] == []
    assert not any("/run/secrets" in str(word) for word in SERVICES[name].get("command", ()))


@EVERY
def test_every_image_has_a_version(name: str) -> None:
    image = SERVICES[name]["image"]
    default = _DEFAULT.fullmatch(image)
    assert default is not None, "an image can be given"
    _, _, tag = default[1].rpartition(":")
    assert tag[0].isdigit()


def test_all_that_is_mounted_is_declared() -> None:
    for kind in ("secrets", "configs"):
        used = {source for service in SERVICES.values() for source in sources(service, kind)}
        assert used == STACK[kind].keys()
    volumes = {
        mount["source"]
        for service in SERVICES.values()
        for mount in service["volumes"]
        if mount["type"] == "volume"
    }
    assert volumes == STACK["volumes"].keys()
    assert all(secret == {"external": True} for secret in STACK["secrets"].values())


def test_configs_are_named_by_their_content() -> None:
    """A Swarm's configs can't be changed: with an old name an upgrade would fail."""
    for name, one in STACK["configs"].items():
        if name != "zoe.toml":
            digest = sha256((DEPLOY / one["file"]).read_bytes()).hexdigest()
            assert one["name"].endswith(f"-{digest[:8]}"), f"{one['name']}: {digest[:8]}"


def test_the_database_is_reached_from_within_only() -> None:
    assert STACK["networks"]["database"] == {"internal": True}
    assert [name for name, one in SERVICES.items() if "ports" in one] == ["web"]
    assert SERVICES["postgres"]["networks"] == ["database"]


def test_upgrades_leave_no_second_leader_and_no_gap_in_the_page() -> None:
    orders = {name: one["deploy"]["update_config"]["order"] for name, one in SERVICES.items()}
    assert orders.pop("web") == "start-first"
    assert set(orders.values()) == {"stop-first"}
    # A migration can't be taken back.
    assert SERVICES["run"]["deploy"]["update_config"]["failure_action"] == "pause"
    assert SERVICES["run"]["stop_grace_period"]


def test_its_settings_are_settings() -> None:
    settings = config.parse((DEPLOY / "zoe.toml").read_bytes())
    assert settings.platform_source.token_file == Path("/run/secrets/zoe-git-token")
    assert "database_url" not in (DEPLOY / "zoe.toml").read_text()


def test_the_image_of_packages_is_that_of_the_dockerfile() -> None:
    read = recipe.read(recipe.locate("zoe"))
    project = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text())["project"]
    assert list(read.pip) == project["dependencies"]
    assert read.base is Base.PYTHON
    assert read.tags == (f"zoe/zoe:{__version__}",)
    assert _DEFAULT.fullmatch(SERVICES["run"]["image"])[1] == read.tags[0]  # type: ignore[index]
    targets = {file.target for file in read.files}
    assert {"/opt/zoe/reconciler/__main__.py", "/opt/zoe/webhook/page/static/zoe.css"} <= targets
    assert not any("__pycache__" in target for target in targets)
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    assert read.user is not None
    assert f"USER {read.user.uid}:{read.user.gid}" in dockerfile
    assert f"--home-dir {read.user.home} " in dockerfile
    assert f"ARG VERSION={__version__}" in dockerfile
