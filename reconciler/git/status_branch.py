"""The status branch: our reports, committed and pushed without a checkout, beside others' files.

The branch is an orphan with its own bare repository. A push is never forced, so the remote's
refusal to lose commits is our compare-and-swap: who finds that somebody wrote first lays the
same files over the new tip. The repository is only a cache of the remote: where it gets bulky
(libgit2 never gathers what it wrote) it is thrown away and fetched anew. A history that has grown
long is rolled over: the branch begins anew with a commit of the very same files.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import TypeVar

import pygit2

from reconciler.config import SourceSettings
from reconciler.converge.instants import is_within
from reconciler.errors import SourceUnavailable
from reconciler.failpoints import Point, reach
from reconciler.git.access import Access
from reconciler.git.conversation import Apart, Conversation, Here
from reconciler.git.fetchers import Fetchers
from reconciler.git.integrity import RepositoryCorrupt, disk_willing, whole
from reconciler.git.mirror import Mirror
from reconciler.git.names import is_accepted_path
from reconciler.git.objects import Objects
from reconciler.git.overlay import overlay
from reconciler.ports import Clock
from reconciler.publishing.status_sink import unasked

log = logging.getLogger(__name__)

DEFAULT_AUTHOR = ("Zoe", "zoe@localhost")
OUR_PREFIXES = ("status", "ledger", "cluster", "secrets")

_TIP = "refs/zoe/status"
_PENDING = "refs/zoe/pending"
_ATTEMPTS = 8
LONGEST = 5_000
"""So many commits a history has before it is rolled over: a day of pushes, or months of few."""
LARGEST_BYTES = 128 * 1024**2
"""Or so much of it, packed, wherever few commits are large."""
_ASK_AGAIN = timedelta(hours=1)
"""Before a server that didn't have the branch replaced is asked again."""
# Refusals at an unmoved tip: nobody raced us, so more of the same won't help.
_REFUSALS = 3
_FIRST_DELAY_S = 0.05
_LONGEST_DELAY_S = 2.0
_MAX_ENTRIES = 1_000_000
_MAX_FILE_BYTES = 64 * 1024**2  # a snapshot of a hundred thousand executions
_MAX_READ_BYTES = 256 * 1024**2
_TRAILER = re.compile(r"[A-Za-z][A-Za-z0-9-]*: .+")
_SEQUENCE = re.compile(r"^Zoe-Seq: (\d{1,18})$", re.MULTILINE)

T = TypeVar("T")


class StatusBranch:
    """Writes and reads our files on one branch of a remote. Not for several threads at once.

    Over file:// libgit2 moves the branch without comparing once more, and runs no hooks: several
    writers need a server.
    """

    def __init__(
        self,
        settings: SourceSettings,
        mirror: Path,
        *,
        clock: Clock,
        random: Random,
        wait: Callable[[float], object],
        branch: str = "zoe/status",
        author: tuple[str, str] = DEFAULT_AUTHOR,
        prefixes: Sequence[str] = OUR_PREFIXES,
        fetchers: Fetchers | None = None,
        longest: int = LONGEST,
    ) -> None:
        """Take the parts; nothing is opened before it is needed.

        Args:
            settings: Where the remote is and how to log in; its own branch isn't used.
            mirror: Where the bare repository lives.
            clock: Dates the commits.
            random: Draws the delays between attempts.
            wait: Waits that many seconds, or less when the process is to stop.
            branch: The branch to write.
            author: Name and address of the bot.
            prefixes: The paths that are ours: what lies elsewhere is never written or read.
            fetchers: Who talks with the remote in processes of their own, where it is over a
                network; else it is done here.
            longest: So many commits its history has before it is rolled over.

        Raises:
            ConfigError: The URL can't be used.
        """
        self._access = Access(settings)
        self._remote: Conversation = (
            Here(self._access)
            if fetchers is None or self._access.is_local
            else Apart(settings, fetchers)
        )
        self._mirror = Mirror(mirror)
        self._reader: Objects | None = None
        self._known: str | None = None
        self._clock = clock
        self._random = random
        self._wait = wait
        self._branch = branch
        self._author = author
        self._prefixes = tuple(prefixes)
        self._longest = longest
        self._counted: tuple[str, int] = ("", 0)
        self._refused_at: datetime | None = None
        self._is_rolled_over = False

    def publish(
        self,
        files: Mapping[str, bytes | None],
        *,
        message: str,
        sequence: int,
        still_leads: Callable[[], None] = unasked,
    ) -> str:
        """Write (or, for None, delete) files in one commit and return the tip's id.

        An equal tree makes no commit. Without a branch and with nothing to write the id is empty.
        ``still_leads`` is asked between each look at the tip and its push; what it raises ends it.

        Raises:
            ValueError: A path isn't ours.
            SourceUnavailable: The remote can't be reached or keeps refusing, or somebody who knew
                more was faster; nothing is lost.
        """
        for path in files:
            if not (is_accepted_path(path) and _is_under(path, self._prefixes)):
                raise ValueError(f"{path} isn't a path of the status branch that is ours to write")
        text = commit_message(message, sequence)
        return self._alone(lambda: self._publish(files, text, sequence, still_leads))

    def read(self, paths: Sequence[str] = ()) -> Mapping[str, bytes]:
        """Return our files at the remote tip: all, or those under the given prefixes.

        Raises:
            SourceUnavailable: The remote can't be reached, or a file is larger than ours ever are.
        """
        return self._alone(lambda: self._read(paths))

    def read_last(self, paths: Sequence[str] = ()) -> Mapping[str, bytes]:
        """Return our files as of the last time that the remote was seen from here.

        Raises:
            SourceUnavailable: A file is larger than ours ever are.
        """

        def work() -> Mapping[str, bytes]:
            tip = self._mirror.opened().references.get(_TIP)
            return {} if tip is None else self._files(str(tip.peel(pygit2.Commit).id), paths)

        return self._alone(work)

    def exists(self) -> bool:
        """Tell whether the remote has the branch, asked as somebody who wants to push.

        Nothing is fetched or pushed. A server that lets us read only refuses here; one that
        protects the branch refuses no sooner than at a push.

        Raises:
            SourceUnavailable: The remote can't be reached, or doesn't let us push.
        """
        return self._alone(lambda: self._remote.offers(self._mirror, branch=self._branch))

    def _read(self, paths: Sequence[str]) -> dict[str, bytes]:
        tip = self._pull()
        return {} if tip is None else self._files(tip, paths)

    def _files(self, tip: str, paths: Sequence[str]) -> dict[str, bytes]:
        objects, left = self._objects(), _MAX_READ_BYTES
        found: dict[str, bytes] = {}
        try:
            for path, blob in objects.tree(tip).files.items():
                if _is_under(path, self._prefixes) and (not paths or _is_under(path, paths)):
                    found[path] = objects.read(blob, limit_bytes=min(left, _MAX_FILE_BYTES))
                    left -= len(found[path])
        except ValueError as error:
            raise SourceUnavailable(f"{self._branch} isn't as we wrote it: {error}") from error
        return found

    def _publish(
        self,
        files: Mapping[str, bytes | None],
        text: str,
        sequence: int,
        still_leads: Callable[[], None],
    ) -> str:
        refusals: dict[str | None, int] = {}
        words = ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._wait(self._delay_s(attempt))
            tip = self._pull_newest(sequence)
            commit = self._commit(tip, files, text)
            if commit is None:
                return tip or ""
            reach(Point.STATUS_PREPARED)
            still_leads()
            refusal = self._push()
            if refusal is None:
                self._mirror.opened().references.create(_TIP, commit, force=True)
                self._known = commit
                return self._begun_anew(commit, sequence, still_leads) or commit
            words = refusal
            refusals[tip] = refusals.get(tip, 0) + 1
            if refusals[tip] >= _REFUSALS:
                break
        raise SourceUnavailable(
            f"{self._access.shown_url} doesn't take {self._branch}: {words}: let "
            f"{self._access.user} push to that branch"
        )

    def _pull_newest(self, sequence: int) -> str | None:
        """Pull, and refuse to lay files over those of somebody who knew more of the same ledger.

        Only who wrote since we last looked is looked at: another leader, while this one stood
        still, before it pushed or while it did.
        """
        tip = self._pull()
        if tip is not None and self._known is not None and tip != self._known:
            self._check_newest(tip, sequence)
        self._known = tip or ""  # that there is none was seen too
        return tip

    def _begun_anew(self, tip: str, sequence: int, still_leads: Callable[[], None]) -> str | None:
        """Roll the history over, if it has grown long; return the new tip.

        The new commit has the same files and knows as much of the ledger, so nobody who reads
        them sees a difference. What the old ones said stays with the server until that gathers
        what no branch leads to. Whoever wrote meanwhile keeps his commit, and it is done later; a
        server that refuses it (a protected branch) keeps the long history.
        """
        now = self._clock.now()
        if self._refused_at is not None and is_within(_ASK_AGAIN, self._refused_at, now):
            return None
        length = self._length(tip)
        if length < self._longest and self._mirror.packed_bytes() < LARGEST_BYTES:
            return None
        subject = f"status: the history begins anew\n\n{length} commits led to these files."
        repository = self._mirror.opened()
        with whole("the status branch"):
            tree = repository[tip].peel(pygit2.Tree).id
            text = commit_message(subject, sequence)
            commit = self._written(tree, text, [])
        still_leads()
        try:
            refusal = self._remote.replace(self._mirror, ref=_PENDING, branch=self._branch, tip=tip)
        except SourceUnavailable as error:
            refusal = str(error)
        if refusal is not None:
            log.warning("status branch keeps its long history", extra={"error": refusal})
            self._refused_at = now
            return None
        log.info("status branch begins anew", extra={"commits": length})
        repository.references.create(_TIP, commit, force=True)
        self._known, self._is_rolled_over = commit, True
        return commit

    def _length(self, tip: str) -> int:
        """Return how many commits lead to the tip; counted once, then added to."""
        commit = self._mirror.opened()[tip].peel(pygit2.Commit)
        known, count = self._counted
        if [str(parent) for parent in commit.parent_ids] == [known]:
            self._counted = (tip, count + 1)
        elif known != tip:
            with whole("the history of the status branch"):
                walked = self._mirror.opened().walk(commit.id)
                self._counted = (tip, sum(1 for _ in islice(walked, self._longest)))
        return self._counted[1]

    def _check_newest(self, tip: str, sequence: int) -> None:
        message = self._mirror.opened()[tip].peel(pygit2.Commit).message
        found = _SEQUENCE.search(message)
        if found is not None and int(found[1]) > sequence:
            raise SourceUnavailable(
                f"{self._branch} was written meanwhile with facts up to {found[1]}, and these "
                f"are up to {sequence}: left to whoever leads"
            )

    def _delay_s(self, attempt: int) -> float:
        return self._random.uniform(0, min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2**attempt))

    def _pull(self) -> str | None:
        return self._remote.pull(self._mirror, self._objects(), branch=self._branch, into=_TIP)

    def _push(self) -> str | None:
        """Return None or the refusal; a failed conversation counts as one, for the next look.

        A refusal and a lost answer look alike here: only the remote's tip tells them apart.
        """
        try:
            return self._remote.push(self._mirror, ref=_PENDING, branch=self._branch)
        except SourceUnavailable as error:
            return str(error)

    def _commit(self, tip: str | None, files: Mapping[str, bytes | None], text: str) -> str | None:
        """Commit the files on top of ``tip``; return None if they change nothing."""
        repository = self._mirror.opened()
        with whole("the status branch"):
            parent = None if tip is None else repository[tip].peel(pygit2.Commit)
            tree = overlay(repository, None if parent is None else parent.tree_id, files)
            if tree == (repository.TreeBuilder().write() if parent is None else parent.tree_id):
                return None
            return self._written(tree, text, [] if parent is None else [parent.id])

    def _written(self, tree: pygit2.Oid, text: str, parents: list[pygit2.Oid]) -> str:
        repository = self._mirror.opened()
        at = int(self._clock.now().timestamp())
        author = pygit2.Signature(*self._author, at, 0)
        commit = repository.create_commit(None, author, author, text, tree, parents)
        repository.references.create(_PENDING, commit, force=True)
        return str(commit)

    def _objects(self) -> Objects:
        if self._reader is None:
            self._reader = Objects(self._mirror.opened(), max_entries=_MAX_ENTRIES)
        return self._reader

    def _alone(self, work: Callable[[], T]) -> T:
        """Do ``work`` while no other process writes; once more if our repository is damaged."""
        with self._mirror.locked(), disk_willing(str(self._mirror.directory)):
            if self._reader is None:
                self._mirror.sweep()
            if self._is_rolled_over or self._mirror.is_bulky():
                self._reader, self._is_rolled_over = None, False
                self._mirror.discard()
            self._mirror.pack()
            if self._mirror.has_moved():
                self._reader = None
                self._mirror.let_go()
            try:
                return work()
            except RepositoryCorrupt:
                self._reader = None
                self._mirror.quarantine()
                return work()


def commit_message(message: str, sequence: int) -> str:
    """Return the commit message: subject kept out of CI, our trailers last.

    The sequence makes equal states at equal seconds different commits.
    """
    subject, _, rest = message.strip().partition("\n")
    paragraphs = [part for part in rest.strip().split("\n\n") if part]
    trailers = [f"Zoe-Seq: {sequence}"]
    if paragraphs and all(_TRAILER.fullmatch(line) for line in paragraphs[-1].splitlines()):
        trailers = [*paragraphs.pop().splitlines(), *trailers]
    return "\n\n".join([f"{subject} [skip ci]", *paragraphs, "\n".join(trailers)]) + "\n"


def _is_under(path: str, prefixes: Iterable[str]) -> bool:
    """Tell whether ``path`` is one of ``prefixes`` or lies in that directory."""
    return any(path == prefix or path.startswith(prefix.rstrip("/") + "/") for prefix in prefixes)
