"""How a remote is reached: credentials, host keys, time-outs, and what its errors mean.

libgit2 keeps its time-outs per process: of remotes that are used from several threads at once,
each waits as long as the last one to begin said.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pygit2
from pygit2.enums import CredentialType
from pygit2.remotes import TransferProgress

from reconciler.config import SourceSettings
from reconciler.errors import ConfigError, SourceUnavailable
from reconciler.failpoints import Point, reach
from reconciler.git import known_hosts
from reconciler.git.address import PORTS, Address
from reconciler.text import clean, scrub

_MESSAGE_LIMIT = 600
_MAX_ASKS = 1  # a second question means that the answer to the first was refused
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Session(pygit2.RemoteCallbacks):
    """The callbacks of one conversation, and what was heard in it."""

    def __init__(self, access: Access, secrets: list[str]) -> None:
        super().__init__()
        self._access = access
        self._secrets = secrets
        self._asks = 0
        self._heard = ""
        self.untrusted_host = False
        self.most_bytes: int | None = access.most_bytes
        self._ends_at = None if access.most_s is None else monotonic() + access.most_s
        self.refusals: list[str] = []

    def credentials(
        self, url: str, username_from_url: str | None, allowed_types: CredentialType
    ) -> pygit2.Username | pygit2.UserPass | pygit2.Keypair:
        """Answer the first question; the second means that the answer was refused."""
        if allowed_types & CredentialType.USERNAME:
            return pygit2.Username(self._access.user)
        self._asks += 1
        if self._asks > _MAX_ASKS:
            raise SourceUnavailable(self._access.refused())
        if not self._access.is_same_server(url):
            # libgit2 follows redirects, and would hand the token to whoever they lead to.
            raise SourceUnavailable(self._access.redirected(url))
        if allowed_types & CredentialType.SSH_KEY:
            return self._access.key(username_from_url)
        return self._access.password(self._secrets)

    def certificate_check(self, certificate: None, valid: bool, host: bytes) -> bool:
        """Accept what libgit2 found valid: by default pygit2 accepts any SSH host key."""
        self.untrusted_host = self.untrusted_host or not valid
        return valid

    def transfer_progress(self, stats: TransferProgress) -> None:
        """Break off where more is sent than somebody set a bound for."""
        if self.most_bytes is not None and stats.received_bytes > self.most_bytes:
            raise SourceUnavailable(f"more than {self.most_bytes >> 20} MiB were sent")
        self._keep_time()
        if stats.received_objects == stats.total_objects:
            reach(Point.GIT_RECEIVED)

    def sideband_progress(self, string: str) -> None:
        """Keep what the server says: the words of its hooks come this way only."""
        self._keep_time()
        self._heard = (self._heard + string)[-4 * _MESSAGE_LIMIT :]

    def _keep_time(self) -> None:
        """Break off a conversation that goes on and on: time-outs only end a silence."""
        if self._ends_at is not None and monotonic() > self._ends_at:
            raise SourceUnavailable("it took too long")

    def push_update_reference(self, refname: str, message: str | None) -> None:
        """Note a refusal: over http a push that a hook rejected otherwise looks like success."""
        if message is not None:
            self.refusals.append(f"{refname}: {message}")

    @property
    def words(self) -> str:
        """What the server said in its own words, fit to be shown; its progress bars left out."""
        lines = [line for line in self._heard.splitlines() if line.strip() and "%" not in line]
        return self.shown("; ".join([*self.refusals, *lines]))

    def shown(self, text: str) -> str:
        """Return text fit to be shown: no secrets, no control characters."""
        return clean(scrub(text, self._secrets), limit=_MESSAGE_LIMIT)


class Access:
    """One remote with its credentials, as ``[[source]]`` declares it."""

    def __init__(
        self,
        settings: SourceSettings,
        *,
        most_bytes: int | None = None,
        most_s: float | None = None,
    ) -> None:
        """Take the address apart. No conversation takes more bytes or seconds than said.

        Raises:
            ConfigError: The URL isn't usable, or a token would travel in the clear.
        """
        self._settings = settings
        self.most_bytes, self.most_s = most_bytes, most_s
        self._address = Address.of(settings.url)
        is_in_the_clear = self._address.kind == "http" and self._address.host not in _LOOPBACK
        if is_in_the_clear and (settings.token_file is not None or self._address.password):
            raise ConfigError(
                f"source {settings.id}: token_file needs https: over http anybody can read it"
            )

    @property
    def url(self) -> str:
        """The URL to connect to; it holds no password."""
        return self._address.url

    @property
    def shown_url(self) -> str:
        """The URL as messages show it."""
        return clean(scrub(self.url), limit=200)

    @property
    def is_local(self) -> bool:
        """Whether the remote is a directory of this machine."""
        return self._address.kind == "file"

    @property
    def user(self) -> str:
        """The user name to log in with."""
        return self._address.user or self._settings.username

    def is_same_server(self, url: str) -> bool:
        """Tell whether ``url`` leads to where the settings lead: credentials go nowhere else."""
        if self._address.kind == "ssh":
            return True
        try:
            return Address.of(url).server == self._address.server
        except ConfigError:
            return False

    def redirected(self, url: str) -> str:
        """Return the sentence for a remote that sends us to another server."""
        return (
            f"{self.shown_url} leads to {clean(scrub(url), limit=200)}, which gets no credentials: "
            f"set {self._place('url')} to the right one"
        )

    def password(self, secrets: list[str]) -> pygit2.UserPass:
        """Return user name and token, and add the token to ``secrets``."""
        if self._settings.token_file is not None:
            token = _credential(self._settings.token_file, self._place("token_file"))
        elif self._address.password:
            token = self._address.password
        else:
            raise SourceUnavailable(
                f"{self.shown_url} asks for a password: set {self._place('token_file')}"
            )
        secrets.append(token)
        return pygit2.UserPass(self.user, token)

    def key(self, user: str | None) -> pygit2.Keypair:
        """Return the SSH key, or the agent's where none is configured."""
        path = self._settings.ssh_key_file
        if path is None:
            return pygit2.KeypairFromAgent(user or self.user)
        _credential(path, self._place("ssh_key_file"))
        return pygit2.Keypair(user or self.user, None, str(path), "")

    def refused(self) -> str:
        """Return the sentence for credentials that the remote didn't accept."""
        if self._address.kind == "ssh" and self._settings.ssh_key_file is None:
            return f"{self.shown_url} wants a key: set {self._place('ssh_key_file')}"
        if self._address.kind == "ssh":
            settings = self._place("ssh_key_file") + " and that its public half is known there"
        else:
            settings = "username and " + self._place("token_file")
        return f"{self.shown_url} refused the credentials: check {settings}"

    @contextmanager
    def session(self, doing: str) -> Iterator[Session]:
        """Lend callbacks to one conversation; translate what it raises.

        Raises:
            SourceUnavailable: Anything that went wrong with the remote.
        """
        password = self._address.password
        session = Session(self, [password] if password else [])
        with self._process_settings():
            try:
                yield session
            except (pygit2.GitError, KeyError, ValueError, OSError) as error:
                raise SourceUnavailable(
                    f"can't {doing} {self.shown_url}: {self._explained(error, session)}"
                ) from error

    @contextmanager
    def _process_settings(self) -> Iterator[None]:
        milliseconds = self._settings.timeout_s * 1000
        # libgit2 waits for ever by default.
        pygit2.settings.server_connect_timeout = milliseconds
        pygit2.settings.server_timeout = milliseconds
        pygit2.settings.enable_fsync_gitdir(True)
        if self._address.kind != "ssh":
            yield
            return
        with known_hosts.used(self._settings.known_hosts_file):
            yield

    def _explained(self, error: Exception, session: Session) -> str:
        if session.untrusted_host:
            return self._untrusted()
        text = str(error)
        if "timed out" in text:
            return f"no answer for {self._settings.timeout_s} s ({self._place('timeout_s')})"
        if self.is_local and not Path(self._address.path).exists():
            return "there is no such directory"
        if "not owned by current user" in text:
            return ownership_remedy(self._address.path)
        if isinstance(error, pygit2.AuthError):
            return self.refused()
        if "non-bare" in text:
            return "it has a work tree: make it bare (git config core.bare true) or use a server"
        return session.shown(text)

    def _untrusted(self) -> str:
        host, port = self._address.host, self._address.port
        if self._address.kind != "ssh":
            return f"the certificate of {host} isn't trusted: add its authority to the system's"
        place = self._settings.known_hosts_file or "~/.ssh/known_hosts"
        option = f"-p {port} " if port not in (None, PORTS["ssh"]) else ""
        return (
            f"the host key of {host} isn't in {place}, or it has changed: run "
            f"`ssh-keyscan {option}{host} >> {place}` and compare the key with the one that the "
            "forge publishes"
        )

    def _place(self, setting: str) -> str:
        return f"{setting} of source {self._settings.id}"


def ownership_remedy(path: str) -> str:
    """Return the sentence for a repository that belongs to somebody else."""
    return (
        f"{path} belongs to another user, and Git refuses such repositories: run as its owner, "
        f"or allow it with `git config --global --add safe.directory {path}`"
    )


def _credential(path: Path, setting: str) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceUnavailable(f"{setting} can't be read: {path}") from error
    if not text:
        raise SourceUnavailable(f"{setting} is empty: {path}")
    return text
