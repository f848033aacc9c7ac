"""The guards, and how each is taken out: what stands in the source, what would stand there without
it, and the tests of which one must then fail.

That these texts still stand in the source is tested with everything else (``test_guards.py``);
``python -m tests.safety.mutations`` takes them out one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

FILES = "tests/safety/hostile/test_files.py"
REPOSITORIES = "tests/safety/hostile/test_repositories.py"
UNIT = "tests/unit/converge"
LOOP = "tests/integration/loop"
REBUILD = "tests/integration/rebuild/test_rebuild.py"
BUDGET = "tests/unit/manifest/test_budget.py"
TENANTS = f"{LOOP}/test_tenants.py"
CAGE = "tests/unit/cluster/test_translate.py"
FETCHING = "tests/integration/git/test_fetch.py"
PROBATION = "tests/unit/test_probation.py"
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
    Guard("secrets in the line of an error", "reconciler/manifest/hiding.py",
          "if found := _DEFINED.search(text_line):", 'if found := _DEFINED.search(""):',
          f"{FILES}::test_no_diagnostic_repeats_a_secret"),
    Guard("secrets below an error", "reconciler/manifest/hiding.py",
          "if not _is_below_secrets(lines, line):", "if line:",
          f"{FILES}::test_no_diagnostic_repeats_a_secret"),
)  # fmt: skip
BUDGETS = (
    Guard("files of a commit", "reconciler/manifest/budget.py",
          "if self.files > self.limits.files:", "if self.files < 0:", BUDGET),
    Guard("bytes of a commit", "reconciler/manifest/budget.py",
          "if self.content_bytes > self.limits.content_mib * _MIB:",
          "if self.content_bytes < 0:", BUDGET),
    Guard("items of a commit", "reconciler/manifest/budget.py",
          "if not parsed.items or self.items <= self.limits.manifests:", "if self.items >= 0:",
          BUDGET),
    Guard("newcomers come last", "reconciler/manifest/intake.py",
          "key=lambda file: (not was_good(*file), file[0])", "key=lambda file: file[0]", BUDGET),
    Guard("a fault at one document", "reconciler/manifest/handling.py",
          "        try:\n            return self.parse_file(data, path, place, limits)\n"
          "        except Exception as error:  # noqa: BLE001 - whatever it is, the other files "
          "are read\n"
          "            return documents.refused(path, place, _fault(error))\n",
          "        return self.parse_file(data, path, place, limits)\n",
          "tests/unit/manifest/test_handling.py"),
    Guard("quarantine", "reconciler/probation.py", "return self.alone >= DEATHS",
          "return self.alone < 0", PROBATION),
    Guard("written down before it is treated", "reconciler/probation.py",
          "        self.store.write_trials([*others, *begun], gone=())\n", "",
          PROBATION),
    Guard("nothing beside what is tested", "reconciler/probation.py",
          "        if suspects or self._is_test:", "        if self._is_test:", PROBATION),
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
    Guard("addresses of registries", _GRANTS, "return not is_address(image)", "return True",
          FILES),
    Guard("longest lifetime", _GRANTS, "if caps and asked > min(caps)[0]:", "if not asked:",
          "tests/unit/manifest/test_quotas.py"),
    Guard("Swarm secrets that we made", "reconciler/converge/secret_access.py",
          "if LABEL_DEPLOYMENT in labels:", "if not name:", f"{LOOP}/test_secrets.py"),
    Guard("place of a ciphertext", "reconciler/secrets/keeper.py",
          "if found.address != here:", "if not found.address:", f"{LOOP}/test_secrets.py"),
    Guard("capabilities of a task", "reconciler/cluster/translate.py",
          'if "ALL" not in spec.capabilities_drop:', "if not spec.name:", CAGE),
    Guard("networks of a node", "reconciler/cluster/translate.py",
          "if any(item.network.lower() in _NODE_NETWORKS for item in spec.networks):",
          "if any(item.network in _NODE_NETWORKS for item in spec.networks):", CAGE),
    Guard("templates of the engine", "reconciler/cluster/translate.py",
          'if any("{{" in text.replace(_SLOT, "") for text in expanded):',
          'if any("{{{{" in text for text in expanded):', CAGE),
    Guard("keys of a service's body", "reconciler/cluster/container.py",
          '        "CapabilityDrop": list(spec.capabilities_drop),\n', "", CAGE),
    Guard("what only the platform says", "reconciler/manifest/lent.py",
          "files = {path: blob for path, blob in revision.files.items() if not is_platforms(path)}",
          "files = dict(revision.files)", TENANTS),
    Guard("grants by a ZApp's name", "reconciler/manifest/lent.py",
          "granted = tuple(name for name in self.platform.baseline_zapps if name in self.zapps)",
          "granted = self.platform.baseline_zapps", TENANTS),
    Guard("a tenant's fault is its own", "reconciler/tenants.py",
          "    except Exception as error:\n        # Whatever",
          "    except ZeroDivisionError as error:\n        # Whatever", TENANTS),
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
    Guard("entries of a tree", "reconciler/git/walk.py", "if entries > self._max_entries:",
          "if entries > 200_000:", REPOSITORIES),
    Guard("depth of a tree", "reconciler/git/walk.py", "if depth > names.MAX_DEPTH:",
          "if depth > 10**9:", REPOSITORIES),
    Guard("size before inflating", "reconciler/git/objects.py", "if size > limit_bytes:",
          "if size < 0:", "tests/integration/git/test_reading.py -k huge"),
    Guard("size of a commit object", "reconciler/git/objects.py",
          "if size > MAX_COMMIT_BYTES:", "if size < 0:", REPOSITORIES),
    Guard("bytes of a directory", "reconciler/git/walk.py", "if size > MAX_TREE_BYTES:",
          "if size < 0:", REPOSITORIES),
    Guard("credentials after a redirect", "reconciler/git/access.py",
          "if not self._access.is_same_server(url):", "if not url:",
          f"{FETCHING}::test_a_redirect_to_another_server_gets_no_token"),
    Guard("host keys", "reconciler/git/access.py", "        return valid\n",
          "        return True\n", f"{FETCHING} -k host_key"),
    Guard("bytes of a fetch", "reconciler/git/access.py",
          "if self.most_bytes is not None and stats.received_bytes > self.most_bytes:",
          "if stats.received_bytes < 0:", "tests/integration/git/test_pulls.py"),
    Guard("time of a fetch", "reconciler/git/fetch_worker.py",
          'signal.alarm(order["ends_after_s"])', "signal.alarm(0)",
          "tests/integration/git/test_fetchers.py"),
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
          f"{LOOP}/test_loop.py"),
    Guard("deletes before it", "reconciler/converge/assess.py",
          "    if draft.world.may_delete:\n", "    if draft.world:\n", f"{UNIT}/test_assess.py"),
    Guard("what isn't read isn't gone", "reconciler/converge/guard.py",
          "    if missing is not None:\n", "    if missing == ():\n", TENANTS),
    Guard("all that was agreed to", "reconciler/converge/guard.py",
          "if not all(departure.uid in agreed for departure in departures):",
          "if not any(departure.uid in agreed for departure in departures):", GUARD),
    Guard("most of a set", "reconciler/converge/guard.py",
          "elif of_set and _is_most(", "elif not owner and _is_most(", GUARD),
    Guard("the number in a trailer", "reconciler/converge/guard.py",
          "if is_confirmed or _trailer(message) == count:", "if is_confirmed or _trailer(message):",
          GUARD),
    Guard("a run that went back", "reconciler/converge/departures.py",
          "elif _takes_over(run, record.run):", "elif run:", f"{UNIT}/test_edits.py"),
    Guard("change windows for deletes", "reconciler/converge/departures.py",
          "waiting = {uid for uid in departed if _waits_for_window(draft, uid)}",
          "waiting = {uid for uid in departed if not uid}", f"{UNIT}/test_change_window.py"),
    Guard("change windows for edits", "reconciler/converge/assess.py",
          "may_change=draft.closed is None,", "may_change=True,", f"{UNIT}/test_change_window.py"),
    Guard("holds of deletes", "reconciler/converge/departures.py",
          "if draft.manifest_of(uid) is not None or uid in draft.kept:",
          "if draft.manifest_of(uid) is not None:", f"{UNIT}/test_holds.py"),
    Guard("holds of starts", "reconciler/converge/admission.py",
          "if manifest is None or uid in draft.kept:", "if manifest is None:",
          f"{UNIT}/test_holds.py"),
    Guard("orphans", "reconciler/converge/plan.py",
          "if labels.get(LABEL_KIND) in KINDS_OF_NOBODY or uid in known:",
          "if labels.get(LABEL_KIND) in KINDS_OF_NOBODY or uid:", f"{UNIT}/test_assess.py"),
    Guard("names of others", "reconciler/converge/plan.py",
          "if spec.name.lower() in observed.foreign_names:",
          "if spec.name in ():", f"{UNIT}/test_assess.py"),
    Guard("stacks of others", "reconciler/converge/plan.py",
          "if stack in observed.foreign_stacks:", "if stack in ():", f"{UNIT}/test_assess.py"),
    Guard("results before removal", "reconciler/converge/assess.py",
          "if not is_young and record.last_seq <= draft.memory.published_seq:",
          "if not is_young:", f"{UNIT}/test_assess.py"),
    Guard("labels before a delete", "reconciler/cluster/swarm.py",
          'if _labels(current["Spec"]).get(LABEL_UID) != uid:', "if not uid:",
          "tests/contract/test_cluster.py -k only_a_service_with_our_uid"),
    Guard("labels before a secret's delete", "reconciler/cluster/swarm.py",
          '            if not self._is_ours(current["Spec"]):\n'
          '                raise ConflictError(f"secret', '            if not secret_id:\n'
          '                raise ConflictError(f"secret',
          "tests/contract/test_cluster.py -k secret_of_somebody_else"),
    Guard("labels before a delete, simulated", "reconciler/cluster/fake/port.py",
          "if not self._is_ours(service.spec) or service.spec.labels.get(LABEL_UID) != uid:",
          "if not self._is_ours(service.spec):",
          "tests/contract/test_cluster.py -k only_a_service_with_our_uid"),
)  # fmt: skip
LEADING = (
    Guard("facts before effects", "reconciler/loop.py",
          "            self._commit(wanted, found)\n        self.last = found\n"
          "        self.publisher.post(found.letters)\n        outcomes = self._act(found)\n",
          "        self.last = found\n        self.publisher.post(found.letters)\n"
          "        outcomes = self._act(found)\n        self._commit(wanted, found)\n",
          f"{LOOP}/test_kills.py"),
    Guard("the lease before each effect", "reconciler/apply.py",
          "        means.still_leads()\n", "", "tests/unit/test_fence.py"),
    Guard("the lease in time", "reconciler/fence.py",
          "if self.elapsed_s() + self.ttl_s / 2 < lease.lasts_until_s:", "if lease.epoch:",
          "tests/unit/test_fence.py"),
    Guard("the lease before a status", "reconciler/loop.py",
          "        self._still_leads()  # an older status must not come after a newer one\n", "",
          f"{LOOP}/test_status_after_crash.py {LOOP}/test_lead.py tests/unit/safety"),
    Guard("epochs that rise", "reconciler/store/lease.py",
          "epoch=lease.c.epoch + (0 if is_ours else 1),", "epoch=lease.c.epoch,",
          "tests/contract/test_store.py tests/integration/store/test_leadership.py"),
    Guard("the lease in each write", "reconciler/store/lease.py",
          "        .where(lease.c.epoch == held.epoch, lease.c.holder == held.holder)\n"
          "        .with_for_update(read=True)\n", "        .with_for_update(read=True)\n",
          "tests/integration/store/test_leadership.py tests/contract/test_store.py"),
)  # fmt: skip
RECOVERING = (
    Guard("a database that is behind", "reconciler/converge/continuity.py",
          "if head is not None and head.seq > last_seq:", "if head is not None and head.seq < 0:",
          REBUILD),
    Guard("a database that went on", "reconciler/converge/continuity.py",
          "if head is not None and head.last is not None and facts.get(head.seq, head.last) != "
          "head.last:",
          "if head is not None and head.seq < 0:", REBUILD),
    Guard("epochs of the Swarm", "reconciler/converge/continuity.py",
          "    if newest > epoch:\n", "    if newest < 0:\n", REBUILD),
    Guard("an empty database", "reconciler/converge/continuity.py",
          "return _empty(published, observed)", 'return ""', REBUILD),
    Guard("a divergent database", "reconciler/rebuilding.py",
          "if is_divergent(stored.entries, branch.files.values()):", "if not stored:", REBUILD),
    Guard("nothing to rebuild from", "reconciler/rebuilding.py",
          "if not (is_trace or is_all_lost):", "if stored is None:", REBUILD),
    Guard("folders of the mirror", "reconciler/converge/recovery.py",
          "if not (self._evidence.is_all_lost or {\"\", uid[:2]} & self.suspect):",
          "if not self._evidence.is_all_lost:", REBUILD),
    Guard("a batch that vanished", "reconciler/converge/recovery.py",
          "        else:\n            self.found[uid] = Finding.MAY_HAVE_RUN\n"
          "            yield _entry(uid, identity, Fact.HELD, now, reason=MAY_HAVE_RUN)\n",
          "        else:\n            self.found[uid] = Finding.GONE\n", REBUILD),
    Guard("aliases in the mirror", "reconciler/converge/mirror.py",
          "if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(data, loader)):",
          "if not data:", f"{UNIT}/test_mirror.py"),
    Guard("a file in another's place", "reconciler/converge/mirror.py",
          "if run is None or publication.ledger_path(run.uid) != path or not run.facts:",
          "if run is None or not run.facts:", f"{UNIT}/test_mirror.py"),
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
    Guard("names of the page", "webhook/guarded.py",
          "if not path.startswith(ANY_NAME) and not self._is_ours(scope):", "if not path:",
          "tests/integration/webhook/test_api.py"),
    Guard("pages that are only read", "webhook/guarded.py",
          'if path.startswith(HOOKS) or scope["method"] in READING:', "if path:",
          "tests/integration/webhook/test_api.py"),
    Guard("a reviewer without a network", "reconciler/reviewer/confinement.py",
          "is_cut_off: bool = libc.unshare(_CLONE_NEWNET) == 0", "is_cut_off = True",
          "tests/integration/reviewer/test_process.py"),
)  # fmt: skip
GUARDS = (
    *(*LEXICAL, *BUDGETS, *PERMISSIONS, *GIT),
    *(*DELETES, *LEADING, *RECOVERING, *RECEIVER),
)
