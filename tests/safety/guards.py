"""The guards, and how each is taken out: what stands in the source, what would stand there without
it, and the tests of which one must then fail.

That these texts still stand in the source is tested with everything else (``test_guards.py``);
``python -m tests.safety.mutations`` takes them out one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

FILES = "tests/safety/hostile/test_files.py"
REPOSITORIES = "tests/safety/hostile/test_repositories.py"
READING = "tests/unit/manifest/test_source_map.py"
GUARD = "tests/unit/converge/test_guard.py"
SIGNATURE = "tests/unit/webhook/test_signature.py"


@dataclass(frozen=True, slots=True)
class Guard:
    """``old`` stands in ``file`` exactly once; ``tests`` are arguments of pytest."""

    name: str
    file: str
    old: str
    new: str
    tests: str


_SOURCE_MAP = "reconciler/manifest/source_map.py"
_GRANTS = "reconciler/manifest/grants.py"
_SIGNATURE = "webhook/signature.py"

LEXICAL = (
    Guard("duplicate keys", _SOURCE_MAP,
          "if entries is not None and (first := entries.get(key)) is not None:",
          "if (first := (entries or {}).get(key)) is not None and first.line < 0:", READING),
    Guard("depth", _SOURCE_MAP, "if len(self.stack) >= self.limits.depth:",
          "if len(self.stack) >= 10**9:", READING),
    Guard("number of values", _SOURCE_MAP, "if self.nodes > self.limits.nodes:",
          "if self.nodes > 10**9:", READING),
    Guard("aliases",
          _SOURCE_MAP, 'self._complain(event, complaint)\n            self._add(event, None)',
          "self._add(event, None)", READING),
    Guard("tags and anchors", _SOURCE_MAP, "if event.anchor is not None or event.tag is not None:",
          "if event.anchor == event.tag == '':", READING),
    Guard("merge keys", _SOURCE_MAP, 'if text == "<<":', 'if text == "<<<":', READING),
    Guard("escaped characters", _SOURCE_MAP,
          "if (match := FORBIDDEN.search(event.value)) is not None:",
          "if (match := FORBIDDEN.search('')) is not None:", READING),
    Guard("unseen characters", "reconciler/manifest/characters.py",
          "for match in FORBIDDEN.finditer(text):",
          'for match in FORBIDDEN.finditer(""):', READING),
    Guard("size of a file", "reconciler/manifest/characters.py",
          "if len(data) > limits.file_bytes:", "if len(data) > 10**9:", READING),
    Guard("octal numbers", "reconciler/manifest/scalars.py",
          'if len(digits) > 1 and digits[0] == "0":', "if not digits:", READING),
    Guard("secrets in errors", _SOURCE_MAP, "if is_of_secret(problem.path):",
          "if is_of_secret(()):", FILES),
)  # fmt: skip
PERMISSIONS = (
    Guard("kinds at their places", "reconciler/manifest/documents.py",
          "if kind not in (place.kind, _ALSO.get(place.kind)):", "if not kind:", FILES),
    Guard("reserved labels", "reconciler/manifest/rules.py",
          "if name.lower().startswith(RESERVED_LABELS)", "if name.startswith(RESERVED_LABELS)",
          FILES),
    Guard("bare braces", "reconciler/manifest/expressions.py",
          '    if "{{" in text:\n        raise Complaint(\n            "BareBraces",',
          '    if "{{{{" in text:\n        raise Complaint(\n            "BareBraces",', FILES),
    Guard("targets of mounts", "reconciler/manifest/build.py",
          "return self.measured(check_target, value, path, value)", "return value", FILES),
    Guard("images allowed", _GRANTS, "if not is_allowed(service.image, platform):",
          "if not service.image:", FILES),
    Guard("profiles granted", _GRANTS, 'if profile == "restricted":', "if profile:", FILES),
    Guard("storages granted", _GRANTS,
          "elif (users := offer.storages.get(name, ())) and namespace.name not in users:",
          "elif (users := offer.storages.get(name, ())) and not name:", FILES),
    Guard("published ports", _GRANTS,
          "if port.published and not first <= port.published <= last:",
          "if port.published and port.published < 0:", FILES),
    Guard("replicas in all", _GRANTS, "if total <= platform.maximum_replicas:",
          "if total <= 10**9:", FILES),
    Guard("swarm secrets granted", "reconciler/converge/secret_access.py",
          "if name not in owner.secrets and labels.get(LABEL_NAMESPACE) != owner.name:",
          "if not name:",
          "tests/integration/loop/test_bad_input.py tests/integration/loop/test_secrets.py"),
    Guard("right of way of names", "reconciler/manifest/rulebook.py",
          "                is_twin = True\n", "                is_twin = False\n", FILES),
    Guard("last good content", "reconciler/manifest/catalogue.py",
          "            if path not in intake.bad:", "            if path not in ():", FILES),
)  # fmt: skip
GIT = (
    Guard("symbolic links", "reconciler/git/walk.py",
          '    FileMode.LINK: "a symbolic link: put the file itself there",\n', "", REPOSITORIES),
    Guard("twins in a directory", "reconciler/git/walk.py",
          "if reason is None and raw.lower() in twins:", "if reason is None and raw in ():",
          REPOSITORIES),
    Guard("names in a tree", "reconciler/git/walk.py", "reason = names.refusal(raw)",
          "reason = None", REPOSITORIES),
    Guard("entries of a tree", "reconciler/git/walk.py", "if self.entries > self.max_entries:",
          "if self.entries > 200_000:", REPOSITORIES),
    Guard("depth of a tree", "reconciler/git/walk.py", "if depth > names.MAX_DEPTH:",
          "if depth > 10**9:", REPOSITORIES),
    Guard("size before inflating", "reconciler/git/objects.py", "if size > limit_bytes:",
          "if size < 0:", "tests/integration/git/test_reading.py -k huge"),
    Guard("descendants only", "reconciler/acceptance.py",
          "if accepted and not source.is_descendant(tip, accepted):", "if not tip:", REPOSITORIES),
    Guard("every commit of a range", "reconciler/trust.py",
          "judge = _Judge(provenance, rules)\n    for stage",
          "judge = _Judge(provenance, rules)\n    steps = steps[-1:]\n    for stage",
          "tests/unit/test_trust.py tests/integration/loop/test_trust.py"),
    Guard("HMAC of the mirrored ledger", "reconciler/converge/mirror.py",
          "if not hmac.compare_digest(claimed, _hmac(body, key).encode()):", "if not claimed:",
          "tests/unit/converge/test_mirror.py"),
)  # fmt: skip
DELETES = (
    Guard("mass deletes", "reconciler/converge/guard.py", "if count > most else",
          "if count < 0 else", GUARD),
    Guard("an empty tree", "reconciler/converge/guard.py", "    if tree_is_empty:\n",
          "    if not count:\n", GUARD),
    Guard("an owner's unreadable file", "reconciler/converge/guard.py",
          "if d.namespace in unparsed_namespaces", "if d.namespace in ()", GUARD),
    Guard("most of a namespace", "reconciler/converge/guard.py",
          "return had >= NAMESPACE_FLOOR and lost * 2 > had", "return had < 0", GUARD),
    Guard("the second observation", "reconciler/loop.py",
          "return again, _services(observed) == _services(again)", "return again, True",
          "tests/integration/loop"),
    Guard("the lease in each write", "reconciler/store/lease.py",
          "        .where(lease.c.epoch == held.epoch, lease.c.holder == held.holder)\n"
          "        .with_for_update(read=True)\n", "        .with_for_update(read=True)\n",
          "tests/integration/store/test_leadership.py tests/contract/test_store.py"),
)  # fmt: skip
RECEIVER = (
    Guard("HMAC of a body", _SIGNATURE,
          "hmac.compare_digest(given, hmac.new(secret, body, algorithm).hexdigest().encode())",
          "len(given) == len(hmac.new(secret, body, algorithm).hexdigest())", SIGNATURE),
    Guard("constant time", _SIGNATURE,
          "hmac.compare_digest(given, hmac.new(secret, body, algorithm).hexdigest().encode())",
          "given == hmac.new(secret, body, algorithm).hexdigest().encode()", SIGNATURE),
    Guard("age of a signature", _SIGNATURE,
          "return abs(now.timestamp() - int(sent_at)) <= SKEW_MOST.total_seconds()",
          "return True", SIGNATURE),
    Guard("size of a body", "webhook/body.py", "    if heard > limit_bytes:\n",
          "    if heard < 0:\n", "tests/integration/webhook/test_receiver.py"),
    Guard("signature before parsing", "webhook/receiver.py",
          "if not endpoint.provider.verify(headers, body, endpoint.secrets, now):",
          "if not endpoint.secrets:", "tests/integration/webhook/test_receiver.py"),
)  # fmt: skip
GUARDS = (*LEXICAL, *PERMISSIONS, *GIT, *DELETES, *RECEIVER)
