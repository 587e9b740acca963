"""Hosts, their slots and a way to send: `ports.Fleet` and `ports.Runner` as over NATS."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from reconciler.errors import KanadeRefused
from reconciler.jetstream.kv import Bucket
from reconciler.kanade.fleet import NatsFleet
from reconciler.kanade.runner_nats import NatsRunner
from reconciler.model.attempt import Attempt
from reconciler.model.digest import Digest
from reconciler.model.identity import ExecId, GroupName, HostName, Json, ObjectRef, RequestId
from reconciler.model.observed import UNSEEN, Freeze, Presence
from reconciler.ports import Fleet, Runner
from tests.contract_ports.conftest import Ground
from tests.support import builders
from tests.support.builders import NOON
from tests.support.clock import FakeClock
from tests.support.fake_agents import FakeAgent
from tests.support.fake_fleet import FakeFleet, FakeNatsRunner
from tests.support.nats import eventually

PC, GHOST = HostName("pc-01"), HostName("ghost")
MANIFEST: dict[str, Json] = {"execute": {"shell": "sh", "timeout": "300s"}}
SILENCE = timedelta(seconds=61)


@dataclass(frozen=True, kw_only=True)
class Site:
    """A fleet of one host that can be made to beat and to answer."""

    fleet: Fleet
    runner: Runner
    clock: FakeClock
    beat: Callable[[], Awaitable[None]]
    listen: Callable[[], Awaitable[None]]
    """Let the host answer pings."""
    settle: Callable[[GroupName, Freeze], Awaitable[None]]
    """Put the host into a group, and freeze kanade."""

    def presence(self, host: HostName = PC) -> Presence:
        found = self.fleet.hosts().get(host, UNSEEN).presence
        assert self.fleet.presence(host) is found
        return found


@pytest.fixture
async def site(ground: Ground) -> Site:
    return _on_a_world(ground) if ground.world is not None else await _on_nats(ground)


def _on_a_world(ground: Ground) -> Site:
    world = ground.world
    assert world is not None
    agent = FakeAgent(name=PC, world=world)

    async def beat() -> None:
        agent.beat()

    async def listen() -> None:
        agent.go_online()

    async def settle(group: GroupName, freeze: Freeze) -> None:
        world.groups[PC], world.freeze = frozenset({group}), freeze

    return Site(
        fleet=FakeFleet(world),
        runner=FakeNatsRunner(world),
        clock=world.clock,
        beat=beat,
        listen=listen,
        settle=settle,
    )


async def _on_nats(ground: Ground) -> Site:
    connection, clock, admin = await ground.connect(), FakeClock(), ground.admin
    assert admin is not None
    heartbeat = b'{"pc_id": "pc-01", "agent_version": "0.101.0", "os_family": "linux"}'
    fleet = NatsFleet(connection, clock)
    await fleet.start()
    ground.stack.push_async_callback(fleet.stop)

    async def beat() -> None:
        await admin.publish("heartbeat.pc-01", heartbeat)
        await eventually(lambda: fleet.hosts().get(PC, UNSEEN).presence is Presence.ONLINE)

    async def listen() -> None:
        async def answer(message: object) -> None:
            await message.respond(heartbeat)  # type: ignore[attr-defined]  # nats-py's Msg

        await admin.subscribe("agents.pc-01.ping", answer)

    async def settle(group: GroupName, freeze: Freeze) -> None:
        groups = json.dumps({"groups": [group]}).encode()
        await Bucket(admin, "agent_groups").put(PC, groups)
        words = json.dumps({"reason": freeze.reason}).encode()
        await Bucket(admin, "fleet_config").put("freeze", words)

    return Site(
        fleet=fleet,
        runner=NatsRunner(connection, clock),
        clock=clock,
        beat=beat,
        listen=listen,
        settle=settle,
    )


def intent(host: str = "pc-01", cause: str = "fact-1") -> Attempt:
    return replace(
        builders.attempt(builders.release(), host, cause=cause, sent=False),
        payload="",
        request_id=None,
        exec_id=None,
        script=ObjectRef("deploy-tool", "2.0.0"),
        script_sha256=Digest.of(b"script").hex,
    )


async def test_a_prepared_command_is_sent_to_nobody_and_is_always_the_same(site: Site) -> None:
    first = site.runner.prepare(intent(), MANIFEST)

    assert first == site.runner.prepare(intent(), MANIFEST)
    assert first == replace(intent(), payload=first.payload)
    assert json.loads(first.payload)["request_id"] == intent().wish_id
    await site.fleet.refresh()
    assert dict(site.fleet.slots()) == {}


async def test_a_sent_command_lies_in_its_hosts_slot(site: Site) -> None:
    prepared = site.runner.prepare(intent(), MANIFEST)
    sent = await site.runner.send(prepared)
    await site.fleet.refresh()

    slot = site.fleet.slots()[PC]
    assert sent == replace(
        prepared,
        sent_at=NOON,
        slot_sequence=slot.sequence,
        request_id=RequestId(prepared.wish_id),
        exec_id=ExecId(prepared.wish_id),
    )
    assert (slot.request_id, slot.exec_id) == (sent.request_id, sent.exec_id)
    assert (slot.job, slot.version) == (prepared.job, prepared.version)
    assert slot.script_sha256 == Digest.of(b"script").hex


async def test_a_slot_holds_the_last_command_and_each_host_has_its_own(site: Site) -> None:
    first = await site.runner.send(site.runner.prepare(intent(), MANIFEST))
    other = await site.runner.send(site.runner.prepare(intent("pc-02"), MANIFEST))
    second = await site.runner.send(site.runner.prepare(intent(cause="fact-2"), MANIFEST))
    await site.fleet.refresh()

    slots = site.fleet.slots()
    assert {host: slot.request_id for host, slot in slots.items()} == {
        PC: second.request_id,
        HostName("pc-02"): other.request_id,
    }
    assert first.slot_sequence is not None
    assert slots[PC].sequence > first.slot_sequence
    assert site.fleet.slot_sequence(PC) == slots[PC].sequence
    assert site.fleet.slot_sequence(GHOST) == 0


async def test_sending_again_puts_the_same_request_at_a_later_place(site: Site) -> None:
    first = await site.runner.send(site.runner.prepare(intent(), MANIFEST))
    again = await site.runner.send(first)
    await site.fleet.refresh()

    assert again.payload == first.payload
    assert again.slot_sequence == site.fleet.slots()[PC].sequence != first.slot_sequence
    assert site.fleet.slots()[PC].request_id == first.request_id


@pytest.mark.parametrize("host", ["a b", "pc.*", ">", ""])
async def test_a_host_that_cannot_be_addressed_is_refused(site: Site, host: str) -> None:
    with pytest.raises(KanadeRefused, match="cannot be addressed"):
        site.runner.prepare(intent(host), MANIFEST)


async def test_a_manifest_that_makes_no_command_is_refused(site: Site) -> None:
    with pytest.raises(KanadeRefused, match=r"job install-tool 2\.0\.0 makes no command"):
        site.runner.prepare(intent(), {"execute": {"timeout": "1s"}})


async def test_a_host_is_unknown_then_there_and_after_long_silence_away(site: Site) -> None:
    assert site.presence() is Presence.UNKNOWN
    await site.beat()
    assert site.presence() is Presence.ONLINE
    state = site.fleet.hosts()[PC]
    assert (state.agent_version, state.os_family, state.last_seen) == ("0.101.0", "linux", NOON)

    site.clock.advance(SILENCE)
    assert site.presence() is Presence.OFFLINE
    await site.beat()
    assert site.presence() is Presence.ONLINE


async def test_a_ping_tells_who_is_there_and_who_is_not(site: Site) -> None:
    await site.listen()
    await site.fleet.ping(frozenset({PC, GHOST}))

    assert (site.presence(PC), site.presence(GHOST)) == (Presence.ONLINE, Presence.OFFLINE)


async def test_groups_and_the_freeze_show_after_a_refresh(site: Site) -> None:
    assert not site.fleet.freeze().frozen
    await site.settle(GroupName("canary"), Freeze(frozen=True, reason="audit"))
    await site.fleet.refresh()

    assert site.fleet.hosts()[PC].groups == {"canary"}
    assert site.fleet.freeze() == Freeze(frozen=True, reason="audit")
