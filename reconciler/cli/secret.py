"""``zoe secret``: values that only the right containers see, and where they are used."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from reconciler import config
from reconciler.cli import repository
from reconciler.cli.names import EXECUTION
from reconciler.errors import ConfigError, Missing
from reconciler.manifest.platform import Platform


@click.group("secret")
def command() -> None:
    """Encrypt secrets for manifests, and show those that were made for you."""


@command.command("encrypt")
@click.option("--namespace", required=True, help="Whose executions may use it.")
@click.option("--name", required=True, help="Its name under secrets: in the manifest.")
@click.option(
    "--file",
    "source",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True),
    help="Read the value from a file (- is stdin), byte for byte; else it is asked for.",
)
def encrypt(*, namespace: str, name: str, source: Path | None) -> None:
    """Print the line for a manifest that holds a value only zoe run can read.

    It works under that name in that namespace and nowhere else.
    """
    from reconciler.secrets import encrypting
    from reconciler.secrets.envelope import Address

    platform = _platform()
    if not (repository.find_root(Path()) / "namespaces" / f"{namespace}.yaml").exists():
        click.echo(f"there is no namespaces/{namespace}.yaml here: is that its name?", err=True)
    address = Address(deployment=platform.secret_deployment, namespace=namespace, name=name)
    try:
        line = encrypting.ciphertext(_value(source), address, platform.secret_recipients)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    click.echo(encrypting.entry(name, line), nl=False)


@command.command("reencrypt")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
def reencrypt(*, paths: tuple[Path, ...]) -> None:
    """Encrypt the secrets in manifests anew, to the recipients of platform.yaml.

    For the operator, on the machine that holds the installation's key. Nothing restarts: the
    values stay the same.
    """
    from reconciler.secrets import age, encrypting, identities
    from reconciler.secrets.rewriting import rewritten

    settings, platform = config.load(), _platform()
    held = identities.read(settings.state_dir / identities.FILE)
    changed: dict[Path, str] = {}
    for path in paths:
        text = path.read_bytes().decode()
        try:
            new = rewritten(
                text, lambda line: encrypting.again(line, held, platform.secret_recipients)
            )
        except age.CannotDecrypt as error:
            told = f"{path} holds a secret that isn't encrypted to this installation's key"
            raise ConfigError(f"{told}; no file was changed") from error
        if new != text:
            changed[path] = new
    for path, text in changed.items():
        path.write_bytes(text.encode())
        click.echo(f"{path}: encrypted anew")
    if not changed:
        click.echo("no ciphertext there")


@command.command("users")
@click.argument("name", metavar="NAMESPACE/NAME|NAME")
def users(*, name: str) -> None:
    """Say which executions mount a secret: NAMESPACE/NAME, or NAME for one of the Swarm's."""
    root = repository.find_root(Path())
    manifests = repository.load(root, repository.files_of(root)).manifests
    namespace, _, own = name.rpartition("/")
    found = [
        f"{manifest.namespace}/{manifest.name}  {service.name}  /run/secrets/{mount.target}"
        for manifest in manifests
        if manifest.spec is not None and namespace in ("", manifest.namespace)
        for service in manifest.spec.services
        for mount in service.secrets
        if (mount.name if namespace else mount.swarm_name) == own
    ]
    if not found:
        raise Missing(f"nothing mounts {name}; of a namespace's own secret write NAMESPACE/NAME")
    click.echo("\n".join(found))


@command.command("show")
@click.argument("name", type=EXECUTION)
@click.argument("secret", required=False, default="")
@click.option(
    "--identity", type=click.Path(path_type=Path), help="Your SSH key. Default ~/.ssh/id_ed25519."
)
def show(*, name: tuple[str, str], secret: str, identity: Path | None) -> None:
    """Show what was generated for NAMESPACE/NAME, decrypted here with your SSH key.

    It is read from the status branch of this clone, so fetch first: git fetch origin.
    """
    from reconciler.cli import letters
    from reconciler.converge.letters import path_of

    what = f"what was generated for {'/'.join(name)}"
    _print(letters.opened(path_of(*name), name[0], what, identity), secret)


@command.command("key")
@click.option("--new", "is_new", is_flag=True, help="Make another key; older ones still decrypt.")
def key(*, is_new: bool) -> None:
    """Print what platform.yaml needs so that people can encrypt; make the key where none is.

    For the operator, on the machine of zoe run. The key itself stays in the state directory:
    back it up.
    """
    from reconciler.secrets import identities

    settings = config.load()
    path = settings.state_dir / identities.FILE
    if is_new or not path.exists():
        identities.make(path)
        click.echo(f"made a key in {path}: back it up", err=True)
    newest = identities.read(path)[0]
    click.echo("secrets:")
    click.echo(f"  deployment: {settings.deployment}")
    click.echo(f"  recipients: [{newest.recipient}]")


def _platform() -> Platform:
    root = repository.find_root(Path())
    platform = repository.load(root, repository.files_of(root, iter(["platform.yaml"]))).platform
    if not platform.secret_recipients:
        told = "platform.yaml says nothing of spec.secrets.recipients, so nothing can be encrypted"
        raise ConfigError(f"{told}: the operator adds there what zoe secret key prints")
    return platform


def _value(source: Path | None) -> bytes:
    if source is None and sys.stdin.isatty():
        return str(click.prompt("value", hide_input=True, confirmation_prompt=True)).encode()
    if source is None or str(source) == "-":
        return sys.stdin.buffer.read()
    return source.read_bytes()


def _print(values: Mapping[str, str], secret: str) -> None:
    if not secret and len(values) == 1:
        (secret,) = values
    if secret:
        if secret not in values:
            raise Missing(f"no secret {secret}; there are {', '.join(sorted(values))}")
        click.echo(values[secret].rstrip("\n"))
        return
    for name, value in sorted(values.items()):
        told = value.strip() if "\n" not in value.strip() else f"(zoe secret show … {name})"
        click.echo(f"{name}: {told}")
