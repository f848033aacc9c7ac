"""What ``zoe run`` does with the keys: it opens ciphertexts, makes values, seals letters.

Values live as long as the call that needs them. What is remembered of one is a keyed digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from policy.model.execution import Uid
from reconciler.converge.letters import Letter
from reconciler.converge.secrets import Generated, Recipe, Sealed, Vault, sealed_in
from reconciler.converge.world import Memory, Wanted
from reconciler.errors import ActionFailed, ConfigError
from reconciler.keyring import Keyring
from reconciler.manifest.spec import Manifest
from reconciler.secrets import age, envelope, generated, letter
from reconciler.secrets.envelope import Address
from reconciler.secrets.identities import Identities

Why = tuple[str, str]


class Refused(ValueError):
    """A ciphertext that isn't opened, and why."""

    def __init__(self, code: str, told: str) -> None:
        super().__init__(told)
        self.why: Why = (code, told)


@dataclass(slots=True)
class Keeper:
    """The keys of one installation, and what is known of the ciphertexts that it has seen."""

    deployment: str
    keyring: Keyring
    identities: Identities
    _opened: dict[Sealed, str] = field(default_factory=dict)
    _refused: dict[Sealed, Why] = field(default_factory=dict)
    _seen: Mapping[Uid, Manifest] = field(default_factory=dict)
    _is_first: bool = True

    @property
    def fingerprint(self) -> str:
        """What changes with the installation's key."""
        return self.keyring.name("fingerprint")

    def vault(self, wanted: Wanted, memory: Memory) -> Vault:
        """Return what a pass may know; opens what hasn't been seen before.

        Costs nothing while neither the commit nor the identities change.
        """
        if self._read_identities():
            self._refused.clear()
            self._seen, self._is_first = {}, True
        if self._seen is not wanted.manifests:
            self._look_at(_sealed_in_new(wanted.manifests, self._seen))
            self._seen = wanted.manifests
        if self._is_first:
            # Later ones are frozen from manifests that were looked at.
            self._look_at(_sealed_in_frozen(memory))
            self._is_first = False
        return Vault(
            is_open=True,
            fingerprint=self.fingerprint,
            opened=self._opened,
            refused=self._refused,
        )

    def reveal(self, recipe: Recipe) -> bytes:
        """Return a value.

        Raises:
            ActionFailed: It can't be had.
        """
        if isinstance(recipe, Generated):
            return generated.value_of(recipe, self.keyring)
        try:
            return self._open(recipe)
        except Refused as refused:
            raise ActionFailed(str(refused)) from refused

    def seal(self, sent: Letter) -> bytes:
        """Return a letter's file, with its values encrypted to those who may read it."""
        values = {name: generated.value_of(one, self.keyring) for name, one in sent.values.items()}
        return letter.sealed(sent, values)

    def mark(self, sent: Letter) -> str:
        """Return what changes when a letter has to be sealed anew."""
        return sent.mark(self.fingerprint)

    def _read_identities(self) -> bool:
        try:
            return self.identities.changed()
        except ConfigError:
            return False  # `zoe doctor` tells; what was read before still opens

    def _look_at(self, found: Iterable[Sealed]) -> None:
        for sealed in found:
            if sealed in self._opened or sealed in self._refused:
                continue
            try:
                digest = hashlib.sha256(self._open(sealed)).hexdigest()
            except Refused as refused:
                self._refused[sealed] = refused.why
                continue
            scope = (sealed.namespace, sealed.name, digest)
            self._opened[sealed] = self.keyring.name("secret content", *scope)

    def _open(self, sealed: Sealed) -> bytes:
        name = f"the secret {sealed.name}"
        again = (
            f"encrypt it: zoe secret encrypt --namespace {sealed.namespace} --name {sealed.name}"
        )
        try:
            found = envelope.unpacked(age.decrypt(sealed.ciphertext, self.identities))
        except age.CannotDecrypt as error:
            told = f"{name} isn't encrypted to a key of this installation; {again}"
            raise Refused("SecretNotOpened", told) from error
        except envelope.NotAnEnvelope as error:
            raise Refused("SecretNotOpened", f"{name} wasn't made by zoe; {again}") from error
        here = Address(deployment=self.deployment, namespace=sealed.namespace, name=sealed.name)
        if found.address != here:
            raise Refused("SecretNotForHere", f"{name} was encrypted for another place; {again}")
        return found.value


def _sealed_in_new(
    manifests: Mapping[Uid, Manifest], seen: Mapping[Uid, Manifest]
) -> Iterator[Sealed]:
    for uid, manifest in manifests.items():
        if manifest.spec is not None and seen.get(uid) is not manifest:
            yield from sealed_in(manifest.spec, manifest.namespace)


def _sealed_in_frozen(memory: Memory) -> Iterator[Sealed]:
    for (uid, _), spec in memory.frozen.items():
        identity = memory.identities.get(uid)
        if identity is not None:
            yield from sealed_in(spec, identity.namespace)
