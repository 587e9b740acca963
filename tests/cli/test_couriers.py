"""From the settings' tables to couriers that really get there."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from reconciler.cli.couriers import couriers_of
from reconciler.cli.settings import load_settings
from reconciler.errors import SecretUnavailable
from reconciler.jetstream.connection import Connection
from reconciler.notify.courier import Courier
from reconciler.notify.mail import Mail
from reconciler.notify.subject import Subject
from tests.notify.far_end import FarEnd, Reply, far_end
from tests.notify.happenings import APPLIED, CONVERGED
from tests.support.builders import REVISION
from tests.support.clock import FakeClock
from tests.support.streams import connected

SECRET = "CANARY-secret"


@pytest.fixture
async def end() -> AsyncIterator[FarEnd]:
    async with far_end() as served:
        served.otherwise = Reply(body=[])
        yield served


@pytest.fixture
async def connection(nats_account: str) -> AsyncIterator[Connection]:
    async with connected(nats_account) as connection:
        yield connection


def courier(folder: Path, connection: Connection, table: str) -> Courier:
    """Return the courier of one table of the settings."""
    file, secret = folder / "r.toml", folder / "secret"
    secret.write_text(SECRET)
    file.write_text(
        f'[[notify]]\nname = "ops"\n{table}\n[controller]\ninstance = "one"\n'
        "allow_http_loopback = true\n"
        '[serve]\nlisten = "127.0.0.1:0"\npublic_url = "https://fleet.example.com/"\n'
        f'[secrets]\ns = {{ file = "{secret}" }}\n'
    )
    settings = load_settings(file, (), {"HOME": str(folder)})
    (made,) = couriers_of(settings, connection, lambda: True, FakeClock(), lambda *_: None)
    return made


@pytest.mark.parametrize(
    ("table", "path", "header"),
    [
        ('provider = "webhook"\nurl = "{end}/hook"', "/hook", "Gotk-Component"),
        ('provider = "webhook"\nurl = "{end}/hook"\nsecret.secret = "s"', "/hook", "X-Signature"),
        ('provider = "slack"\nurl = "{end}/chat"', "/chat", "Content-Type"),
        ('provider = "teams"\nurl = "{end}/chat"', "/chat", "Content-Type"),
        (
            'provider = "github-status"\nurl = "{end}/o/r"\nsecret.secret = "s"',
            f"/api/v3/repos/o/r/statuses/{REVISION}",
            "Authorization",
        ),
        (
            'provider = "gitlab-status"\nurl = "{end}/o/r"\nsecret.secret = "s"',
            f"/api/v4/projects/o%2Fr/statuses/{REVISION}",
            "PRIVATE-TOKEN",
        ),
    ],
)
async def test_a_table_leads_there(
    tmp_path: Path, connection: Connection, end: FarEnd, table: str, path: str, header: str
) -> None:
    made = courier(tmp_path, connection, table.format(end=end.address))

    await made.target.provider.send(CONVERGED)

    assert end.requests[-1].path == path
    assert header in end.requests[-1].headers
    assert b'"https://fleet.example.com/releases/tool"' in end.requests[-1].body
    assert made.target.every_condition == ("-status" in table)
    assert SECRET not in repr(made)


@pytest.mark.parametrize(
    ("provider", "path"),
    [
        ("github-comment", f"/api/v3/repos/o/r/commits/{REVISION}/pulls"),
        ("gitlab-comment", f"/api/v4/projects/o%2Fr/repository/commits/{REVISION}/merge_requests"),
    ],
)
async def test_a_comment_begins_with_where_the_commit_came_from(
    tmp_path: Path, connection: Connection, end: FarEnd, provider: str, path: str
) -> None:
    table = f'provider = "{provider}"\nurl = "{end.address}/o/r"\nsecret.secret = "s"'

    await courier(tmp_path, connection, table).target.provider.send(APPLIED)

    assert [request.path for request in end.requests] == [path]


async def test_an_address_may_be_a_secret_that_is_read_when_it_is_needed(
    tmp_path: Path, connection: Connection, end: FarEnd
) -> None:
    made = courier(tmp_path, connection, 'provider = "slack"\naddress.secret = "s"')
    (tmp_path / "secret").write_text(f"{end.address}/rotated\n")

    await made.target.provider.send(CONVERGED)

    assert [request.path for request in end.requests] == ["/rotated"]
    (tmp_path / "secret").unlink()
    with pytest.raises(SecretUnavailable):
        await made.target.provider.send(CONVERGED)


@pytest.mark.parametrize(
    ("url", "port", "tls"),
    [("smtps://m.example", 465, True), ("smtp://m.example", 587, False),
     ("smtp://m.example:25", 25, False)],
)  # fmt: skip
async def test_a_mail_servers_port_follows_from_how_it_is_spoken_to(
    tmp_path: Path, connection: Connection, url: str, port: int, *, tls: bool
) -> None:
    table = f'provider = "email"\nurl = "{url}"\nfrom = "a@b.example"\nto = ["c@d.example"]'

    provider = courier(tmp_path, connection, table).target.provider

    assert isinstance(provider, Mail)
    server = provider.server
    assert (server.host, server.port, server.tls) == ("m.example", port, tls)
    assert server.password is None


async def test_a_subject_is_of_the_controllers_own_nats(
    tmp_path: Path, connection: Connection
) -> None:
    provider = courier(
        tmp_path, connection, 'provider = "nats"\nsubject = "flux.events"'
    ).target.provider

    assert isinstance(provider, Subject)
    assert provider.connection is connection
    assert provider.subject == "flux.events"
