"""The end of an agent's log: `ports.AgentLogs` as over NATS, for everybody who may ask."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from nats.aio.msg import Msg

from reconciler.errors import HostOffline, KanadeRefused, KanadeUnavailable
from reconciler.kanade.agent_logs import NatsAgentLogs
from reconciler.model.identity import HostName
from reconciler.ports import AgentLogs
from tests.contract_ports.conftest import Ground
from tests.support.fake_agents import FakeAgent
from tests.support.fake_fleet import FakeAgentLogs
from tests.support.streams import connected

PC, GHOST = HostName("pc-01.branch"), HostName("ghost")
SUBJECT = f"logs.fetch.{PC}"


@dataclass(frozen=True, kw_only=True)
class Site:
    """One host whose agent has written something."""

    logs: AgentLogs
    write: Callable[[str], Awaitable[None]]
    """Let its log consist of these lines, and its agent listen."""


@pytest.fixture
async def site(ground: Ground) -> Site:
    world, admin = ground.world, ground.admin
    if world is not None:
        agent = FakeAgent(name=PC, world=world)

        async def remember(text: str) -> None:
            agent.go_online()
            world.logs[PC] = text.splitlines()

        return Site(logs=FakeAgentLogs(world), write=remember)
    assert admin is not None

    async def answer_with(text: str) -> None:
        async def answer(message: Msg) -> None:
            count = json.loads(message.data)["tail_lines"]
            await message.respond("".join(text.splitlines(keepends=True)[-count:]).encode())

        await admin.subscribe(SUBJECT, answer)

    return Site(logs=NatsAgentLogs(await ground.connect()), write=answer_with)


async def test_the_last_lines_come(site: Site) -> None:
    await site.write("one\ntwo\nthree\n")

    assert await site.logs.tail(PC, 2) == "two\nthree\n"


async def test_a_host_without_an_agent_is_offline(site: Site) -> None:
    with pytest.raises(HostOffline, match="no agent answers for ghost"):
        await site.logs.tail(GHOST, 2)


@pytest.mark.parametrize("host", ["a b", "pc.*", ">", ""])
async def test_what_cannot_be_a_host_is_refused(site: Site, host: str) -> None:
    with pytest.raises(KanadeRefused, match="cannot be addressed"):
        await site.logs.tail(HostName(host), 2)


async def test_an_agent_that_says_nothing_is_not_waited_for_long(nats_account: str) -> None:
    async def nothing(_: Msg) -> None:
        return

    async with connected(nats_account) as connection:
        await connection.subscribe(SUBJECT, nothing)
        logs = NatsAgentLogs(connection, within=timedelta(seconds=0.2))

        with pytest.raises(KanadeUnavailable, match=r"pc-01\.branch did not answer within 0\.2 s"):
            await logs.tail(PC, 2)


async def test_an_agent_that_cannot_read_its_log_is_not_quoted_as_the_log(
    nats_account: str,
) -> None:
    async def trouble(message: Msg) -> None:
        await message.respond(b'logs.fetch: read "/var/log/agent.log": gone')

    async with connected(nats_account) as connection:
        await connection.subscribe(SUBJECT, trouble)

        with pytest.raises(KanadeRefused, match=r'cannot show its log: read "/var/log/agent\.log"'):
            await NatsAgentLogs(connection).tail(PC, 2)
