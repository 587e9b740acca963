"""Events on a NATS subject."""

import json
from collections.abc import AsyncIterator

import pytest
from nats.aio.msg import Msg

from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.notify.flux import flux_event
from reconciler.notify.subject import Subject
from tests.notify.happenings import CONVERGED
from tests.support.streams import connected, create_stream


@pytest.fixture
async def connection(nats_account: str) -> AsyncIterator[Connection]:
    async with connected(nats_account) as connection:
        yield connection


def to(connection: Connection) -> Subject:
    return Subject(connection=connection, subject="ops.fleet", instance="one")


async def test_who_listens_reads_fluxs_event(connection: Connection) -> None:
    heard: list[Msg] = []

    async def hear(message: Msg) -> None:
        heard.append(message)

    await connection.subscribe("ops.>", hear)

    await to(connection).send(CONVERGED)
    await connection.rtt()

    assert [json.loads(message.data) for message in heard] == [flux_event(CONVERGED, "one")]


async def test_a_stream_keeps_an_event_once(connection: Connection) -> None:
    await create_stream(connection, "OPS", "ops.>")

    await to(connection).send(CONVERGED)
    await to(connection).send(CONVERGED)

    info = await api.stream_info(connection, "OPS")
    assert info.state.messages == 1
