"""What secrets are made from, and what a pass knows of them: never a value.

A recipe says how a value comes about; whoever holds the installation's keys follows it when the
Swarm secret is made (``apply``). A pass needs no more than a name that changes with the value.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from policy.model.execution import Uid
from reconciler.converge import naming
from reconciler.manifest.secret_mount import SSH_KEY, SecretMount
from reconciler.manifest.spec import ExecutionSpec

RANDOM = "random"


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """A value derived from the installation's key: ``random`` text, or half of an SSH key pair.

    ``scope`` is whom it belongs to: namespace, uid and name; nobody else's gives the same.
    """

    kind: str
    scope: tuple[str, ...]
    is_public: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A ciphertext (base64), and whom it must have been encrypted for."""

    ciphertext: str = field(repr=False)
    namespace: str
    name: str


Recipe = Generated | Sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Vault:
    """What can be told of secrets without knowing one.

    ``is_open`` says whether anybody here holds the keys: a preview doesn't, and takes everything
    for well. ``fingerprint`` changes with the installation's key; ``opened`` holds a keyed digest
    of each ciphertext's value, ``refused`` the reason and the sentence for those without.
    """

    is_open: bool = False
    fingerprint: str = ""
    opened: Mapping[Sealed, str] = field(default_factory=dict)
    refused: Mapping[Sealed, tuple[str, str]] = field(default_factory=dict)

    def refusal(self, recipe: Recipe) -> tuple[str, str] | None:
        """Return why a value can't be had."""
        if not self.is_open or isinstance(recipe, Generated) or recipe in self.opened:
            return None
        told = f"nobody has tried to decrypt the secret {recipe.name} yet"
        return self.refused.get(recipe, ("SecretNotOpened", told))

    def digest(self, recipe: Recipe) -> str:
        """Return what changes with the value and tells nothing of it; else with the ciphertext."""
        if isinstance(recipe, Sealed):
            return self.opened.get(recipe) or _short(recipe.ciphertext)
        return _short(self.fingerprint, recipe.kind, *recipe.scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A secret of ours as one file: what the Swarm calls it, and how its value comes about."""

    swarm_name: str
    recipe: Recipe

    @property
    def is_public(self) -> bool:
        """Whether it is the public half of a key pair."""
        return isinstance(self.recipe, Generated) and self.recipe.is_public


def recipe_of(mount: SecretMount, *, namespace: str, uid: Uid) -> Recipe | None:
    """Return how a mounted secret comes about; None: it is the operator's."""
    if mount.generate:
        return Generated(kind=mount.generate, scope=(namespace, uid, mount.name))
    if mount.age:
        return Sealed(ciphertext=mount.age, namespace=namespace, name=mount.name)
    return None


def sealed_in(spec: ExecutionSpec, namespace: str) -> Iterator[Sealed]:
    """Yield the ciphertexts of a spec."""
    for mount in _mounts(spec):
        if mount.age:
            yield Sealed(ciphertext=mount.age, namespace=namespace, name=mount.name)


def is_ours(mount: SecretMount) -> bool:
    """Tell whether a mounted secret is made by us."""
    return bool(mount.age or mount.generate)


def named(
    spec: ExecutionSpec, *, namespace: str, uid: Uid, vault: Vault
) -> Mapping[str, tuple[Named, ...]]:
    """Return the secrets that are made for an execution, by name: a key pair is two files."""
    return {
        mount.name: tuple(_files(recipe, uid, mount.name, vault))
        for mount in _mounts(spec)
        if (recipe := recipe_of(mount, namespace=namespace, uid=uid)) is not None
    }


def refusal_of(
    spec: ExecutionSpec, *, namespace: str, uid: Uid, vault: Vault
) -> tuple[str, str] | None:
    """Return the first reason why a secret of an execution can't be made."""
    recipes = (recipe_of(mount, namespace=namespace, uid=uid) for mount in _mounts(spec))
    found = (vault.refusal(recipe) for recipe in recipes if recipe is not None)
    return next((refusal for refusal in found if refusal is not None), None)


def generated(spec: ExecutionSpec) -> tuple[SecretMount, ...]:
    """Return the mounts of secrets that are made for each run, once each, by name."""
    return tuple({mount.name: mount for mount in _mounts(spec) if mount.generate}.values())


def _mounts(spec: ExecutionSpec) -> list[SecretMount]:
    return [mount for service in spec.services for mount in service.secrets]


def _files(recipe: Recipe, uid: Uid, name: str, vault: Vault) -> Iterator[Named]:
    own = naming.secret_name(uid=uid, name=name, digest=vault.digest(recipe))
    yield Named(swarm_name=own, recipe=recipe)
    if isinstance(recipe, Generated) and recipe.kind == SSH_KEY:
        public = Generated(kind=recipe.kind, scope=recipe.scope, is_public=True)
        yield Named(swarm_name=f"{own}-pub", recipe=public)


def _short(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
