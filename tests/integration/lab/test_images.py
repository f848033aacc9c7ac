"""Images built from packages, run as the public ones are."""

from __future__ import annotations

import io
import json
import tarfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.cli import main
from reconciler.cluster.lab import image, recipe
from reconciler.cluster.lab.archive import Image
from reconciler.cluster.lab.lab import Lab
from reconciler.errors import ReconcilerError
from tests.fixtures.parts import missing
from tests.fixtures.swarm import Swarm, wait_for

# A build downloads and unpacks packages, and whoever asks first waits for it.
pytestmark = [pytest.mark.swarm, pytest.mark.slow, pytest.mark.timeout(900)]

TOKEN = "of-this-test-only"
PORT = 18_888


@pytest.fixture(scope="module")
def notebook(image_cache: Path) -> Image:
    try:
        return image.build(recipe.read(recipe.locate("notebook")), image_cache, say=lambda _: None)
    except ReconcilerError as error:
        missing("an image built from packages", str(error))


@pytest.fixture(scope="module")
def lone(notebook: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swarm]:
    lab = Lab(tmp_path_factory.mktemp("l"))
    try:
        lab.up(nodes=1)
        lab.load_image(notebook.archive)
        yield Swarm(lab)
    finally:
        lab.down()


def test_a_notebook_serves_an_unprivileged_user_with_a_token_from_a_secret(
    lone: Swarm, notebook: Image, tmp_path: Path
) -> None:
    assert not lone.lab.lacks_image(notebook.tags[0], notebook.id)
    (tmp_path / "token").write_text(TOKEN)
    lone.docker("network", "create", "--driver", "overlay", "notebooks")
    lone.docker("secret", "create", "token", str(tmp_path / "token"))
    lone.docker(
        *("service", "create", "--detach", "--no-resolve-image", "--name", "notebook"),
        *("--network", "notebooks"),  # without a network there is no way to its port
        *("--cap-drop", "ALL", "--secret", "source=token,target=jupyter_token"),
        *("--env", "JUPYTER_TOKEN_FILE=/run/secrets/jupyter_token"),
        *("--health-cmd", "/etc/jupyter/docker_healthcheck.py", "--health-interval", "2s"),
        *("--health-start-period", "120s"),  # a busy machine is no reason to start it again
        *("--publish", f"mode=host,target=8888,published={PORT}", notebook.tags[0]),
    )
    wait_for(lambda: lone.docker("service", "ps", "-q", "notebook"), what="a task")
    states = ("service", "ps", "--format", "{{.CurrentState}} {{.Error}}", "notebook")
    wait_for(
        lambda: lone.docker(*states).startswith("Running"), what="a healthy notebook", timeout_s=300
    )
    status = f"http://{lone.address(1)}:{PORT}/api/status"
    with urllib.request.urlopen(f"{status}?token={TOKEN}", timeout=10) as answer:
        assert json.load(answer)["kernels"] == 0
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(status, timeout=10)


def test_an_image_holds_nothing_of_the_machine_that_built_it(notebook: Image) -> None:
    settings = {"pip.conf", "sources.list", "resolv.conf", "policy-rc.d", "zoe-lab"}
    litter = {"machine-id", ".cache"}
    with tarfile.open(notebook.archive) as archive:
        manifest = json.load(_file(archive, "manifest.json"))[0]
        for layer in manifest["Layers"]:
            with tarfile.open(fileobj=_file(archive, layer)) as files:
                names = {name for path in files.getnames() for name in Path(path).parts}
                assert not names & (settings | litter)


def test_without_a_lab_it_is_said_where_the_image_is(
    image_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ("--dir", str(tmp_path / "l"), "--cache", str(image_cache))
    assert main(["lab", "image", "busybox", *places]) == 0
    out, err = capsys.readouterr()
    assert "busybox:latest" in out.splitlines()
    assert Path(err.split("docker load -i ")[1].strip()).is_file()


def _file(archive: tarfile.TarFile, name: str) -> io.BufferedReader:
    content = archive.extractfile(name)
    assert content is not None
    return content
