"""`logs`: what an agent has written down, fit to be seen, and what to do where there is nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from nats.aio.msg import Msg

from tests.cli.conftest import Office
from tests.cli.published import publish
from tests.cli.test_printed import ESCAPE, file_of, printed
from tests.support.command_line import Done
from tests.support.golden import assert_same
from tests.support.processes import read_json
from tests.support.streams import connected

HOST = "backend-01"
LOG = """\
2026-11-23T12:00:01.000000001Z  INFO command received request_id=7 job=install-kanade-backend
2026-11-23T12:00:02.000000001Z  INFO script: \x1b[31mdépannage\x1b[0m\tAuthorization: Bearer abc
2026-11-23T12:00:03.000000001Z ERROR script: curl https://me:hunter2@mirror.example/x with viewer-7

2026-11-23T12:00:04.000000001Z  INFO result published request_id=7 exit_code=1
"""


@asynccontextmanager
async def writing(office: Office, log: bytes | bytearray) -> AsyncIterator[list[int]]:
    """Let an agent answer with what *log* holds by then; yields how many lines it is asked for."""
    asked: list[int] = []

    async def answer(message: Msg) -> None:
        asked.append(json.loads(message.data)["tail_lines"])
        await message.respond(bytes(log))

    async with connected(office.nats_url) as connection:
        await connection.subscribe(f"logs.fetch.{HOST}", answer)
        yield asked


async def call(office: Office, *words: str) -> Done:
    return await asyncio.to_thread(office.call, *words)


@pytest.mark.parametrize("columns", [80, 120])
async def test_a_log_is_shown_line_by_line_without_secrets(office: Office, columns: int) -> None:
    async with writing(office, LOG.encode()) as asked:
        text = await asyncio.to_thread(printed, office, f"logs {HOST}", columns)

    assert ESCAPE not in text
    assert asked == [200]
    assert_same(text, file_of(f"logs {HOST}", f"-{columns}"))


@pytest.mark.parametrize("kind", ["json", "yaml"])
async def test_a_log_as_data(office: Office, kind: str) -> None:
    async with writing(office, LOG.encode()):
        text = await asyncio.to_thread(printed, office, f"logs {HOST} -o {kind}", 80)

    assert_same(text, file_of(f"logs {HOST}", f"-{kind}"))


async def test_a_log_as_data_is_masked_as_well(office: Office) -> None:
    async with writing(office, LOG.encode()) as asked:
        done = await call(office, "logs", HOST, "-n", "9", "-o", "json")

    lines = json.loads(done.out)["lines"]
    assert (len(lines), asked) == (5, [9])
    for secret in ("hunter2", "viewer-7", "abc"):
        assert secret not in done.out


async def test_what_is_new_is_watched(office: Office) -> None:
    log = bytearray(b"one\ntwo\n")
    async with writing(office, log):
        with office.started("logs", HOST, "--watch") as process:
            assert process.stdout is not None
            begun = [await asyncio.to_thread(process.stdout.readline) for _ in range(2)]
            log += b"three viewer-7\n"

            more = await asyncio.to_thread(process.stdout.readline)

    assert [*begun, more] == [b"one\n", b"two\n", b"three ***\n"]


async def test_what_is_new_is_watched_as_data(office: Office) -> None:
    log = bytearray(b"one\ntwo\n")
    async with writing(office, log):
        with office.started("logs", HOST, "--watch", "-o", "json") as process:
            begun = await asyncio.to_thread(read_json, process)
            log += b"three viewer-7\n"

            more = await asyncio.to_thread(read_json, process)

    assert isinstance(begun, dict)
    assert isinstance(more, dict)
    assert (begun["lines"], more["lines"]) == (["one", "two"], ["three ***"])


async def test_an_empty_log_is_nothing_and_no_error(office: Office) -> None:
    async with writing(office, b""):
        assert await call(office, "logs", HOST) == Done(0, "", "")


async def test_an_agent_that_cannot_read_its_log_is_an_error(office: Office) -> None:
    async with writing(office, b'logs.fetch: read "agent.log": gone'):
        done = await call(office, "logs", HOST)

    assert (done.code, done.out) == (4, "")
    assert done.err == (f'error: the agent of {HOST} cannot show its log: read "agent.log": gone\n')


def test_a_host_that_is_known_and_does_not_answer_is_offline(kanade: Office) -> None:
    publish(kanade)

    done = kanade.call("logs", HOST)

    assert (done.code, done.out) == (4, "")
    assert done.err == (
        f"error: no agent answers for {HOST}: it is off, or cut off; "
        f"what is known of it: reconciler why {HOST}; it may pass: try again\n"
    )


def test_a_host_that_nobody_knows_is_a_wrong_word(kanade: Office) -> None:
    publish(kanade)

    done = kanade.call("logs", "Backend-01")

    assert (done.code, done.out) == (2, "")
    hint = "did you mean backend-01? upper and lower case count"
    assert done.err == f"error: no host Backend-01 is known; {hint}\n"


def test_before_a_controller_has_run_nobody_can_tell(office: Office) -> None:
    done = office.call("logs", "Backend-01")

    assert (done.code, done.out) == (4, "")
    assert done.err.startswith("error: no agent answers for Backend-01, and no controller has run")


@pytest.mark.parametrize("host", ["a b", "pc.*"])
def test_what_can_be_no_host_is_asked_nothing(office: Office, host: str) -> None:
    done = office.call("logs", host)

    assert (done.code, done.out) == (2, "")
    assert f"error: {host} is no host; expected a kanade pc id: " in done.err
