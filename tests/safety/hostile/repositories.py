"""Hostile repositories: what somebody pushes on top of a good commit, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pygit2.enums import ObjectType

from tests.fixtures.git_servers import BareRepository
from tests.safety.hostile.case import GOOD, document

FILE, PROGRAM, LINK, SUBMODULE, FOLDER = 0o100644, 0o100755, 0o120000, 0o160000, 0o040000
CANARY = "canary-of-a-file-beside-the-repository"
JOB = "executions/lab/job.yaml"
BASE = {
    "platform.yaml": document("Platform", "platform", "caps: {replicas: 64}"),
    "namespaces/lab.yaml": document("Namespace", "lab", "weight: 1"),
    "namespaces/other.yaml": document("Namespace", "other", "weight: 1"),
    "executions/other/bystander.yaml": GOOD.replace("NAME", "bystander"),
    JOB: GOOD.replace("NAME", "job"),
}

Entry = tuple[int, bytes, str]
Push = Callable[[BareRepository, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """A push and its outcome.

    ``hold`` = the tip isn't followed, for this reason; ``unread`` = the tree isn't read at all,
    saying so. Otherwise ``bad`` are the paths that are told of, and ``names`` what is in force
    besides ``bystander``.
    """

    name: str
    push: Push
    hold: str = ""
    unread: str = ""
    bad: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset({"job"})


def attacks() -> Iterator[Attack]:
    yield from _modes()
    yield from _names()
    yield from _sizes()
    yield from _histories()
    yield from _metadata()
    yield from _harmless()


def tree(repo: BareRepository, entries: dict[str, list[Entry]]) -> str:
    """Return the base's tree with ``entries`` added to some of its folders, however broken.

    The folder "" is the root; ``executions/lab`` a folder in it.
    """

    def build(folder: str) -> str:
        inside: dict[str, Entry] = {}
        for path, text in BASE.items():
            if folder and not path.startswith(f"{folder}/"):
                continue
            name, is_deeper, _ = path.removeprefix(f"{folder}/" if folder else "").partition("/")
            below = f"{folder}/{name}".removeprefix("/")
            oid = build(below) if is_deeper else repo.blob(text.encode())
            inside[name] = (FOLDER if is_deeper else FILE, name.encode(), oid)
        added = entries.get(folder, [])
        replaced = {raw for _, raw, _ in added}
        kept = [entry for entry in inside.values() if entry[1] not in replaced]
        return repo.raw_tree([*kept, *added])

    return build("")


def commit(
    repo: BareRepository,
    root: str,
    parent: str,
    *,
    author: bytes = b"A <a@b>",
    rest: bytes = b"\nm",
) -> None:
    """Put a commit of a tree on main, by hand."""
    who = author + b" 1700000000 +0000\n"
    data = b"tree %s\nparent %s\nauthor %scommitter %s%s\n" % (
        root.encode(), parent.encode(), who, who, rest,
    )  # fmt: skip
    repo.raw_commit(data)


def _in_lab(*entries: tuple[int, bytes, str | bytes]) -> Push:
    """Return a push that adds entries to ``executions/lab``; bytes are a file's content."""

    def push(repo: BareRepository, base: str) -> None:
        made = [
            (mode, raw, repo.blob(content) if isinstance(content, bytes) else content)
            for mode, raw, content in entries
        ]
        commit(repo, tree(repo, {"executions/lab": made}), base)

    return push


_MINE = GOOD.replace("NAME", "mine").encode()
_SOMEWHERE = "1" * 40


def _modes() -> Iterator[Attack]:
    def at(path: str) -> frozenset[str]:
        return frozenset({path})

    outside = str(Path(__file__).with_name("canary")).encode()
    yield Attack(name="link-absolute", push=_in_lab((LINK, b"a.yaml", outside)),
                 bad=at("executions/lab/a.yaml"))  # fmt: skip
    yield Attack(name="link-up", push=_in_lab((LINK, b"a.yaml", b"../other/bystander.yaml")),
                 bad=at("executions/lab/a.yaml"))  # fmt: skip
    yield Attack(name="link-over-good", push=_in_lab((LINK, b"job.yaml", b"/etc/passwd")),
                 bad=at(JOB))  # fmt: skip
    yield Attack(name="submodule", push=_in_lab((SUBMODULE, b"sub", _SOMEWHERE)),
                 bad=at("executions/lab/sub"))  # fmt: skip
    yield Attack(name="device-mode", push=_in_lab((0o060000, b"a.yaml", b"x")),
                 bad=at("executions/lab/a.yaml"))  # fmt: skip

    def linked_folder(repo: BareRepository, base: str) -> None:
        entry = (LINK, b"lab", repo.blob(b"../other"))
        commit(repo, tree(repo, {"executions": [entry]}), base)

    yield Attack(name="link-for-folder", push=linked_folder,
                 bad=frozenset({"executions/lab", JOB}))  # fmt: skip

    def embedded(repo: BareRepository, base: str) -> None:
        hook = (PROGRAM, b"post-checkout", repo.blob(f"#!/bin/sh\ntouch {CANARY}\n".encode()))
        hooks = (FOLDER, b"hooks", repo.raw_tree([hook]))
        inner = repo.raw_tree([(FILE, b"HEAD", repo.blob(b"ref: refs/heads/main\n")), hooks])
        commit(repo, tree(repo, {"executions/lab": [(FOLDER, b"inner", inner)]}), base)

    yield Attack(name="embedded-repository", push=embedded)

    def filtered(repo: BareRepository, base: str) -> None:
        added = [
            (FILE, b".gitattributes", repo.blob(b"* filter=evil text eol=crlf ident\n")),
            (FILE, b".gitmodules", repo.blob(b'[submodule "x"]\n\turl = ext::sh -c id\n')),
            (FILE, b".lfsconfig", repo.blob(b"[lfs]\n\turl = http://169.254.169.254/\n")),
        ]
        commit(repo, tree(repo, {"": added}), base)

    yield Attack(name="attributes", push=filtered)
    yield from _not_what_they_say()

    def alternates(repo: BareRepository, base: str) -> None:
        info = (FOLDER, b"info", repo.raw_tree([(FILE, b"alternates", repo.blob(b"/\n"))]))
        pack = (FOLDER, b"pack", repo.raw_tree([(FILE, b"pack-1.pack", repo.blob(b"PACK"))]))
        added = [
            (FOLDER, b"objects", repo.raw_tree([info, pack])),
            (FILE, b"config", repo.blob(b"[core]\n\tworktree = /\n\tfsmonitor = id\n")),
            (FILE, b"shallow", repo.blob(base.encode())),
        ]
        commit(repo, tree(repo, {"": added}), base)

    yield Attack(name="alternates", push=alternates)
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1\n"
    yield Attack(name="lfs-pointer", push=_in_lab((FILE, b"a.yaml", pointer)),
                 bad=at("executions/lab/a.yaml"))  # fmt: skip


def _not_what_they_say() -> Iterator[Attack]:
    """Entries whose mode is another kind's than the object's that they name."""
    mine = frozenset({"executions/lab/a.yaml"})

    def naming(mode: int, make: Callable[[BareRepository, str], str]) -> Push:
        def push(repo: BareRepository, base: str) -> None:
            _in_lab((mode, b"a.yaml", make(repo, base)))(repo, base)

        return push

    def folder(repo: BareRepository, base: str) -> str:
        return repo.raw_tree([(FILE, b"x", repo.blob(b"x"))])

    def blob(repo: BareRepository, base: str) -> str:
        return repo.blob(_MINE)

    yield Attack(name="file-is-a-folder", push=naming(FILE, folder), bad=mine)
    yield Attack(name="file-is-a-commit", push=naming(FILE, lambda _, base: base), bad=mine)
    yield Attack(name="link-is-a-folder", push=naming(LINK, folder), bad=mine)
    # Nobody's server hands these out; what is there already stays in force.
    away = {"hold": "SourceUnavailable"}
    yield Attack(name="folder-is-a-file", push=naming(FOLDER, blob), **away)
    yield Attack(name="file-is-nowhere", push=naming(FILE, lambda *_: _SOMEWHERE), **away)


_BAD_NAMES = {
    "up": b"..",
    "git": b".git",
    "git-case": b".GiT",
    "absolute": b"/etc/passwd",
    "slash": b"../other/evil.yaml",
    "option": b"--upload-pack=id",
    "newline": b"a\nb.yaml",
    "escape": b"\x1b]0;x\x07.yaml",
    "latin": b"caf\xe9.yaml",
    "decomposed": "cafe\u0301.yaml".encode(),
    "bidi": "\u202elmay.a".encode(),
    "long": b"x" * 300,
    "backslash": b"..\\evil.yaml",
    "alternate": b"git~1",
}


def _names() -> Iterator[Attack]:
    for name, raw in _BAD_NAMES.items():
        shown = f"name-{name}"
        yield Attack(name=shown, push=_in_lab((FILE, raw, _MINE)), bad=frozenset({"*"}))
    twins = _in_lab((FILE, b"a.yaml", _MINE), (FILE, b"a.yaml", b"x"))
    yield Attack(name="twins", push=twins, bad=frozenset({"executions/lab/a.yaml"}))
    shadow = _in_lab((FILE, b"JOB.yaml", _MINE))
    yield Attack(name="twin-by-case", push=shadow, bad=frozenset({JOB, "executions/lab/JOB.yaml"}))


# By path, as far as one namespace may have executions: c94 to c99 come last.
_FIRST_OF_THE_CROWD = [f"c{n}" for n in (*range(94), *range(100, 505))]


def _sizes() -> Iterator[Attack]:
    huge = _in_lab((FILE, b"a.yaml", bytes(20 * 1024**2)))
    yield Attack(name="huge-file", push=huge, bad=frozenset({"executions/lab/a.yaml"}))

    def unfolding(repo: BareRepository, base: str) -> None:
        level = repo.raw_tree([(FILE, b"f%d" % n, repo.blob(b"x")) for n in range(10)])
        for _ in range(10):
            level = repo.raw_tree([(FOLDER, b"d%d" % n, level) for n in range(10)])
        commit(repo, tree(repo, {"": [(FOLDER, b"bomb", level)]}), base)

    yield Attack(name="tree-bomb", push=unfolding, unread="more than 100000 entries")

    def wide(repo: BareRepository, base: str) -> None:
        many = repo.raw_tree([(FILE, b"%04d" % n, repo.blob(b"x")) for n in range(1001)])
        level = repo.raw_tree([(FOLDER, b"d%03d" % n, many) for n in range(100)])
        commit(repo, tree(repo, {"": [(FOLDER, b"wide", level)]}), base)

    yield Attack(name="many-files", push=wide, unread="more than 100000 entries")

    def worded(repo: BareRepository, base: str) -> None:
        entries = [(FILE, b"%03d" % n + b"x" * 60_000, repo.blob(b"x")) for n in range(290)]
        commit(repo, tree(repo, {"": [(FOLDER, b"wordy", repo.raw_tree(entries))]}), base)

    yield Attack(name="names-of-megabytes", push=worded, unread="bytes: at most 16777216")

    def deep(repo: BareRepository, base: str) -> None:
        level = repo.raw_tree([(FILE, b"f", repo.blob(b"x"))])
        for _ in range(40):
            level = repo.raw_tree([(FOLDER, b"d", level)])
        commit(repo, tree(repo, {"": [(FOLDER, b"deep", level)]}), base)

    yield Attack(name="deep-tree", push=deep, unread="directories deep")
    crowd = {f"executions/lab/c{n}.yaml": GOOD.replace("NAME", f"c{n}") for n in range(505)}

    def crowded(repo: BareRepository, base: str) -> None:
        repo.commit(crowd)

    yield Attack(name="crowd", push=crowded, bad=frozenset({"*"}),
                 names=frozenset({"job", *_FIRST_OF_THE_CROWD}))  # fmt: skip


def _histories() -> Iterator[Attack]:
    def orphan(repo: BareRepository, base: str) -> None:
        repo.commit({JOB: _MINE}, parents=[])

    yield Attack(name="orphan", push=orphan, hold="NonDescendant")

    def rewound(repo: BareRepository, base: str) -> None:
        older = repo.git[base].parent_ids[0]
        repo.git.references.create("refs/heads/main", older, force=True)

    yield Attack(name="rewound", push=rewound, hold="NonDescendant")

    def deleted(repo: BareRepository, base: str) -> None:
        repo.delete_branch("main")

    yield Attack(name="branch-deleted", push=deleted, hold="SourceUnavailable")

    def tagged(repo: BareRepository, base: str) -> None:
        evil = repo.commit({JOB: _MINE}, branch="evil", parents=[])
        for ref in ("refs/tags/main", "refs/heads/refs/heads/main", "refs/remotes/origin/main"):
            repo.git.references.create(ref, evil)

    yield Attack(name="refs-that-look-alike", push=tagged)

    def replaced(repo: BareRepository, base: str) -> None:
        evil = repo.commit({JOB: _MINE}, branch="evil", parents=[])
        repo.git.references.create(f"refs/replace/{base}", evil)
        repo.commit({"NOTES.md": "x"})

    yield Attack(name="replaced-by-a-ref", push=replaced)

    def to_tag(repo: BareRepository, base: str) -> None:
        who = "A <a@b> 1700000000 +0000"
        data = f"object {base}\ntype commit\ntag t\ntagger {who}\n\nm\n".encode()
        (repo.path / "refs/heads/main").write_text(f"{repo.git.odb.write(ObjectType.TAG, data)}\n")

    yield Attack(name="branch-is-a-tag", push=to_tag, hold="SourceUnavailable")

    def to_blob(repo: BareRepository, base: str) -> None:
        (repo.path / "refs/heads/main").write_text(repo.blob(b"no commit") + "\n")

    # A server that lets this happen is damaged: all is read anew, and nothing known meanwhile.
    yield Attack(name="branch-is-a-file", push=to_blob, hold="SourceUnavailable", unread="commit")

    def dangling(repo: BareRepository, base: str) -> None:
        (repo.path / "refs/heads/main").write_text("2" * 40 + "\n")

    yield Attack(name="branch-is-nothing", push=dangling, hold="SourceUnavailable")

    def emptied(repo: BareRepository, base: str) -> None:
        commit(repo, repo.raw_tree([]), base)

    # What the prune guard then holds is tested beside it.
    yield Attack(name="emptied", push=emptied, names=frozenset(), bad=frozenset({"-"}))


def _metadata() -> Iterator[Attack]:
    def by(author: bytes, rest: bytes = b"\nm") -> Push:
        return lambda repo, base: commit(repo, tree(repo, {}), base, author=author, rest=rest)

    yield Attack(name="author-escape", push=by(b"\x1b[31m\xe2\x80\xae <x>"))
    yield Attack(name="encoding-unknown", push=by(b"Ren\xe9 <r>", b"encoding no-such\n\nm"))
    yield Attack(name="message-long", push=by(b"A <a>", b"\n" + b"x" * 500_000))
    yield Attack(name="message-huge", push=by(b"A <a>", b"\n" + b"x" * 1024**2),
                 hold="SourceUnavailable")  # fmt: skip
    trailer = by(b"A <a>", b"\nm\n\nZoe-Confirm-Deletes: 999999999999")
    yield Attack(name="trailer-huge", push=trailer)
    yield Attack(name="no-author", push=by(b"nobody"), hold="SourceUnavailable")


def _harmless() -> Iterator[Attack]:
    def added(repo: BareRepository, base: str) -> None:
        repo.commit({"executions/lab/mine.yaml": _MINE, "notes/ümlaut.txt": "x"})

    yield Attack(name="good-commit", push=added, names=frozenset({"job", "mine"}))
    program = _in_lab((PROGRAM, b"mine.yaml", _MINE))
    yield Attack(name="good-program", push=program, names=frozenset({"job", "mine"}))

    def forked(repo: BareRepository, base: str) -> None:
        added = {**BASE, "executions/lab/mine.yaml": _MINE}
        side = repo.commit(added, branch="side", parents=[base])
        main = repo.commit({"NOTES.md": "x"})
        index = repo.git.merge_commits(repo.git[main], repo.git[side])
        root = str(index.write_tree(repo.git))
        data = f"tree {root}\nparent {main}\nparent {side}\n"
        who = "A <a@b> 1700000000 +0000"
        repo.raw_commit(f"{data}author {who}\ncommitter {who}\n\nmerge\n".encode())

    yield Attack(name="good-merge-of-a-fork", push=forked, names=frozenset({"job", "mine"}))
