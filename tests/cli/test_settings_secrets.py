"""Secrets: read from their place when they are needed, and shown nowhere."""

import json
from pathlib import Path

import pytest

from reconciler.cli.secrets import MOST_BYTES, ConfiguredSecrets
from reconciler.cli.settings import SecretPlace, SecretSource
from reconciler.errors import SecretUnavailable
from reconciler.model.identity import SecretName
from tests.support.command_line import call

NAME = SecretName("token")


def secrets(
    place: SecretPlace, name: str, *, lab: bool = False, **environment: str
) -> ConfiguredSecrets:
    source = SecretSource(place=place, name=name)
    return ConfiguredSecrets({NAME: source}, lab=lab, environment=environment)


def refusal(configured: ConfiguredSecrets) -> str:
    with pytest.raises(SecretUnavailable) as refused:
        configured.resolve(NAME)
    return str(refused.value)


def test_each_place_is_read(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret'\u2019 \"$x\n")
    file = str(tmp_path / "token")

    assert secrets(SecretPlace.ENV, "TOKEN", TOKEN="abc").resolve(NAME) == "abc"
    assert secrets(SecretPlace.FILE, file).resolve(NAME) == "s3cret'\u2019 \"$x"
    credential = secrets(SecretPlace.CREDENTIAL, "token", CREDENTIALS_DIRECTORY=str(tmp_path))
    assert credential.resolve(NAME) == "s3cret'\u2019 \"$x"


def test_a_value_is_read_anew_each_time(tmp_path: Path) -> None:
    file = tmp_path / "token"
    configured = secrets(SecretPlace.FILE, str(file))
    file.write_text("old")
    configured.resolve(NAME)
    file.write_text("new\r\n")

    assert configured.resolve(NAME) == "new"


def test_a_read_secret_does_not_show() -> None:
    secret = secrets(SecretPlace.ENV, "TOKEN", TOKEN="hunter2").read(NAME)

    assert secret.reveal() == "hunter2"
    assert "hunter2" not in f"{secret} {secret!r} {secret:>9}"


@pytest.mark.parametrize(
    ("place", "name", "environment", "message"),
    [
        (SecretPlace.ENV, "TOKEN", {}, "environment variable TOKEN is not set"),
        (SecretPlace.ENV, "TOKEN", {"TOKEN": ""}, "env TOKEN is empty"),
        (
            SecretPlace.CREDENTIAL,
            "token",
            {},
            "CREDENTIALS_DIRECTORY is not set: start it by systemd with LoadCredential=",
        ),
        (SecretPlace.FILE, "/nope", {}, "file /nope cannot be read: No such file or directory"),
        (SecretPlace.FILE, "/", {}, "file / cannot be read: Is a directory"),
        (
            SecretPlace.ENV,
            "TOKEN",
            {"TOKEN": "hunter2\nX-Admin: 1"},
            "env TOKEN holds a control character or a second line",
        ),
        (
            SecretPlace.ENV,
            "TOKEN",
            {"TOKEN": "x" * (MOST_BYTES + 1)},
            "env TOKEN holds more than 8,192 bytes",
        ),
        (
            SecretPlace.ENV,
            "TOKEN",
            {"TOKEN": "dev"},
            (
                "env TOKEN holds a value that everybody knows; set a real one, "
                "or controller.lab = true"
            ),
        ),
    ],
)
def test_a_secret_that_cannot_be_had_is_told_without_its_value(
    place: SecretPlace, name: str, environment: dict[str, str], message: str
) -> None:
    assert refusal(secrets(place, name, lab=False, **environment)) == f"secret token: {message}"


@pytest.mark.parametrize("value", ["dev", "CHANGE-ME", "change-me", "changeme", "Change_Me"])
def test_what_everybody_knows_is_taken_in_the_lab_alone(value: str) -> None:
    assert "everybody knows" in refusal(secrets(SecretPlace.ENV, "T", T=value))
    assert secrets(SecretPlace.ENV, "T", lab=True, T=value).resolve(NAME) == value


def test_a_file_that_is_no_text_or_too_long_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"\xff\xfe")
    configured = secrets(SecretPlace.FILE, str(file))
    assert refusal(configured) == f"secret token: file {file} is not valid UTF-8"
    file.write_bytes(b"x" * (MOST_BYTES + 1) + b"\n")
    assert refusal(configured) == f"secret token: file {file} holds more than 8,192 bytes"
    file.write_bytes(b"x" * MOST_BYTES + b"\r\n")
    assert len(configured.resolve(NAME)) == MOST_BYTES


def test_a_secret_that_nobody_has_configured_is_named() -> None:
    configured = ConfiguredSecrets(
        {SecretName("tokens"): SecretSource(place=SecretPlace.ENV, name="X")}
    )

    assert refusal(configured) == "secret token: not in the settings; did you mean tokens?"


@pytest.mark.parametrize(
    ("mode", "mine", "fix"),
    [
        (0o600, True, None),
        (0o400, True, None),
        (0o640, True, "chmod 600 {file}"),
        (0o604, True, "chmod 600 {file}"),
        (0o440, False, None),
        (0o444, False, "chmod o-r {file}"),
    ],
)
@pytest.mark.usefixtures("nobody_there")
def test_a_file_that_others_can_read_is_warned_of(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: int,
    *,
    mine: bool,
    fix: str | None,
) -> None:
    file = tmp_path / "token"
    file.write_text("CANARY")
    file.chmod(mode)
    if not mine:
        monkeypatch.setattr("os.geteuid", lambda: 12345)
    config = tmp_path / "reconciler.toml"
    config.write_text('[secrets]\ntoken = {file = "token"}\ngone = {file = "gone"}\n')

    done = call("--config", str(config), "get", "releases", environment={"HOME": str(tmp_path)})

    warnings = [json.loads(line) for line in done.err.splitlines() if line.startswith("{")]
    told = [(each["event"], each["secret"], each["fix"]) for each in warnings]
    expected = ("secret file is readable by others", "token", (fix or "").format(file=file))
    assert told == ([expected] if fix else [])
    assert "CANARY" not in done.err
