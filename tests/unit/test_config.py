"""Settings: a file, overridden by variables; what is wrong is told all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler import config
from reconciler.errors import ConfigError

SOURCE = '[[source]]\nid = "platform"\nurl = "https://forge/lab.git"\n'


def load(folder: Path, text: str, **environ: str) -> config.Settings:
    (folder / "zoe.toml").write_text(text)
    return config.load(environ, directory=folder)


def test_without_a_file_defaults_count(tmp_path: Path) -> None:
    settings = config.load({}, directory=tmp_path)
    assert (settings.deployment, settings.mode, settings.sources) == ("zoe", "converge", ())
    assert settings.database == f"sqlite:///{tmp_path / '.zoe-state' / 'zoe.db'}"


def test_paths_are_relative_to_the_file_wherever_one_is(tmp_path: Path) -> None:
    text = f'state_dir = "state"\n{SOURCE}ssh_key_file = "keys/id"\n'
    settings = load(tmp_path, text)
    assert settings.state_dir == tmp_path / "state"
    assert settings.platform_source.ssh_key_file == tmp_path / "keys" / "id"


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("config.git", "{folder}/config.git"),
        ("../git/config.git", "{folder}/../git/config.git"),
        ("/srv/config.git", "/srv/config.git"),
        ("~/config.git", f"{Path.home()}/config.git"),
        ("~nobody-is-called-so/config.git", "{folder}/~nobody-is-called-so/config.git"),
        ("git@forge:lab/config.git", "git@forge:lab/config.git"),
        ("forge:config.git", "forge:config.git"),
        ("https://forge/lab.git", "https://forge/lab.git"),
        ("file:///srv/config.git", "file:///srv/config.git"),
    ],
)
def test_a_repository_beside_the_file_is_found_from_anywhere(
    tmp_path: Path, url: str, meant: str
) -> None:
    settings = load(tmp_path, f'state_dir = "{url}"\n[[source]]\nid = "platform"\nurl = "{url}"\n')
    assert settings.platform_source.url == meant.format(folder=tmp_path)


def test_variables_go_before_the_file(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        f'database_url = "sqlite:///a"\n{SOURCE}',
        ZOE_REPO_URL="https://other/x.git",
        ZOE_BRANCH="next",
        ZOE_DATABASE_URL="postgresql://h/d",
        ZOE_STATE_DIR="/var/lib/zoe",
        DOCKER_HOST="tcp://m:1",
    )
    source = settings.platform_source
    assert (source.id, source.url, source.branch) == ("platform", "https://other/x.git", "next")
    assert (settings.database, settings.docker_host) == ("postgresql://h/d", "tcp://m:1")
    assert settings.state_dir == Path("/var/lib/zoe")


def test_a_repository_from_the_environment_alone_is_enough(tmp_path: Path) -> None:
    settings = config.load({"ZOE_REPO_URL": "file:///r.git"}, directory=tmp_path)
    assert settings.platform_source.url == "file:///r.git"


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml can't be read"):
        config.load({"ZOE_CONFIG": str(tmp_path / "nowhere.toml")})


def test_everything_that_is_wrong_is_told_together(tmp_path: Path) -> None:
    text = 'intervall_s = 5\nmode = "on"\nlease_ttl_s = "long"\ndeployment = "Lab"\n'
    text += '[[source]]\nid = "a"\n'
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    for part in (
        "intervall_s is unknown, did you mean interval_s?",
        "mode must be one of converge, observe",
        "lease_ttl_s must be a whole number",
        "deployment: small letters",
        "[[source]] 1: needs id and url",
    ):
        assert part in str(caught.value)
    assert str(caught.value).count("zoe.toml") == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = [", "zoe.toml"),
        ('source = "https://forge"', r"source must be written as \[\[source\]\]"),
        ("storage = 3", r"storage must be written as \[storage.NAME\]"),
        ("[storage]\nworkspace = 3", r"storage must be written as \[storage.NAME\]"),
        (
            '[storage.data]\npath = "/srv/data"\nper_namespace = false',
            r"\[storage.data\]: per_namespace = false needs read_only = true and a path",
        ),
        ('[storage.data]\npath = "data"', r"\[storage.data\]: path must begin with /"),
        (
            "[storage.fast-workspace]",
            r"\[storage.fast-workspace\]: give it a path, or a name that doesn't end with "
            r"-workspace: in a namespace x it would be the volume that namespace "
            r"x-fast has of workspace$",
        ),
        ("[storage.a]\n[storage.b-a]", r"\[storage.b-a\]: .* x-b has of a$"),
        ("[storage.data]\nread_only = true", r"\[storage.data\]: read_only needs a path"),
        ('security_profiles = "all"', "security_profiles must be"),
        ('[security_profiles]\nbaseline = "CHOWN"', "security_profiles must be"),
        ("interval_s = true", "interval_s must be a whole number"),
        ("interval_s = -1", "interval_s must be a whole number from 1 to"),
        ("lease_ttl_s = 0", "lease_ttl_s must be a whole number from 1 to"),
        ("jitter_s = -1", "jitter_s must be a whole number from 0 to"),
        ("interval_s = 99999999999999999999", "interval_s must be a whole number from 1 to"),
        ("[agent]\nport = 70000", "agent: port must be a whole number from 1 to 65535"),
        ("[security_profiles]\nbaseline = [1]", "security_profiles must be"),
        ('page_url = "zoe.example.org"', "page_url must be an address such as https://"),
        ('status_branch = ""', "status_branch can't be a branch's name"),
        ('status_branch = "a b"', "status_branch can't be a branch's name"),
        *(
            (f'status_branch = "{name}"', "status_branch can't be a branch's name")
            for name in ("/a", "a/", "a//b", "a..b", "a.lock/b", "a/.b", "a.", "a@{b")
        ),
        (f'{SOURCE}branch = ""', r"\[\[source\]\] 1: branch can't be a branch's name"),
        ('[[source]]\nid = ""\nurl = "/x"', r"\[\[source\]\] 1: needs id and url"),
        (SOURCE.replace("source", "sources"), r"sources is unknown, did you mean source\?"),
        (f"{SOURCE}[source.webhok]\nx = 1", r"webhok is unknown, did you mean webhook\?"),
        (f"{SOURCE}forge = 3", r"1: forge must be written as \[source.forge\]"),
        (f"{SOURCE}[source.forge]\nprovider = 'svn'", "provider must be one of github"),
        (
            f"{SOURCE}[source.forge]\nprovider = 'github'",
            r"1: forge: needs repository and token_file",
        ),
        (f"{SOURCE}[source.forge]\ntoken = 'x'", "token is unknown, did you mean token_file"),
        ("[smtp]\nhost = 'mail'", r"smtp: needs sender"),
        ("notify = 3", r"notify must be written as \[notify.NAME\]"),
        (
            "[notify.ops]\nsecret = 'x'",
            r"\[notify.ops\]: secret is unknown, did you mean secret_file",
        ),
    ],
)
def test_misshapen_settings_are_told_in_a_sentence(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        load(tmp_path, text)


def test_a_file_that_isnt_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "zoe.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"zoe\.toml isn't UTF-8"):
        config.load({}, directory=tmp_path)


def test_what_may_be_nothing_may_be_zero(tmp_path: Path) -> None:
    text = "jitter_s = 0\npublish_interval_s = 0\n[web]\nstreams = 0\n"
    nobodys = ("attachment_bytes", "items_per_set", "manifests_per_namespace")
    settings = load(tmp_path, f"{text}[limits]\n" + "".join(f"{key} = 0\n" for key in nobodys))
    assert (settings.jitter_s, settings.publish_interval_s, settings.web.streams) == (0, 0, 0)
    assert {getattr(settings.limits, key) for key in nobodys} == {0}


def test_exactly_one_source_is_the_platform(tmp_path: Path) -> None:
    both = load(tmp_path, SOURCE + SOURCE)
    with pytest.raises(ConfigError, match=r'exactly one.*give the others role = "tenant"'):
        _ = both.platform_source
    own = SOURCE.replace("platform", "g1") + 'role = "tenant"\n'
    tenant = load(tmp_path, own)
    with pytest.raises(ConfigError, match=r"exactly one.*or set ZOE_REPO_URL"):
        _ = tenant.platform_source
    named = load(
        tmp_path, SOURCE.replace("platform", "g1") + 'role = "tenant"\n', ZOE_REPO_URL="/x"
    )
    assert (named.platform_source.url, len(named.sources)) == ("/x", 2)


def test_the_status_is_never_written_to_the_branch_that_is_followed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="status_branch is main"):
        load(tmp_path, f'status_branch = "main"\n{SOURCE}')
    for branch in ("zoe/status", "refs/heads/zoe/status"):
        with pytest.raises(ConfigError, match="status_branch is zoe/status"):
            load(tmp_path, SOURCE, ZOE_BRANCH=branch)
    tenant = SOURCE.replace("platform", "own") + 'role = "tenant"\nbranch = "status"\n'
    elsewhere = tenant.replace("lab.git", "own.git")
    assert load(tmp_path, f'status_branch = "status"\n{SOURCE}{elsewhere}').platform_source
    with pytest.raises(ConfigError, match="status_branch is status"):
        load(tmp_path, f'status_branch = "status"\n{SOURCE}{tenant}')


@pytest.mark.parametrize(("branch", "status"), [("main", "main/status"), ("zoe/main", "zoe")])
def test_the_status_is_on_a_branch_that_git_takes_beside_the_one_that_is_followed(
    tmp_path: Path, branch: str, status: str
) -> None:
    """A branch is a file, and what its name begins with folders: each push was refused."""
    with pytest.raises(ConfigError, match=f"status_branch is {status}, .* beside {branch}"):
        load(tmp_path, f'status_branch = "{status}"\n{SOURCE}branch = "{branch}"\n')


def test_storages_and_profiles_are_added_to_those_that_are_always_there(tmp_path: Path) -> None:
    text = '[storage.data]\npath = "/srv/data"\nshared = true\n'
    text += '[security_profiles]\ntrace = ["cap_sys_ptrace"]\n'
    settings = load(tmp_path, text)
    assert set(settings.storage) == {"workspace", "data"}
    assert settings.storage["data"].shared
    assert settings.security_profiles["trace"] == ("SYS_PTRACE",)
    assert "baseline" in settings.security_profiles


def test_forges_targets_and_mail_are_tables_of_their_own(tmp_path: Path) -> None:
    text = f'{SOURCE}[source.forge]\nprovider = "gitlab"\nrepository = "lab/config"\n'
    text += 'token_file = "keys/forge"\n[notify.ops]\nsecret_file = "keys/ops"\n'
    text += '[smtp]\nhost = "mail"\nsender = "zoe@lab"\nsecurity = "tls"\nport = 465\n'
    settings = load(tmp_path, text)
    forge, smtp = settings.platform_source.forge, settings.smtp
    assert forge is not None
    assert smtp is not None
    assert (forge.provider, forge.token_file) == ("gitlab", tmp_path / "keys" / "forge")
    assert settings.notify["ops"].secret_file == tmp_path / "keys" / "ops"
    assert (smtp.security, smtp.port) == ("tls", 465)


@pytest.mark.parametrize(
    ("ids", "told"),
    [(("main", "main"), "source main already"), (("main", "Group_7"), "small letters")],
)
def test_a_tenants_id_is_its_own_and_a_name(tmp_path, ids, told):
    sources = [
        f'[[source]]\nid = "{id_}"\nurl = "/x"\nrole = "{role}"\n'
        for id_, role in zip(ids, ("platform", "tenant"), strict=True)
    ]
    (tmp_path / "zoe.toml").write_text("".join(sources))
    with pytest.raises(ConfigError, match=told):
        config.load({}, directory=tmp_path)
