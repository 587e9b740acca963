"""The settings of the gateway: what it needs, where it may listen, and its key."""

from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.cli.checks.own import gateway
from reconciler.cli.checks.survey import Survey
from reconciler.cli.links import gateway_key_of, script_secrets_of
from reconciler.cli.roles import Role
from reconciler.cli.settings import (
    GatewaySettings,
    InvalidSettings,
    ServeTls,
    Settings,
    load_settings,
)
from reconciler.errors import SecretUnavailable, UsageError
from reconciler.model.desired import SecretRef
from reconciler.model.digest import Digest
from reconciler.model.download_token import DownloadGrant
from reconciler.model.identity import PackageName, ReleaseName, SecretName, Version

GATEWAY = """\
serve.listen = "127.0.0.1:8081"
serve.gateway.key.secret = "gateway"
secrets.gateway.env = "GATEWAY_KEY"
"""
GRANT = DownloadGrant(ReleaseName("tool"), PackageName("tool"), Version("1.0"), Digest.of(b"tool"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "r.toml"


def load(file: Path, text: str) -> Settings:
    file.write_text(text)
    return load_settings(file, (), {"HOME": "/"})


def refusal(file: Path, text: str) -> list[str]:
    with pytest.raises(InvalidSettings) as refused:
        load(file, text)
    return [line.replace(f"{file.parent}/", "") for line in str(refused.value).splitlines()]


def test_a_key_is_all_that_a_gateway_needs(file: Path) -> None:
    serve = load(file, GATEWAY).serve

    assert serve is not None
    assert (serve.tls, serve.behind_proxy) == (None, False)
    assert serve.gateway == GatewaySettings(
        key=SecretRef(SecretName("gateway")), epoch=timedelta(days=7), downloads=16
    )


def test_a_certificate_is_looked_for_beside_the_settings(file: Path) -> None:
    serve = load(file, GATEWAY + 'serve.tls = { cert = "c.pem", key = "/k.pem" }\n').serve

    assert serve is not None
    assert serve.tls == ServeTls(cert=file.parent / "c.pem", key=Path("/k.pem"))


@pytest.mark.parametrize("more", ['tls = { cert = "c", key = "k" }', "behind_proxy = true"])
def test_beyond_loopback_it_needs_tls_from_somebody(file: Path, more: str) -> None:
    text = GATEWAY.replace("127.0.0.1", "0.0.0.0") + 'serve.token.secret = "gateway"\n'

    assert refusal(file, text) == [
        (
            "r.toml:1:7: 0.0.0.0 can be reached from other machines: a non-loopback gateway needs "
            "serve.tls, or serve.behind_proxy = true where TLS ends before us"
        )
    ]
    assert load(file, text + f"serve.{more}\n").serve is not None


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('serve.listen = "127.0.0.1:8081"\n', "", "1:7: serve.gateway needs serve.listen"),
        (
            "secrets.gateway",
            "secrets.gateways",
            "2:19: secret gateway is not in [secrets]; did you mean gateways?",
        ),
        (
            "secrets.",
            'controller.dispatch_deadline = "6d1h"\nsecrets.',
            (
                "2:7: serve.gateway.epoch: a token must outlast its command: at least a day more "
                "than controller.dispatch_deadline, which is 6d1h"
            ),
        ),
    ],
)
def test_what_cannot_be_is_told_where_it_stands(file: Path, old: str, new: str, line: str) -> None:
    assert refusal(file, GATEWAY.replace(old, new)) == [f"r.toml:{line}"]


def test_tokens_are_made_with_the_key_of_the_settings(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load(file, GATEWAY)
    monkeypatch.setenv("GATEWAY_KEY", "k" * 32)
    token = script_secrets_of(settings).token(GRANT)
    key = gateway_key_of(settings)()

    assert key.epoch == timedelta(days=7)
    assert key.secret.reveal() == "k" * 32
    monkeypatch.setenv("GATEWAY_KEY", "l" * 32)
    assert script_secrets_of(settings).token(GRANT) != token


def test_a_short_key_is_refused_without_being_shown(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_KEY", "CANARY" + "k" * 25)

    with pytest.raises(SecretUnavailable) as refused:
        script_secrets_of(load(file, GATEWAY)).token(GRANT)

    assert str(refused.value) == (
        "secret gateway: a gateway's key has at least 32 characters; "
        "make one by: openssl rand -hex 32"
    )


def surveyed(file: Path, text: str) -> Survey:
    return Survey(settings=load(file, text), role=Role.CONTROLLER)


async def test_a_check_reads_key_and_certificate(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SecretUnavailable, match="GATEWAY_KEY is not set"):
        await gateway(surveyed(file, GATEWAY))
    monkeypatch.setenv("GATEWAY_KEY", "k" * 32)
    assert await gateway(surveyed(file, GATEWAY)) == (
        "it listens on 127.0.0.1:8081; its tokens change every 7d"
    )
    with pytest.raises(UsageError, match="No such file"):
        await gateway(surveyed(file, GATEWAY + 'serve.tls = { cert = "c", key = "k" }\n'))


def test_without_a_gateway_there_is_no_token(file: Path) -> None:
    with pytest.raises(SecretUnavailable, match=r"serve\.gateway is not in the settings; set it"):
        script_secrets_of(load(file, "")).token(GRANT)
