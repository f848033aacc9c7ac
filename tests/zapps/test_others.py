"""What each of the other ZApps' READMEs says, done as written."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.zapps.notebook import kernel
from tests.zapps.place import ZAPPS, Place

pytestmark = [pytest.mark.zapps, pytest.mark.swarm, pytest.mark.timeout(900)]

# A project of one page and one script, all that a client asks for before there is work: where the
# scheduler is, and what it answers. It speaks no more than that, so there is never work.
STAND_IN = """
apiVersion: zoe/v1
kind: Execution
metadata: {name: project}
spec:
  type: interactive
  services:
    web:
      image: busybox
      command:
        - sh
        - -c
        - |
          mkdir -p /tmp/www/cgi-bin && cd /tmp/www
          scheduler=http://web.project:8080/cgi-bin/scheduler
          echo "<html><scheduler>$scheduler</scheduler></html>" >index.html
          cat >cgi-bin/scheduler <<'END'
          #!/bin/sh
          cat >/tmp/www/last-request.xml
          printf 'Content-Type: text/xml\\r\\n\\r\\n'
          echo '<scheduler_reply><scheduler_version>700</scheduler_version>'
          echo '<project_name>Stand-in</project_name><request_delay>3600</request_delay>'
          echo '<message priority="low">attached to the stand-in</message></scheduler_reply>'
          END
          chmod +x cgi-bin/scheduler
          exec httpd -f -p 8080 -h /tmp/www
      ports: [{name: http, target: 8080, app_protocol: http, path: /}]
      healthcheck: {test: "wget -qO- http://127.0.0.1:8080/", interval: 1s}
      resources: {reservations: {cpus: 0.1, memory: 16MiB}}
"""


def test_a_notebook_runs_a_cell_and_keeps_its_files(with_image: Callable[[str], Place]) -> None:
    place = with_image("jupyter")
    (cell,) = place.follow(ZAPPS / "jupyter")
    address, token = place.address("aml/notebook", "jupyter"), place.token("aml/notebook")
    assert address.endswith("/~/notebook/notebook/8888/lab")  # through the gateway
    with kernel(address, token) as cells:
        assert "42 ['kept.txt']" in cells.run(cell)
    assert (place.workspace / "kept.txt").read_text() == "kept"


def test_mpi_sums_over_two_nodes(with_image: Callable[[str], Place]) -> None:
    place = with_image("openmpi")
    place.follow(ZAPPS / "openmpi")
    told = place.status("aml/allreduce")
    (workers,) = [part for part in told["parts"] if part["name"] == "worker"]
    assert len({task["node"] for task in workers["tasks"]}) == 2
    assert told["exitCode"] == 0


def test_memcached_gives_back_what_was_put_in(with_image: Callable[[str], Place]) -> None:
    with_image("memcached").follow(ZAPPS / "memcached")


def test_results_come_out_of_the_workspace(with_image: Callable[[str], Place]) -> None:
    place = with_image("files")
    place.follow(ZAPPS / "files")
    assert (place.workspace / "result.txt").read_text() == "what I computed\n"


def test_boinc_attaches_to_a_project(with_image: Callable[[str], Place]) -> None:
    place = with_image("boinc")
    place.push("executions/aml/project.yaml", STAND_IN)
    place.sh("zoe wait aml/project --for Running")
    place.follow(ZAPPS / "boinc")
    place.wait_until(
        lambda: "attached to the stand-in" in place.logs("aml/charity", "client"),
        what="the project's answer",
    )
