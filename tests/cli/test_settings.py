"""Settings: where they come from, which is stronger, and what is left out."""

from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.cli.settings import (
    InvalidSettings,
    LogFormat,
    LogLevel,
    Mode,
    NatsSettings,
    SecretPlace,
    SecretSource,
    Settings,
    load_settings,
)
from reconciler.cli.settings.decode import Platform, decode_settings
from reconciler.cli.settings.values import OfferRevert
from reconciler.desired.node import Node
from reconciler.errors import Fault
from reconciler.model.desired import SecretRef
from reconciler.model.identity import Position, SecretName

HOME = {"HOME": "/home/me"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "reconciler.toml"


def load(file: Path, text: str, *flags: str, **environment: str) -> Settings:
    file.write_text(text)
    return load_settings(file, flags, HOME | environment)


def test_without_a_word_the_defaults_hold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    settings = load_settings(environment=HOME)

    assert settings.path is None
    assert settings.source.url is None
    assert (settings.source.ref, settings.source.folder) == ("main", "")
    assert settings.source.interval == timedelta(seconds=60)
    assert settings.source.offer_revert is OfferRevert.OFF
    assert settings.nats == NatsSettings(
        urls=("nats://127.0.0.1:4222",),
        token=None,
        user=None,
        password=None,
        creds=None,
        tls=None,
        inbox_prefix="_INBOX",
    )
    assert settings.backend is None
    assert settings.serve is None
    assert settings.controller.mode is Mode.AUTO
    assert settings.controller.state_dir == Path("/home/me/.cache/kanade-reconciler")
    assert settings.controller.dispatch_deadline == timedelta(minutes=10)
    assert settings.controller.resync == timedelta(minutes=10)
    assert settings.controller.max_artifact_bytes == 8 * 1024**3
    assert not settings.controller.allow_builds
    assert (settings.log.format, settings.log.level) == (LogFormat.AUTO, LogLevel.INFO)


def test_the_file_in_the_current_folder_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "reconciler.toml").write_text('source.ref = "production"\n')
    monkeypatch.chdir(tmp_path)

    assert load_settings(environment=HOME).source.ref == "production"


def test_everything_can_be_said(file: Path) -> None:
    settings = load(
        file,
        """
        [source]
        url = "https://git.example/fleet.git"
        folder = "fleet/production"
        interval = "5m"
        accept_rewrite = true
        token = { secret = "git-token" }
        offer_revert = "branch"
        revert_author = "Fleet bot <fleet@example.com>"
        [nats]
        url = ["tls://a.example:4222", "tls://b.example:4222"]
        user = "reconciler"
        password = { secret = "nats-password" }
        tls = { ca = "ca.pem", cert = "/etc/cert.pem", key = "~/key.pem" }
        [backend]
        url = "http://backend.example:8080/"
        token.secret = "backend-token"
        [controller]
        mode = "backend"
        instance = "controller-1"
        state_dir = "state"
        artifact_roots = ["builds", "/srv/builds"]
        allow_builds = true
        lab = true
        [secrets]
        git-token.env = "GIT_TOKEN"
        nats-password.file = "nats.password"
        backend-token.env = "BACKEND_TOKEN"
        status.credential = "status-token"
        [serve]
        listen = "[::]:8081"
        token = { secret = "status" }
        webhook_secret = { secret = "status" }
        [log]
        format = "json"
        level = "debug"
        """,
    )

    folder = file.parent
    assert settings.source.url == "https://git.example/fleet.git"
    assert settings.source.folder == "fleet/production"
    assert settings.source.accept_rewrite
    assert settings.source.offer_revert is OfferRevert.BRANCH
    assert settings.source.revert_author == "Fleet bot <fleet@example.com>"
    assert settings.source.token == SecretRef(SecretName("git-token"))
    assert settings.nats.urls == ("tls://a.example:4222", "tls://b.example:4222")
    assert settings.nats.password == SecretRef(SecretName("nats-password"))
    assert settings.nats.tls is not None
    assert settings.nats.tls.ca == folder / "ca.pem"
    assert settings.nats.tls.cert == Path("/etc/cert.pem")
    assert settings.nats.tls.key == Path("~/key.pem").expanduser()
    assert settings.backend is not None
    assert settings.backend.url == "http://backend.example:8080"
    assert settings.backend.token == SecretRef(SecretName("backend-token"))
    assert settings.controller.instance == "controller-1"
    assert settings.controller.state_dir == folder / "state"
    assert settings.controller.artifact_roots == (folder / "builds", Path("/srv/builds"))
    assert settings.controller.allow_builds
    assert settings.controller.lab
    assert settings.secrets == {
        "git-token": SecretSource(place=SecretPlace.ENV, name="GIT_TOKEN"),
        "nats-password": SecretSource(place=SecretPlace.FILE, name=str(folder / "nats.password")),
        "backend-token": SecretSource(place=SecretPlace.ENV, name="BACKEND_TOKEN"),
        "status": SecretSource(place=SecretPlace.CREDENTIAL, name="status-token"),
    }
    assert settings.serve is not None
    assert (settings.serve.host, settings.serve.port) == ("::", 8081)
    assert (settings.log.format, settings.log.level) == (LogFormat.JSON, LogLevel.DEBUG)


def test_the_environment_is_stronger_than_the_file_and_flags_are_the_strongest(file: Path) -> None:
    text = '[source]\nref = "file"\nfolder = "file"\ninterval = "10s"\n'

    settings = load(
        file,
        text,
        "source.ref=flag",
        RECONCILER_SOURCE__REF="environment",
        RECONCILER_SOURCE__FOLDER="environment",
    )

    assert settings.source.ref == "flag"
    assert settings.source.folder == "environment"
    assert settings.source.interval == timedelta(seconds=10)


def test_texts_of_the_environment_become_what_the_setting_is(file: Path) -> None:
    settings = load(
        file,
        "",
        "controller.artifact_roots=/a, /b",
        RECONCILER_NATS__URL="nats://a:1,nats://b:2",
        RECONCILER_CONTROLLER__ALLOW_BUILDS="True",
        RECONCILER_CONTROLLER__MAX_ARTIFACT_BYTES="1024",
        RECONCILER_NATS__TOKEN__SECRET="nats",
        RECONCILER_SECRETS__NATS__ENV="NATS_TOKEN",
    )

    assert settings.nats.urls == ("nats://a:1", "nats://b:2")
    assert settings.controller.allow_builds
    assert settings.controller.max_artifact_bytes == 1024
    assert settings.controller.artifact_roots == (Path("/a"), Path("/b"))
    assert settings.nats.token == SecretRef(SecretName("nats"))


def test_an_empty_variable_and_one_that_is_no_setting_are_not_set(file: Path) -> None:
    settings = load(file, "", RECONCILER_SOURCE__REF="", RECONCILER_DEBUG="1", OTHER="x")

    assert settings.source.ref == "main"


def test_relative_paths_count_from_the_file_only_where_they_stand_in_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = file.parent / "elsewhere"
    current.mkdir()
    monkeypatch.chdir(current)
    text = '[controller]\nstate_dir = "state"\nartifact_roots = ["builds"]\n'

    settings = load(file, text, "controller.state_dir=state")

    assert settings.controller.state_dir == current / "state"
    assert settings.controller.artifact_roots == (file.parent / "builds",)


@pytest.mark.parametrize(
    ("system", "environment", "expected"),
    [
        ("linux", {"HOME": "/home/me"}, "/home/me/.cache/kanade-reconciler"),
        ("linux", {"HOME": "/x", "XDG_CACHE_HOME": "/cache"}, "/cache/kanade-reconciler"),
        ("linux", {"HOME": "/x", "XDG_CACHE_HOME": "rel"}, "/x/.cache/kanade-reconciler"),
        ("darwin", {"HOME": "/Users/me"}, "/Users/me/Library/Caches/kanade-reconciler"),
        ("win32", {"LOCALAPPDATA": "C:/Me"}, "C:/Me/kanade-reconciler"),
    ],
)
def test_state_is_kept_in_the_platforms_folder_for_caches(
    system: str, environment: dict[str, str], expected: str
) -> None:
    platform = Platform(host="ctl", system=system, environment=environment)

    settings = decode_settings(Node({}, Position("settings")), None, platform)

    assert isinstance(settings, Settings)
    assert settings.controller.state_dir == Path(expected)


@pytest.mark.parametrize(
    ("host", "instance"),
    [("ctl-1.example", "ctl-1-example"), ("ホスト", "host"), ("a b", "a-b"), ("x" * 99, "x" * 64)],
)
def test_the_hosts_name_is_made_fit_for_a_key(host: str, instance: str) -> None:
    platform = Platform(host=host, system="linux", environment=HOME)

    settings = decode_settings(Node({}, Position("settings")), None, platform)

    assert not isinstance(settings, Fault)
    assert settings.controller.instance == instance


def test_no_setting_shows_a_secret(file: Path) -> None:
    with pytest.raises(InvalidSettings) as refusal:
        load(
            file,
            '[nats]\nurl = "nats://me:hunter2@a"\ntoken = "hunter2"\n'
            '[backend]\nurl = "https://me:hunter2@b"\ntoken = {value = "hunter2"}\n',
        )

    assert "hunter2" not in str(refusal.value)
    assert len(refusal.value.faults) == 5
