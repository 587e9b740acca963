"""A command runs once: its bytes are kept before they go out, whatever happens around that."""

from dataclasses import dataclass, replace

import pytest

from reconciler.apply.dispatch import Dispatcher
from reconciler.apply.perform import Way
from reconciler.errors import KanadeRefused, KanadeUnavailable, LeaseLost
from reconciler.model.attempt import Attempt, Purpose, Via
from reconciler.model.identity import ExecId, HostName, Json, RequestId
from reconciler.state.lease import LENGTH
from tests.support import builders
from tests.support.builders import NOON
from tests.support.fake_fleet import FakeHttpRunner, FakeNatsRunner
from tests.support.fake_state import FakeLeadership, FakeLedger
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
    lease: FakeLeadership
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
    lease = FakeLeadership(world, "one")
    await lease.attempt()
    ledger = FakeLedger(world, lease)
    world.weather.calls.clear()
    objects, jobs = FakeObjects(world, "scripts"), FakeJobs(world, FakeCatalogue(world))
    return Office(
        world=world,
        lease=lease,
        dispatcher=Dispatcher(journal=ledger, lease=lease, clock=world.clock),
        ways={
            via: Way(packages=objects, scripts=objects, jobs=jobs, runner=runner)
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
    await office.dispatcher.resend(kept, office.ways)
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

    await office.dispatcher.resend(kept, office.ways)

    again = office.kept
    assert again is not None
    assert office.slot == first
    assert again == replace(
        kept, sent_at=office.world.clock.now(), slot_sequence=office.world.slots[PC].sequence
    )


async def test_who_lost_the_lease_after_the_intent_sends_nothing(office: Office) -> None:
    def take_over() -> None:
        office.world.own.term, office.world.own.holder = office.world.next_sequence(), "two"
        office.world.clock.advance(LENGTH)

    office.world.weather.spoil("journal.record", take_over, after=True)
    with pytest.raises(LeaseLost):
        await office.dispatcher.dispatch(intent(), MANIFEST, office.ways)

    assert office.slot is None


async def test_who_lost_the_lease_resends_nothing(office: Office) -> None:
    office.world.own.term = office.world.next_sequence()
    office.world.clock.advance(LENGTH)

    with pytest.raises(LeaseLost):
        await office.dispatcher.resend(replace(intent(), payload="{}"), office.ways)

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
