"""What each of the other ZApps' READMEs says, done as written."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.zapps.notebook import kernel
from tests.zapps.place import ZAPPS, Place

pytestmark = [pytest.mark.zapps, pytest.mark.swarm, pytest.mark.timeout(900)]

# A project of one page and one script, all that a client asks for before there is work: where the
# scheduler is, and what it answers. It speaks no more than that, so there is never work; it is slow
# to say so, which keeps its clients.
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
          cat >/proc/1/fd/2
          sleep 20
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

# Of six clients so many find room on the two workers of two processors each.
ROOM = 4
# Needs some of it on both.
PRESS = """
apiVersion: zoe/v1
kind: Execution
metadata: {name: press}
spec:
  type: batch
  services:
    main:
      image: busybox
      command: ["true"]
      replicas: 2
      resources: {reservations: {cpus: 1.2, memory: 16MiB}}
"""

# The one that is left starts no later than the one that is busy, and has a minute and a half.
SHORT_OF_PATIENCE = """
apiVersion: zoe/v1
kind: Execution
metadata: {{name: {name}}}
spec:
  zapp: jupyter
  parameters: {{cpus: 0.2}}
  idle: {{after: 90s}}
"""


def test_a_notebook_runs_a_cell_and_keeps_its_files(with_image: Callable[[str], Place]) -> None:
    place = with_image("jupyter")
    (cell,) = place.follow(ZAPPS / "jupyter")
    address, token = place.address("aml/notebook", "jupyter"), place.token("aml/notebook")
    assert address.endswith("/~/notebook/notebook/8888/lab")  # through the gateway
    with kernel(address, token) as cells:
        assert "42 True" in cells.run(cell)
    assert (place.workspace / "kept.txt").read_text() == "kept"


def test_a_notebook_left_alone_ends_and_one_with_a_busy_kernel_does_not(
    with_image: Callable[[str], Place],
) -> None:
    place = with_image("jupyter")
    for name in ("left", "busy"):
        place.write(f"executions/aml/{name}.yaml", SHORT_OF_PATIENCE.format(name=name))
    place.sh("git add -A && git commit -qm 'Two notebooks' && git push -q")
    place.sh("zoe wait aml/busy --for Running && git fetch -q origin")
    with kernel(place.address("aml/busy", "jupyter"), place.token("aml/busy")) as cells:
        cells.begin("import time\ntime.sleep(3600)")  # no output: only the kernel's state tells
        place.sh("zoe wait aml/left --for Ended")
        place.sh("zoe status aml/left; zoe status aml/busy")
        assert place.status("aml/left")["line"]["reason"] == "Idle"
        assert place.status("aml/busy")["line"]["state"] == "Running"
        conditions = place.status("aml/busy")["conditions"]
        assert "IdleSoon" not in {one["type"] for one in conditions if one["status"] == "True"}


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


def test_boinc_fills_what_is_left_and_yields(with_image: Callable[[str], Place]) -> None:
    place = with_image("boinc")
    place.push("executions/aml/project.yaml", STAND_IN)
    place.sh("zoe wait aml/project --for Running")
    place.follow(ZAPPS / "boinc")
    place.wait_until(lambda: _clients(place) == ROOM, what="clients in what is left")
    place.push("executions/aml/press.yaml", PRESS)
    place.sh("zoe wait aml/press")
    place.wait_until(lambda: _clients(place) == ROOM, what="clients to come back")
    assert "Preempted" in place.sh("zoe events --limit 500")
    place.wait_until(lambda: "<work_req_seconds>" in _asked(place), what="clients to ask for work")
    assert "<authenticator>0123456789abcdef</authenticator>" in _asked(place)


def _asked(place: Place) -> str:
    """Return what the stand-in was sent."""
    return place.logs("aml/project", "web")


def _clients(place: Place) -> int:
    """Return how many run or are being started; what has ended stays for a while."""
    return len(place.names("Starting,Running", "aml/charity-"))
