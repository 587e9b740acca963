import json
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.errors import KanadeRefused, KanadeUnavailable, Unauthorized
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection, connect
from reconciler.jetstream.options import NatsOptions
from reconciler.kanade.runner_nats import NatsRunner
from reconciler.model.attempt import Attempt
from reconciler.model.identity import ExecId, HostName, Json, RequestId
from tests.support.builders import NOON, attempt, release
from tests.support.clock import FakeClock
from tests.support.kanade_streams import make_kanade
from tests.support.nats import running
from tests.support.streams import connected

MANIFEST: dict[str, Json] = {"execute": {"shell": "sh", "script": "true", "timeout": "1s"}}
SUBJECT = "commands.pc.pc-01"


def intended(connection: Connection, host: str = "pc-01") -> tuple[NatsRunner, Attempt]:
    runner = NatsRunner(connection, FakeClock())
    return runner, runner.prepare(attempt(release(), host, sent=False), MANIFEST)


async def test_a_command_is_stored_in_its_hosts_slot_byte_for_byte(kanade: Connection) -> None:
    runner, intent = intended(kanade)
    sent = await runner.send(intent)
    slot = await api.last_message(kanade, "EXEC", SUBJECT)

    assert slot is not None
    assert slot.data.decode() == intent.payload == sent.payload
    assert json.loads(slot.data)["request_id"] == intent.wish_id
    assert sent == replace(
        intent,
        sent_at=NOON,
        slot_sequence=slot.sequence,
        request_id=RequestId(intent.wish_id),
        exec_id=ExecId(intent.wish_id),
    )


async def test_sending_again_sends_the_very_same_bytes(kanade: Connection) -> None:
    runner, intent = intended(kanade)
    heard: list[bytes] = []

    async def hear(message: object) -> None:
        heard.append(getattr(message, "data", b""))

    await kanade.subscribe(SUBJECT, hear)
    await runner.send(intent)
    await runner.send(await runner.send(intent))
    await kanade.rtt()

    assert heard == [intent.payload.encode()] * 3


@pytest.mark.parametrize("host", ["a b", "pc.*", ">", ""])
async def test_a_host_that_is_none_is_refused_before_anything_is_sent(
    kanade: Connection, host: str
) -> None:
    with pytest.raises(KanadeRefused, match="cannot be addressed"):
        intended(kanade, host)


async def test_a_command_too_large_for_the_server_is_refused(kanade: Connection) -> None:
    runner, intent = intended(kanade)
    with pytest.raises(KanadeRefused, match="a command of 2,000,000 bytes; at most 1,048,576"):
        await runner.send(replace(intent, payload="x" * 2_000_000))

    assert await api.last_message(kanade, "EXEC", SUBJECT) is None


async def test_what_the_stream_refuses_may_have_been_run_all_the_same(nats_account: str) -> None:
    heard: list[bytes] = []

    async def run(message: object) -> None:
        heard.append(getattr(message, "data", b""))

    async with connected(nats_account) as connection:
        config = {"name": "EXEC", "subjects": ["commands.>"], "max_msg_size": 10}
        assert await api.create_stream(connection, config) is None
        await connection.subscribe(SUBJECT, run)
        runner, intent = intended(connection)
        with pytest.raises(KanadeUnavailable, match="a live agent may have got it"):
            await runner.send(intent)

        assert heard == [intent.payload.encode()]


async def test_a_user_who_may_not_send_is_told_so(tmp_path: object) -> None:
    rules = (
        'authorization { users: [{user: viewer, password: "p", '
        'permissions: {publish: {deny: ["commands.>"]}}}] }'
    )
    with running(tmp_path / "nats", rules) as server:  # type: ignore[operator]
        options = NatsOptions(servers=(server.url,), user="viewer", password="p")
        async with await connect(options) as connection:
            await make_kanade(connection)
            runner, intent = intended(connection)
            with pytest.raises(
                Unauthorized, match=r"not permitted: publish to commands\.pc\.pc-01"
            ):
                await runner.send(intent)


async def test_only_our_own_command_is_withdrawn(kanade: Connection) -> None:
    runner, intent = intended(kanade)
    sent = await runner.send(intent)
    assert sent.slot_sequence is not None
    await runner.withdraw(HostName("pc-01"), sent.slot_sequence - 1)
    assert await api.last_message(kanade, "EXEC", SUBJECT) is not None

    await runner.withdraw(HostName("pc-01"), sent.slot_sequence)
    assert await api.last_message(kanade, "EXEC", SUBJECT) is None

    newer = await api.store(kanade, "EXEC", SUBJECT, b"somebody else's")
    await runner.withdraw(HostName("pc-01"), sent.slot_sequence)
    slot = await api.last_message(kanade, "EXEC", SUBJECT)
    assert slot is not None
    assert slot.sequence == newer


async def test_a_deadline_is_part_of_the_bytes(kanade: Connection) -> None:
    runner, intent = intended(kanade)
    later = replace(intent, deadline_at=intent.deadline_at + timedelta(hours=1))

    assert runner.prepare(later, MANIFEST).payload != intent.payload
    assert runner.prepare(intent, MANIFEST).payload == intent.payload
