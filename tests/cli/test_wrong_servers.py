"""Servers that say no, or nothing at all: one line, exit code 4, and nothing begun."""

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

import pytest

from reconciler.jetstream import api
from tests.cli.conftest import Office, make_kanade_at
from tests.support.backend import Reply, answers, scripted
from tests.support.command_line import Done
from tests.support.nats import NatsProcess, running
from tests.support.streams import connected, subjects

COMMANDS = ["plan", "apply", "run", "get releases", "approve tool --yes", "check"]
_ACCOUNTS = """\
accounts {
  PLAIN: { users: [{user: plain, password: test}] }
  FLEET: { jetstream: enabled, users: [
    {user: fleet, password: test}
    {user: reader, password: test, permissions: {publish: {deny: ["$KV.>", "$O.>"]}}}
    {user: mute, password: test, permissions: {publish: {deny: ["$JS.>"]}}}
    {user: scripts, password: test, permissions: {publish: {deny: ["$O.app_packages.>"]}}}
    {user: deaf, password: test, permissions: {subscribe: ["_INBOX.>"]}}
  ] }
}
"""


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsProcess]:
    """A server with users who may not do everything; kanade is on it."""
    with running(tmp_path_factory.mktemp("strict"), _ACCOUNTS) as server:
        make_kanade_at(as_user(server.url, "fleet"))
        yield server


def as_user(url: str, user: str) -> str:
    return url.replace("nats://", f"nats://{user}:test@")


def settled(office: Office, server: NatsProcess, user: str) -> Office:
    moved = replace(office, nats_url=as_user(server.url, user))
    moved.settle()
    return moved


def line_of(done: Done, part: str = "nats") -> str:
    """Return the one line of a command that has failed with 4, however it was wrapped."""
    assert done.code == 4, done
    _, failed, after = done.out.partition(f"FAIL  {part:9} ")
    if failed:
        first, *more = after.splitlines()
        return " ".join(
            [first, *(line.strip() for line in takewhile(lambda line: line.startswith(" "), more))]
        )
    assert (done.out, done.err.count("\n")) == ("", 1)
    return done.err.removeprefix("error: ").strip()


@pytest.mark.parametrize("words", ["plan", "get releases"])
@pytest.mark.usefixtures("nobody_there")
def test_nats_is_not_there(office: Office, words: str) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        server = f"nats://127.0.0.1:{nobody.getsockname()[1]}"

        line = line_of(office.call("--set", f"nats.url={server}", *words.split()))

    assert line.startswith(f"NATS {server} cannot be reached (")
    assert "check the URL and that nats-server runs" in line


@pytest.mark.parametrize("words", COMMANDS)
def test_nats_does_not_take_the_password(office: Office, words: str) -> None:
    done = office.call(*words.split(), DESK_PASSWORD="canary")

    server = office.nats_url.rpartition("@")[2]
    assert line_of(done) == (
        f"NATS nats://{server} refused the credentials (Authorization Violation); "
        "check the token, or user and password"
    )


def test_nats_does_not_take_the_token(office: Office, tmp_path: Path) -> None:
    with running(tmp_path / "nats", 'authorization { token: "right" }') as server:
        moved = replace(office, nats_url=server.url)
        moved.settle()
        moved.config.write_text(
            moved.config.read_text().replace("[nats]", '[nats]\ntoken = { secret = "nats" }')
        )

        assert line_of(moved.call("plan", DESK_PASSWORD="wrong")) == (
            f"NATS {server.url} refused the credentials (Authorization Violation); "
            "check the token, or user and password"
        )
        assert line_of(moved.call("plan", DESK_PASSWORD="right")) == (
            f"object store app_packages on {server.url}: not found; is the kanade backend running?"
        )


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("plan", "object store app_packages on {server}"),
        ("apply", "object store app_packages on {server}"),
        ("run", "object store app_packages on {server}"),
        ("check", "JetStream on {server}"),
        ("get releases", "bucket reconciler_state"),
        ("approve tool --yes", "bucket reconciler_state"),
    ],
)
def test_nats_has_no_jetstream_for_us(
    office: Office, strict: NatsProcess, words: str, asked: str
) -> None:
    line = line_of(settled(office, strict, "plain").call(*words.split()), "jetstream")

    assert line == (
        f"{asked.format(server=strict.url)}: JetStream not enabled for account (10039); "
        "JetStream must be enabled on this server, for this account"
    )


@pytest.mark.parametrize(
    ("stream", "called"),
    [
        ("EXEC", "stream EXEC"),
        ("RESULTS", "stream RESULTS"),
        ("EVENTS", "stream EVENTS"),
        ("KV_jobs", "bucket jobs"),
        ("KV_script_current", "bucket script_current"),
        ("OBJ_app_packages", "object store app_packages"),
        ("OBJ_result_output", "object store result_output"),
    ],
)
def test_a_stream_of_kanade_is_missing(kanade: Office, stream: str, called: str) -> None:
    async def delete() -> None:
        async with connected(kanade.nats_url) as connection:
            await api.call(connection, f"STREAM.DELETE.{stream}", {}, dict[str, object], stream)

    asyncio.run(delete())

    server = kanade.nats_url.rpartition("@")[2]
    expected = f"{called} on nats://{server}: not found; is the kanade backend running?"
    assert line_of(kanade.call("check"), "kanade") == expected


@pytest.mark.parametrize(
    ("user", "words", "denied"),
    [
        ("reader", "apply", "publish to $KV.reconciler_state.lease.term"),
        ("mute", "plan", "publish to $JS.API.CONSUMER.CREATE.OBJ_app_packages."),
        ("mute", "check", "publish to $JS.API.STREAM.INFO.EXEC"),
        ("mute", "get releases", "publish to $JS.API.STREAM.INFO.KV_reconciler_state"),
    ],
)
def test_nats_does_not_let_us(
    office: Office, strict: NatsProcess, user: str, words: str, denied: str
) -> None:
    line = line_of(settled(office, strict, user).call(*words.split()), "kanade")

    assert line.startswith(f"NATS on {strict.url}: not permitted: {denied}")
    assert line.endswith("; give the reconciler's NATS user this permission")


@pytest.mark.parametrize(
    ("user", "missing"),
    [
        ("scripts", ["publish $O.app_packages.C.*", "publish $O.app_packages.M.>"]),
        ("deaf", ["subscribe heartbeat.>"]),
    ],
)
def test_a_check_names_every_missing_permission(
    office: Office, strict: NatsProcess, user: str, missing: list[str]
) -> None:
    done = settled(office, strict, user).call("check")

    assert done.code == 4
    first, *more = [f"not permitted: {what}" for what in missing]
    more.append("all that is needed: reconciler permissions controller")
    expected = "\n".join([f"FAIL  rights    {first}", *(" " * 16 + line for line in more)])
    assert f"{expected}\nok    kanade" in done.out


def test_what_may_not_be_published_is_not_there_by_half(
    office: Office, strict: NatsProcess
) -> None:
    done = settled(office, strict, "scripts").call("apply")

    assert done.code == 6
    assert "failed: publish-package/tool/1.0.0/" in done.err
    assert "not permitted: publish to $O.app_packages.C." in done.err
    assert asyncio.run(stored(as_user(strict.url, "fleet"))) == {}


async def stored(url: str) -> dict[str, int]:
    async with connected(url) as connection:
        return await subjects(connection, "OBJ_app_packages")


TOKEN_REFUSED = "backend refused the token (401); give it a valid one"
AWAY = "the backend does not answer: {asked}"


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (answers(401, "missing bearer token"), "{asked}: " + TOKEN_REFUSED),
        (
            answers(403, "forbidden"),
            "{asked}: forbidden (403); the token's account may not do this",
        ),
        (answers(500, "sorry\nTraceback: x"), f"{AWAY}: sorry Traceback: x (500)"),
        (answers(503, ""), f"{AWAY}: no reason given (503)"),
        (answers(429, "", Retry_After="abc"), f"{AWAY}: no reason given (429)"),
        (
            answers(301, "", Location="http://elsewhere/"),
            f"{AWAY}: redirected to http://elsewhere/ (301); give the backend's own URL",
        ),
        (
            answers(200, "<html>\x1b[2J</html>", "text/html"),
            f"{AWAY}: expected JSON, got text/html (<html>?[2J</html>); is this kanade's backend?",
        ),
        (
            answers(404, "<html>\x1b[2J</html>", "text/html"),
            f"{AWAY}: <html>?[2J</html> (404)",
        ),
    ],
)
async def test_a_backend_that_does_not_let_us(kanade: Office, reply: Reply, told: str) -> None:
    async with scripted(reply) as backend:
        words = ("--set", f"backend.url={backend.url}", "check")
        done = await asyncio.to_thread(kanade.call, *words)

    asked = f"backend {backend.url}: GET /api/freeze"
    assert line_of(done, "backend") == told.format(asked=asked)


@pytest.mark.parametrize("words", ["plan", "apply"])
async def test_a_token_that_the_backend_refuses_stops_everything(
    kanade: Office, words: str
) -> None:
    """It is a mistake of the settings, not a backend that is away: NATS is no way around it."""
    async with scripted(answers(401, "missing bearer token")) as backend:
        flags = ("--set", f"backend.url={backend.url}", words)
        done = await asyncio.to_thread(kanade.call, *flags)

    assert line_of(done) == f"backend {backend.url}: GET /api/freeze: {TOKEN_REFUSED}"
    assert await stored(kanade.nats_url) == {}
