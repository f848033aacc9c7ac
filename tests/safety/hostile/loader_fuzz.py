"""One mutated file in a repository that was good before, through the production loader."""

from __future__ import annotations

import re
import time
from random import Random

from reconciler.manifest.catalogue import Catalogue
from reconciler.manifest.diagnostic import to_github, to_text
from tests.repositories import Repository
from tests.safety.hostile.corpus import CASES
from tests.safety.hostile.independent import objection
from tests.safety.hostile.judging import repository

LONGEST_S = 1.0
SEALED = "canary-0b3d5f7a91"
_SECRET = f"""\
apiVersion: zoe/v1
kind: Execution
metadata: {{name: sealed}}
spec:
  type: batch
  secrets: {{token: {{age: {SEALED}}}}}
  services: {{main: {{image: busybox, secrets: [token]}}}}
""".encode()
_SHOWN = re.compile(rf"\bage: {SEALED}")
_CODE = re.compile(r"[A-Z][A-Za-z0-9]+")


class LoaderFuzz:
    """Loads one mutated file after another; all the rest must stay as it was."""

    def __init__(self) -> None:
        example = Repository.example()
        self._held = example
        self._held.files |= {
            path: data for path, data in repository().files.items() if "bystander" in path
        }
        self._held.put("namespaces/other.yaml", repository().files["namespaces/other.yaml"])
        before = self._held.load()
        self._loader = self._held.loader
        self._held.compares = False  # what isn't of a case is forgotten
        self._good = dict(self._held.good)
        self._files = dict(self._held.files)
        self._before = {m.uid: m.spec_hash for m in before.manifests}
        self._targets = sorted(path for path in self._files if path.endswith(".yaml"))
        self._samples = [self._files[path] for path in self._targets]
        self._samples += [case.data for case in CASES if len(case.data) < 4000]

    def one(self, chance: Random) -> tuple[str, str]:
        """Return what became of a case, and what was wrong with that."""
        path, data = self._drawn(chance)
        self._held.files = {**self._files, path: data}
        self._held.good = dict(self._good)
        self._held.loader = self._loader.apart()
        self._held.commits.clear()
        self._held.blobs.clear()
        started = time.process_time()
        try:
            catalogue = self._held.load()
        except Exception as error:  # noqa: BLE001 - any is a breach
            return "crashed", f"{path}: {type(error).__name__}: {error}: {data[:200]!r}"
        spent = time.process_time() - started
        if spent > LONGEST_S:
            return "slow", f"{path} took {spent:.1f} s: {data[:200]!r}"
        is_refused = path in catalogue.bad_paths
        breach = self._breach(path, data, catalogue, is_refused=is_refused)
        return "refused" if is_refused else "accepted", breach

    def _drawn(self, chance: Random) -> tuple[str, bytes]:
        from tests.safety.hostile.mutation import mutated

        path = chance.choice([*self._targets, "executions/aml/new.yaml", "sets/new.yaml"])
        if chance.random() < 0.5:
            sample = self._files.get(path, _SECRET)
        else:
            sample = chance.choice([*self._samples, _SECRET])
        return path, mutated(sample, chance.choice(self._samples), chance)

    def _breach(self, path: str, data: bytes, catalogue: Catalogue, *, is_refused: bool) -> str:
        for item in catalogue.diagnostics:
            if not (_CODE.fullmatch(item.code) and item.message and item.file):
                return f"a diagnostic without code or place: {item}"
            if item.is_error and item.line < 0:
                return f"a diagnostic at line {item.line}"
        told = to_text(catalogue.diagnostics) + to_github(catalogue.diagnostics)
        if _SHOWN.search(told):
            return f"a secret in {told[:300]!r}"
        now = {m.uid: m.spec_hash for m in catalogue.manifests}
        if is_refused and not self._before.keys() <= now.keys():
            return f"{path} was refused and took something away: {data[:300]!r}"
        if not is_refused and path.endswith(".yaml") and (why := objection(data)):
            return f"{path} was accepted, but {why}: {data[:300]!r}"
        return ""
