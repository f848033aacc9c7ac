"""A backup of PostgreSQL is made and restored with the commands of docs/operating.md."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from sqlalchemy import make_url

from tests.fixtures.site import execution_file
from tests.fixtures.verbs import CHECKOUT, Installation

BOOK = {"executions/aml/book.yaml": execution_file("book")}
LATER = {"executions/aml/later.yaml": execution_file("later")}


def test_a_restored_database_gets_what_it_misses(
    installation: Installation, empty_postgres_url: str, tmp_path: Path
) -> None:
    text = (CHECKOUT / "docs/operating.md").read_text()
    dump, restore = (
        "\n".join(re.findall(rf"^(?:{programs}) .+$", text, re.MULTILINE))
        for programs in ("pg_dump", "dropdb|pg_restore")
    )
    url = make_url(empty_postgres_url)
    name, user, folder = str(url.database), str(url.username), str(url.query["host"])

    def shell(script: str) -> None:
        own = re.sub(r"\bzoe\b(?!\.dump)", name, script).replace(
            f"--owner={name}", f"--owner={user}"
        )
        environment = os.environ | {"PGHOST": folder, "PGUSER": user}
        subprocess.run(["bash", "-euc", own], cwd=tmp_path, env=environment, check=True)

    installation.configure(database_url=empty_postgres_url)
    installation.push(BOOK)
    assert installation.process("once").code == 0
    shell(dump)
    installation.push(LATER)
    assert installation.process("once").code == 0
    shell(restore)
    held = installation.process("once")
    assert (held.code, "nothing is changed until: zoe rebuild" in held.err) == (1, True)
    assert installation.process("rebuild").code in (0, 1)
    again = installation.process("once")
    assert (again.code, again.out[:10]) == (0, "2 Running ")
