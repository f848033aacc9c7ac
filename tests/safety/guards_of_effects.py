"""Guards of what is done: deletes, holds, who leads, what is believed after a loss."""

from __future__ import annotations

from tests.safety.guard import Guard

UNIT = "tests/unit/converge"
LOOP = "tests/integration/loop"
CONTINUITY = f"{UNIT}/test_continuity.py"
REBUILD = "tests/integration/rebuild/test_rebuild.py"
TENANTS = f"{LOOP}/test_tenants.py"
GUARD = "tests/unit/converge/test_guard.py"

DELETES = (
    Guard("mass deletes", "reconciler/converge/guard.py", "if count > most else",
          "if count < 0 else", GUARD),
    Guard("an empty tree", "reconciler/converge/guard.py", "    if tree_is_empty:\n",
          "    if not count:\n", GUARD),
    Guard("an owner's unreadable file", "reconciler/converge/guard.py",
          "if d.namespace in unparsed_namespaces", "if d.namespace in ()", GUARD),
    Guard("most of a namespace", "reconciler/converge/guard.py",
          "return had >= NAMESPACE_FLOOR and lost * 2 > had", "return had < 0", GUARD),
    Guard("the second observation", "reconciler/sight.py",
          "        return observed, False\n", "        return observed, True\n",
          f"{LOOP}/test_lead.py::test_after_a_start_nothing_goes_before_two_looks_agree"),
    Guard("a listing that breaks off", "reconciler/cluster/items.py",
          "    if awaited:\n", "    if awaited is None:\n", "tests/unit/cluster/test_items.py"),
    Guard("deletes before it", "reconciler/converge/assess.py",
          "    if draft.world.may_delete:\n", "    if draft.world:\n", f"{UNIT}/test_assess.py"),
    Guard("what isn't read isn't gone", "reconciler/converge/guard.py",
          "    if missing is not None:\n", "    if missing == ():\n",
          f"{TENANTS}::test_a_repository_and_its_mirror_that_are_gone_hold_what_came_from_there"),
    Guard("all that was agreed to", "reconciler/converge/guard.py",
          "if not all(departure.uid in agreed for departure in departures):",
          "if not any(departure.uid in agreed for departure in departures):", GUARD),
    Guard("results nobody has seen", "reconciler/converge/assess.py",
          "harvest += unread(planned, there, draft.memory, read=harvest)", "del there",
          f"{UNIT}/test_unread.py"),
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
          'if labels(current["Spec"]).get(LABEL_UID) != uid:', "if not uid:",
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
          f"{LOOP}/test_kills.py::test_killed_at_each_point_nothing_is_lost_doubled_or_left"),
    Guard("the lease before each effect", "reconciler/apply.py",
          "        means.still_leads()\n", "",
          f"{LOOP}/test_lead.py::test_who_no_longer_leads_begins_no_action"),
    Guard("the lease in time", "reconciler/fence.py",
          "if self.elapsed_s() + self.ttl_s / 2 < lease.lasts_until_s:", "if lease.epoch:",
          "tests/unit/test_fence.py"),
    Guard("the lease before a status", "reconciler/loop.py",
          "        self.publisher.still_leads = self._still_leads\n", "",
          f"{LOOP}/test_lead.py::test_who_no_longer_leads_publishes_nothing"),
    Guard("epochs that rise", "reconciler/store/lease.py",
          "epoch=lease.c.epoch + (0 if is_ours else 1),", "epoch=lease.c.epoch,",
          "tests/contract/test_store.py tests/integration/store/test_leadership.py"),
    Guard("the lease in each write", "reconciler/store/lease.py",
          "        .where(lease.c.epoch == held.epoch, lease.c.holder == held.holder)\n"
          "        .with_for_update(read=True)\n", "        .with_for_update(read=True)\n",
          "tests/integration/store/test_leadership.py::test_a_holder_that_was_killed_is_superseded_at_once"),
)  # fmt: skip
RECOVERING = (
    Guard("a database that is behind", "reconciler/converge/continuity.py",
          "if head is not None and head.seq > last_seq:", "if head is not None and head.seq < 0:",
          CONTINUITY),
    Guard("a database that went on", "reconciler/converge/continuity.py",
          "if head is not None and head.last is not None and facts.get(head.seq, head.last) != "
          "head.last:",
          "if head is not None and head.seq < 0:", CONTINUITY),
    Guard("epochs of the Swarm", "reconciler/converge/continuity.py",
          "    if newest > epoch:\n", "    if newest < 0:\n", CONTINUITY),
    Guard("an empty database", "reconciler/converge/continuity.py",
          "return _empty(published, observed)", 'return ""', CONTINUITY),
    Guard("a divergent database", "reconciler/rebuilding.py",
          "if is_divergent(stored.entries, branch.files.values()):", "if not stored:",
          f"{REBUILD}::test_a_database_that_went_on_by_itself_is_refused"),
    Guard("nothing to rebuild from", "reconciler/rebuilding.py",
          "if not (is_trace or is_all_lost):", "if stored is None:",
          f"{REBUILD}::test_with_all_lost_no_batch_runs_until_its_run_rises"),
    Guard("folders of the mirror", "reconciler/converge/recovery.py",
          "if not (self._evidence.is_all_lost or {\"\", uid[:2]} & self.suspect):",
          "if not self._evidence.is_all_lost:",
          f"{REBUILD}::test_a_batch_whose_file_was_tampered_with_is_not_run"),
    Guard("a batch that vanished", "reconciler/converge/recovery.py",
          "        else:\n            self.found[uid] = Finding.MAY_HAVE_RUN\n"
          "            yield _entry(uid, identity, Fact.HELD, now, reason=MAY_HAVE_RUN)\n",
          "        else:\n            self.found[uid] = Finding.GONE\n",
          f"{REBUILD}::test_a_batch_whose_file_was_tampered_with_is_not_run"),
    Guard("aliases in the mirror", "reconciler/converge/mirror.py",
          "if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(data, loader)):",
          "if not data:", f"{UNIT}/test_mirror.py"),
    Guard("a file in another's place", "reconciler/converge/mirror.py",
          "if run is None or publication.ledger_path(run.uid) != path or not run.facts:",
          "if run is None or not run.facts:", f"{UNIT}/test_mirror.py"),
)  # fmt: skip
OF_EFFECTS = (*DELETES, *LEADING, *RECOVERING)
