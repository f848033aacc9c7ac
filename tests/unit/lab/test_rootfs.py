from __future__ import annotations

from pathlib import Path

from reconciler.cluster.lab.rootfs import tidy


def test_of_logs_the_files_go_and_the_folders_that_daemons_want_stay(tmp_path: Path) -> None:
    folder = tmp_path / "var/log/nginx"
    folder.mkdir(parents=True)
    (folder / "error.log").touch()
    (folder / "latest.log").symlink_to("error.log")
    tidy(tmp_path)
    assert folder.is_dir()
    assert not list(folder.iterdir())


def test_caches_go_and_the_folders_that_images_need_stay(tmp_path: Path) -> None:
    for path in ("var/cache/apt/archives", "usr/share/doc/nginx", "tmp/build"):
        (tmp_path / path).mkdir(parents=True)
    tidy(tmp_path)
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")) == [
        *("tmp", "usr", "usr/share", "var", "var/cache", "var/cache/apt"),
    ]
    assert (tmp_path / "tmp").stat().st_mode & 0o7777 == 0o1777
