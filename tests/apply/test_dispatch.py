"""A command runs once: its bytes are kept before they go out, whatever happens around that."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from reconciler.apply.dispatch import Dispatcher
from reconciler.apply.last_look import LastLook
from reconciler.apply.way import Way
from reconciler.errors import Conflict, KanadeRefused, KanadeUnavailable, LeaseLost
from reconciler.kanade.presence import SILENCE
from reconciler.model.attempt import Attempt, Purpose, Via
from reconciler.model.identity import ExecId, HostName, Json, RequestId
from reconciler.model.observed import Freeze, Suspension
from reconciler.ports import Leadership
from reconciler.state.lease import LENGTH
from tests.support import builders
from tests.support.builders import NOON
from tests.support.fake_agent_releases import FakeAgents
from tests.support.fake_agents import FakeAgent
from tests.support.fake_fleet import FakeFleet, FakeHttpRunner, FakeNatsRunner
from tests.support.fake_state import HeldState, hold_state
from tests.support.fake_stores import FakeCatalogue, FakeJobs, FakeObjects
from tests.support.fake_world import Crash, KeptJob, World

PC = HostName("pc-01")
ITEM = builders.release()
KEY = (ITEM.name, PC, Purpose.INSTALL)
MANIFEST: dict[str, Json] = {"version": "2.0.0", "execute": {"shell": "sh", "script": "true"}}


@dataclass(frozen=True, kw_only=True)
class Office:
    """A dispatcher that leads, and both ways out of it."""

    world: World
    lease: Leadership
    own: HeldState
    fleet: FakeFleet
    dispatcher: Dispatcher
    ways: dict[Via, Way]

    @property
    def kept(self) -> Attempt | None:
        """What the journal holds."""
        return self.world.own.attempts.get(KEY)

    @property
    def slot(self) -> bytes | None:
        """What was sent."""
        kept = self.world.slots.get(PC)
        return kept.payload if kept is not None else None


@pytest.fixture
async def office() -> Office:
    world = World()
    world.jobs[ITEM.job.id] = KeptJob(manifest=MANIFEST, yaml="", sequence=1)
    own = hold_state(world)
    lease, ledger = own.lease, own.ledger
    await lease.attempt()
    fleet = FakeFleet(world)
    FakeAgent(name=PC, world=world).go_online()
    world.weather.calls.clear()
    objects, jobs = FakeObjects(world, "scripts"), FakeJobs(world, FakeCatalogue(world))
    return Office(
        world=world,
        lease=lease,
        own=own,
        fleet=fleet,
        dispatcher=Dispatcher(
            journal=ledger,
            lease=lease,
            last_look=LastLook(fleet=fleet, records=own.records, clock=world.clock),
            clock=world.clock,
        ),
        ways={
            via: Way(
                packages=objects,
                scripts=objects,
                jobs=jobs,
                runner=runner,
                agents=FakeAgents(world),
            )
            for via, runner in (
                (Via.NATS, FakeNatsRunner(world)),
                (Via.HTTP, FakeHttpRunner(world)),
            )
        },
    )


def intent(via: Via = Via.NATS) -> Attempt:
    return replace(
        builders.attempt(ITEM, via=via, sent=False), payload="", request_id=None, exec_id=None
    )


async def test_the_intent_is_kept_then_sent_then_kept_as_sent(office: Office) -> None:
    await office.dispatcher.dispatch(intent(), MANIFEST, office.ways)

    assert office.world.weather.calls == ["journal.record", "runner.send", "journal.record"]
    kept = office.kept
    assert kept is not None
    assert kept.payload.encode() == office.slot
    assert (kept.sent_at, kept.slot_sequence) == (NOON, office.world.slots[PC].sequence)
    assert kept.request_id == RequestId(kept.wish_id)


async def test_a_crash_before_the_send_leaves_the_very_bytes_to_be_sent(office: Office) -> None:
    office.world.weather.spoil("runner.send", Crash())
    with pytest.raises(Crash):
        await office.dispatcher.dispatch(intent(), MANIFEST, office.ways)

    kept = office.kept
    assert kept is not None
    assert (office.slot, kept.sent_at) == (None, None)
    await office.dispatcher.resend(kept, 0, office.ways)
    assert office.slot == kept.payload.encode() != b""


async def test_a_crash_before_the_intent_is_kept_sends_nothing(office: Office) -> None:
    office.world.weather.spoil("journal.record", Crash())

    with pytest.raises(Crash):
        await office.dispatcher.dispatch(intent(), MANIFEST, office.ways)

    assert (office.kept, office.slot) == (None, None)


@pytest.mark.parametrize("after", [False, True])
async def test_a_send_without_an_answer_leaves_the_intent_and_no_word_of_a_send(
    office: Office, *, after: bool
) -> None:
    office.world.weather.spoil("runner.send", KanadeUnavailable("silent"), after=after)

    with pytest.raises(KanadeUnavailable):
        await office.dispatcher.dispatch(intent(), MANIFEST, office.ways)

    kept = office.kept
    assert kept is not None
    assert (kept.sent_at, kept.payload != "") == (None, True)
    assert (office.slot == kept.payload.encode()) is after


async def test_a_refused_manifest_leaves_nothing_behind(office: Office) -> None:
    with pytest.raises(KanadeRefused, match="makes no command"):
        await office.dispatcher.dispatch(intent(), {}, office.ways)

    assert office.world.weather.calls == []


async def test_sending_again_sends_the_same_bytes_and_says_when(office: Office) -> None:
    await office.dispatcher.dispatch(intent(), MANIFEST, office.ways)
    first, kept = office.slot, office.kept
    assert kept is not None
    office.world.clock.advance(LENGTH / 5)

    await office.dispatcher.resend(kept, office.world.slots[PC].sequence, office.ways)

    again = office.kept
    assert again is not None
    assert office.slot == first
    assert again == replace(
        kept, sent_at=office.world.clock.now(), slot_sequence=office.world.slots[PC].sequence
    )


async def test_who_lost_the_lease_after_the_intent_sends_nothing(office: Office) -> None:
    def take_over() -> None:
        office.world.own.is_taken_over()
        office.world.clock.advance(LENGTH)

    office.world.weather.spoil("journal.record", take_over, after=True)
    with pytest.raises(LeaseLost):
        await office.dispatcher.dispatch(intent(), MANIFEST, office.ways)

    assert office.slot is None


async def test_who_lost_the_lease_resends_nothing(office: Office) -> None:
    office.world.own.is_taken_over()
    office.world.clock.advance(LENGTH)

    with pytest.raises(LeaseLost):
        await office.dispatcher.resend(replace(intent(), payload="{}"), 0, office.ways)

    assert office.slot is None


async def test_a_lease_that_may_end_under_the_request_is_renewed_before_it(office: Office) -> None:
    office.world.clock.advance(LENGTH / 2)

    await office.dispatcher.dispatch(intent(), MANIFEST, office.ways)

    assert office.world.weather.calls == [
        "journal.record",
        "lease.renew",
        "runner.send",
        "journal.record",
    ]


async def test_an_attempt_goes_its_own_way_whatever_the_others_go(office: Office) -> None:
    await office.dispatcher.dispatch(intent(Via.HTTP), MANIFEST, office.ways)

    kept = office.kept
    assert kept is not None
    assert office.world.weather.calls == ["journal.record", "http.exec", "journal.record"]
    assert kept.exec_id not in (None, ExecId(kept.wish_id))
    assert kept.request_id is None


async def freeze(world: World) -> None:
    world.freeze = Freeze(frozen=True, reason="audit")


async def suspend(world: World) -> None:
    word = Suspension(release=ITEM.name, by="mika", reason="wait", since=NOON)
    await (await world.own.book()).suspend(word)


async def somebody_sends(world: World) -> None:
    theirs = {"request_id": "theirs", "exec_id": "theirs", "id": "cleanup", "version": "1"}
    world.put_command(PC, json.dumps(theirs).encode())


async def fall_silent(world: World) -> None:
    world.clock.advance(SILENCE)


@pytest.mark.parametrize("again", [False, True], ids=["sent", "sent again"])
@pytest.mark.parametrize("meanwhile", [freeze, suspend, somebody_sends, fall_silent])
async def test_what_has_changed_since_it_was_planned_is_not_sent_over(
    office: Office, meanwhile: Callable[[World], Awaitable[None]], *, again: bool
) -> None:
    """An upload of the same pass may have taken minutes."""
    await meanwhile(office.world)
    await office.own.records.refresh()
    await office.fleet.refresh()
    before = office.slot

    send = (
        office.dispatcher.resend(replace(intent(), payload="{}"), 0, office.ways)
        if again
        else office.dispatcher.dispatch(intent(), MANIFEST, office.ways)
    )
    with pytest.raises(Conflict, match="since it was planned: nothing was sent"):
        await send

    assert (office.slot, office.kept) == (before, None)


async def test_a_deadline_runs_from_the_send(office: Office) -> None:
    office.world.clock.advance(timedelta(seconds=30))
    planned = intent()

    await office.dispatcher.dispatch(planned, MANIFEST, office.ways)

    kept, now = office.kept, office.world.clock.now()
    assert kept is not None
    assert kept.intended_at == now
    assert kept.deadline_at - now == planned.deadline_at - planned.intended_at
