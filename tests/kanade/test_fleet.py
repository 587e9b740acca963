import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta

import pytest

from reconciler.errors import KanadeRefused
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.kv import Bucket
from reconciler.kanade import fleet as fleet_module
from reconciler.kanade.fleet import NatsFleet
from reconciler.model.identity import ExecId, GroupName, HostName, Json
from reconciler.model.observed import UNSEEN, Presence
from tests.support.builders import NOON
from tests.support.clock import FakeClock
from tests.support.kanade_streams import make_kanade
from tests.support.nats import NatsProcess
from tests.support.streams import connected

PC = HostName("pc-01")


class Watched:
    """A fleet, its clock, and the bell that it rings."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.clock = FakeClock()
        self.rung = asyncio.Event()
        self.fleet = NatsFleet(connection, self.clock, self.rung.set)

    def presence(self, host: HostName = PC) -> Presence:
        return self.fleet.hosts().get(host, UNSEEN).presence

    async def beat(
        self, host: str = PC, *, subject: str | None = None, said: Mapping[str, object] = {}
    ) -> None:
        heartbeat = {"pc_id": host, "agent_version": "0.101.0", "os_family": "linux", **said}
        data = json.dumps(heartbeat).encode()
        await self.connection.publish(subject or f"heartbeat.{host}", data)
        await self.connection.rtt()


@pytest.fixture
async def watched(kanade: Connection) -> AsyncIterator[Watched]:
    watched = Watched(kanade)
    await watched.fleet.start()
    yield watched
    await watched.fleet.stop()


async def test_a_heartbeat_shows_the_host_and_wakes(watched: Watched) -> None:
    assert dict(watched.fleet.hosts()) == {}
    watched.rung.clear()
    await watched.beat("a.example.com")
    async with asyncio.timeout(60):
        await watched.rung.wait()
    state = watched.fleet.hosts()[HostName("a.example.com")]

    assert state.presence is Presence.ONLINE
    assert (state.agent_version, state.os_family, state.last_seen) == ("0.101.0", "linux", NOON)


async def test_two_agents_that_beat_under_one_name_are_noticed(watched: Watched) -> None:
    for number in range(10):
        await watched.beat(said={"hostname": ("PC-01", "CLONE")[number % 2]})

    state = watched.fleet.hosts()[PC]
    assert (state.doubled, state.hostname) == (("CLONE", "PC-01"), "CLONE")


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("heartbeat.pc-02", {}),
        ("heartbeat.pc-01", {"pc_id": "pc-02"}),
        ("heartbeat.pc-01", {"agent_version": 7}),
    ],
)
async def test_a_heartbeat_in_anothers_name_or_of_no_sense_is_nobodys(
    watched: Watched, subject: str, said: dict[str, object]
) -> None:
    await watched.beat(subject=subject, said=said)

    assert dict(watched.fleet.hosts()) == {}


async def test_a_ping_finds_who_is_there_and_who_is_not(
    watched: Watched, captured: Callable[[str], Json], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_module, "_ANSWER_WITHIN", timedelta(minutes=1))
    reply = captured("nats/ping-reply.json")

    async def answer(message: object) -> None:
        await message.respond(json.dumps(reply).encode())  # type: ignore[attr-defined]

    await watched.connection.subscribe("agents.backend-01.ping", answer)
    there, gone = HostName("backend-01"), HostName("ghost-01")
    await watched.fleet.ping(frozenset({there, gone}))

    assert watched.presence(there) is Presence.ONLINE
    assert watched.presence(gone) is Presence.OFFLINE


async def test_an_agent_that_does_not_answer_in_time_stays_unknown(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_module, "_ANSWER_WITHIN", timedelta(seconds=0.2))

    async def stay_silent(_: object) -> None:
        return

    await watched.connection.subscribe("agents.pc-01.ping", stay_silent)
    await watched.fleet.ping(frozenset({PC}))

    assert watched.presence() is Presence.UNKNOWN


async def test_nobody_is_pinged_when_nobody_is_named(watched: Watched) -> None:
    await watched.fleet.ping(frozenset())
    with pytest.raises(KanadeRefused, match="cannot be addressed"):
        await watched.fleet.ping(frozenset({HostName("a b")}))

    assert dict(watched.fleet.hosts()) == {}


async def test_groups_are_the_union_of_both_kinds(watched: Watched) -> None:
    await Bucket(watched.connection, "agent_groups").put(PC, b'{"groups":["canary","hq"]}')
    await Bucket(watched.connection, "agent_groups_derived").put(PC, b'{"groups":["linux"]}')
    await Bucket(watched.connection, "agent_groups").put("pc-02", b"garbage")
    await watched.fleet.refresh()
    hosts = watched.fleet.hosts()

    assert hosts[PC].groups == {GroupName("canary"), GroupName("hq"), GroupName("linux")}
    assert hosts[PC].presence is Presence.UNKNOWN
    assert hosts[HostName("pc-02")].groups == frozenset()


async def test_a_slot_shows_the_command_that_is_in_it(
    watched: Watched, captured: Callable[[str], Json]
) -> None:
    recorded = captured("nats/command-from-backend.json")
    assert isinstance(recorded, dict)
    data = json.dumps(recorded["data"]).encode()
    await api.store(watched.connection, "EXEC", "commands.pc.pc-01", b"older")
    sequence = await api.store(watched.connection, "EXEC", "commands.pc.pc-01", data)
    await watched.fleet.refresh()
    slot = watched.fleet.slots()[PC]

    assert (slot.sequence, slot.job, slot.version) == (
        sequence,
        "install-kanade-backend",
        "0.101.0",
    )
    assert slot.request_id == "e1fce2dd-c1d6-401b-8ab7-246738e4162f"
    assert slot.exec_id == "b01becb4-8841-4151-b39e-592f2eec0ca6"
    assert slot.script_sha256 is not None


async def test_a_command_that_cannot_be_read_still_fills_its_slot(watched: Watched) -> None:
    sequence = await api.store(watched.connection, "EXEC", "commands.pc.pc-01", b"\xff")
    await api.store(watched.connection, "EXEC", "commands.all", b"{}")
    await watched.fleet.refresh()
    slots = watched.fleet.slots()

    assert set(slots) == {PC}
    assert (slots[PC].sequence, slots[PC].job, slots[PC].request_id) == (sequence, None, None)


async def test_a_freeze_shows_and_one_that_cannot_be_read_counts(watched: Watched) -> None:
    assert not watched.fleet.freeze().frozen
    settings = Bucket(watched.connection, "fleet_config")
    await settings.put("support_codes", b"whatever")
    for value, frozen in (
        (b"{}", True),
        (b'{"until":"2020-01-01T00:00:00Z"}', False),
        (b"x", True),
    ):
        await settings.put("freeze", value)
        await watched.fleet.refresh()
        assert watched.fleet.freeze().frozen is frozen

    await settings.delete("freeze")
    await watched.fleet.refresh()
    assert not watched.fleet.freeze().frozen


async def test_buckets_of_later_versions_may_be_missing_and_may_come(nats_account: str) -> None:
    async with connected(nats_account) as connection:
        config = {"name": "EXEC", "subjects": ["commands.>"], "max_msgs_per_subject": 1}
        assert await api.create_stream(connection, config) is None
        watched = Watched(connection)
        await watched.fleet.start()
        assert not watched.fleet.freeze().frozen

        settings = Bucket(connection, "fleet_config")
        await settings.create()
        await settings.put("freeze", b"{}")
        await watched.fleet.refresh()
        assert watched.fleet.freeze().frozen
        await watched.fleet.stop()


async def test_without_the_exec_stream_there_is_no_fleet(nats_account: str) -> None:
    async with connected(nats_account) as connection:
        with pytest.raises(KanadeRefused, match=r"stream EXEC on .*not found"):
            await NatsFleet(connection, FakeClock()).start()


async def test_agents_are_asked_to_kill_a_run(watched: Watched) -> None:
    heard: list[str] = []

    async def hear(message: object) -> None:
        heard.append(getattr(message, "subject", ""))

    await watched.connection.subscribe("kill.>", hear)
    await watched.fleet.kill(ExecId("exec-7"))
    await watched.connection.rtt()

    assert heard == ["kill.exec-7"]


async def test_after_an_outage_silence_tells_nothing_at_first(own_server: NatsProcess) -> None:
    async with connected(own_server.url) as connection:
        await make_kanade(connection)
        watched = Watched(connection)
        await watched.fleet.start()
        await watched.beat()
        own_server.kill()
        watched.clock.advance(timedelta(minutes=10))
        own_server.start()
        await watched.fleet.refresh()
        assert watched.presence() is Presence.UNKNOWN

        await watched.beat()
        assert watched.presence() is Presence.ONLINE
        await watched.fleet.stop()
