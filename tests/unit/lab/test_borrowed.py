from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.cluster.lab import borrowed


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in borrowed.variables():
        monkeypatch.delenv(name)
    root = tmp_path / "machine"
    (root / "etc/apt/sources.list.d").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(root / "home"))
    return root


def test_folders_that_settings_point_at_are_mounted_with_their_index(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("mirror/simple", "mirror/files", "wheels", "debs"):
        (tmp_path / folder).mkdir(parents=True)
    index = f"[global]\nextra-index-url = file://{tmp_path}/mirror/simple\n"
    (machine / "etc/pip.conf").write_text(index)
    source = f"deb [trusted=yes] file:{tmp_path}/debs ./\n"
    (machine / "etc/apt/sources.list").write_text(source)
    monkeypatch.setenv("PIP_FIND_LINKS", f"{tmp_path}/wheels")
    layer = tmp_path / "layer"
    mounts = borrowed.lay(layer, machine)
    assert set(mounts) >= {tmp_path / name for name in ("debs", "mirror", "wheels")}
    assert tmp_path / "mirror/simple" not in mounts
    assert all((layer / str(mount).lstrip("/")).is_dir() for mount in mounts)
    assert (layer / "etc/pip.conf").read_text() == index


@pytest.mark.parametrize(
    "text", ["//", "/", "// a comment", "file:///", "/..", "/etc /usr/share", "http://x/etc", "///"]
)
def test_the_root_and_the_system_are_never_mounted(
    machine: Path, tmp_path: Path, text: str
) -> None:
    # The root over a build would make the build's package manager work on this machine.
    (machine / "etc/apt/apt.conf").write_text(text)
    (machine / "etc/pip.conf").write_text(f"[global]\nfind-links = {text}\n")
    mounts = borrowed.lay(tmp_path / "layer", machine)
    system = {Path(top) for top in ("/", "/etc", "/usr", "/usr/share")}
    assert not system & set(mounts)


def test_a_certificate_that_a_variable_names_is_lent_at_its_path(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "bundle.crt"
    bundle.write_text("certificates")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setenv("UNRELATED_SECRET", "x")
    borrowed.lay(tmp_path / "layer", machine)
    assert (tmp_path / "layer" / str(bundle).lstrip("/")).read_text() == "certificates"
    assert borrowed.variables() == {"SSL_CERT_FILE": str(bundle)}
