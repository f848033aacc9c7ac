"""What ``zoe doctor`` says of the key that people encrypt to."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.checkup import Level, secret_key
from reconciler.config import Settings, SourceSettings
from reconciler.errors import ConfigError
from reconciler.manifest.platform import Platform
from reconciler.secrets import identities


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    source = SourceSettings(id="platform", url="file:///nowhere")
    return Settings(deployment="lab", sources=(source,), state_dir=tmp_path)


def test_what_people_encrypt_must_be_what_we_can_open(settings: Settings) -> None:
    path = settings.state_dir / identities.FILE
    identities.make(path)
    (key,) = identities.read(path)
    here = Platform(secret_recipients=(key.recipient,), secret_deployment="lab")
    assert secret_key(settings, here).level is Level.OK
    elsewhere = Platform(secret_recipients=(key.recipient,), secret_deployment="prod")
    assert secret_key(settings, elsewhere).code == "SecretsForAnother"
    path.chmod(0o644)
    assert secret_key(settings, here).code == "SecretKeyReadable"
    path.unlink()
    missing = secret_key(settings, here)
    assert (missing.code, missing.level) == ("SecretKeyMissing", Level.PROBLEM)
    assert "zoe secret key" in missing.remedy


def test_a_damaged_file_of_keys_is_said_to_be_one(settings: Settings) -> None:
    path = settings.state_dir / identities.FILE
    path.write_text("AGE-SECRET-KEY-1NONSENSE\n")
    with pytest.raises(ConfigError, match=r"age\.key can't be used") as caught:
        identities.read(path)
    assert "NONSENSE" not in str(caught.value)
