"""Leadership and what it fences: `ports.Leadership`, `Journal`, `Inventory` and `Records`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from reconciler.cli.own_state import OwnState, open_own_state
from reconciler.errors import LeaseLost
from reconciler.jetstream import api
from reconciler.model.attempt import Purpose
from reconciler.model.failure import FailureClass
from reconciler.model.host_log import HostLog
from reconciler.model.identity import HostName, JobId, ObjectRef, RequestId, ResultId
from reconciler.model.observed import Owned
from reconciler.model.proof import Proof
from reconciler.model.report import RunStarted
from reconciler.model.status import ControllerStatus, Event, Status
from reconciler.ports import Archive, Inventory, Journal, Leadership, Records, StatusBoard
from reconciler.state.lease import LENGTH
from reconciler.state.names import EVENTS_STREAM
from tests.contract_ports.conftest import Ground
from tests.support import builders
from tests.support.builders import NOON, REVISION
from tests.support.clock import FakeClock
from tests.support.fake_state import HeldState, hold_state

LONG = LENGTH + timedelta(seconds=1)
ITEM = builders.release()
LOG = HostLog(
    release=ITEM.name,
    host=HostName("pc-01"),
    result_id=ResultId("result-1"),
    version=ITEM.version,
    fingerprint=ITEM.fingerprint,
    asked_at=NOON,
    lines=("one", "", "\u3042"),
)
RUN = RunStarted(
    result_id=ResultId("by hand"),
    request_id=RequestId("by hand"),
    exec_id=None,
    host=HostName("pc-01"),
    job=ITEM.job.id,
    version=ITEM.version,
    at=NOON,
)
KEY = (ITEM.name, HostName("pc-01"), Purpose.INSTALL)


@dataclass(frozen=True, kw_only=True)
class Seat:
    """One controller's hold on our own state."""

    lease: Leadership
    journal: Journal
    inventory: Inventory
    archive: Archive
    records: Records
    board: StatusBoard
    clock: FakeClock


Open = Callable[[str], Awaitable[Seat]]


def seat(own: HeldState | OwnState, clock: FakeClock) -> Seat:
    return Seat(
        lease=own.lease,
        journal=own.ledger,
        inventory=own.ledger,
        archive=own.ledger,
        records=own.records,
        board=own.board,
        clock=clock,
    )


@pytest.fixture
async def sit(ground: Ground) -> Open:
    async def on_a_world(instance: str) -> Seat:
        world, clock = ground.world, FakeClock()
        assert world is not None
        return seat(hold_state(world, instance, clock), clock)

    async def on_nats(instance: str) -> Seat:
        clock = FakeClock()
        opened = open_own_state(await ground.connect(), instance, clock, lambda: None, create=True)
        own = await ground.stack.enter_async_context(opened)
        return seat(own, clock)

    return on_a_world if ground.world is not None else on_nats


async def two(sit: Open) -> tuple[Seat, Seat]:
    """Return a leader, and one that has seen it lead."""
    first, second = await sit("one"), await sit("two")
    assert await first.lease.attempt()
    assert not await second.lease.attempt()
    return first, second


async def taken_over(sit: Open) -> tuple[Seat, Seat]:
    """Return a leader that was stopped and does not know it yet, and the one that took over."""
    first, second = await two(sit)
    second.clock.advance(LONG)
    assert await second.lease.attempt()
    assert first.lease.leads
    return first, second


async def test_one_leads_and_keeps_the_lease_by_renewing_it(sit: Open) -> None:
    first, second = await two(sit)
    second.clock.advance(LONG)
    await first.lease.renew()

    assert not await second.lease.attempt()
    assert (first.lease.leads, second.lease.leads) == (True, False)
    assert await first.lease.attempt()


async def test_a_lease_that_nobody_renews_is_taken_over_after_its_length(sit: Open) -> None:
    _, second = await two(sit)
    second.clock.advance(LENGTH - timedelta(seconds=1))
    assert not await second.lease.attempt()

    second.clock.advance(timedelta(seconds=2))

    assert await second.lease.attempt()


async def test_a_dead_self_is_succeeded_and_a_released_lease_taken_at_once(sit: Open) -> None:
    first, second = await two(sit)
    again = await sit("one")
    assert await again.lease.attempt()

    await again.lease.release()

    assert not again.lease.leads
    assert await second.lease.attempt()
    await first.lease.release()
    await second.lease.renew()


async def test_for_its_holder_the_lease_runs_out_first(sit: Open) -> None:
    first, second = await two(sit)
    for seat in (first, second):
        seat.clock.advance(LENGTH - timedelta(seconds=2))

    assert not first.lease.leads
    assert not await second.lease.attempt()


async def test_a_lease_too_short_for_a_request_is_renewed_for_it(sit: Open) -> None:
    first, second = await two(sit)
    first.clock.advance(timedelta(seconds=10))
    second.clock.advance(LONG)

    await first.lease.confirm(for_at_least=timedelta(seconds=6))

    assert not await second.lease.attempt()


async def test_a_renewal_after_a_takeover_says_so(sit: Open) -> None:
    first, _ = await taken_over(sit)

    with pytest.raises(LeaseLost):
        await first.lease.renew()

    assert not first.lease.leads


async def test_a_request_is_not_confirmed_once_somebody_else_leads(sit: Open) -> None:
    """There is time left by its own clock, but not enough: it asks, and is told."""
    first, _ = await taken_over(sit)
    first.clock.advance(timedelta(seconds=10))

    with pytest.raises(LeaseLost):
        await first.lease.confirm(for_at_least=timedelta(seconds=6))

    assert not first.lease.leads


async def test_a_leader_that_slept_through_its_lease_changes_nothing(sit: Open) -> None:
    """It still believes to lead, by its own stopped clock; the fence does not."""
    first, second = await taken_over(sit)
    proof = Proof(package=ITEM.package, host=HostName("pc-01"))
    owned = Owned(digest=ITEM.artifact.digest, release=ITEM.name)
    ref = ObjectRef("tool", "2.0.0")

    for write in (
        first.journal.record(builders.attempt(ITEM)),
        first.journal.prove(proof),
        first.journal.note_run(RUN),
        first.journal.forget_run(RUN.job, RUN.host),
        first.inventory.own_package(ref, owned),
        first.inventory.own_script(ref, owned),
        first.inventory.own_job(ITEM.job.id, owned),
        first.inventory.disown_package(ref),
        first.inventory.disown_script(ref),
        first.inventory.retire_job(ITEM.job.id),
        first.inventory.recall_job(ITEM.job.id),
        first.archive.keep(builders.record(ITEM)),
        first.archive.forget(ITEM.name, ITEM.fingerprint),
        first.archive.quarantine(builders.quarantine(ITEM)),
        first.archive.note_offer(builders.offer(ITEM)),
        first.archive.keep_log(LOG),
        first.board.publish(Status(controller=ControllerStatus(revision=REVISION)), ()),
    ):
        with pytest.raises(LeaseLost):
            await write

    await second.records.refresh()
    assert dict(second.records.attempts()) == {}
    assert dict(second.records.proofs()) == {}
    assert dict(second.records.runs()) == {}
    assert dict(second.records.owned_packages()) == {}
    assert dict(second.records.owned_scripts()) == {}
    assert second.records.retired_jobs() == frozenset()
    assert dict(second.records.owned_jobs()) == {}
    assert dict(second.records.release_records()) == {}
    assert dict(second.records.quarantines()) == {}
    assert dict(second.records.offers()) == {}
    assert dict(second.records.logs()) == {}
    assert second.board.read().controller.revision is None


async def test_a_leader_that_slept_through_its_lease_tells_no_event(
    sit: Open, ground: Ground
) -> None:
    """The status may be as it was, so that nothing would be written that the fence refuses."""
    first, second = await taken_over(sit)
    event = Event(at=NOON, kind="Converged", message="all are proved")

    with pytest.raises(LeaseLost):
        await first.board.publish(first.board.read(), (event,))

    assert await events_of(ground) == 0
    await second.board.publish(second.board.read(), (event,))
    assert await events_of(ground) == 1


async def events_of(ground: Ground) -> int:
    """Count what was told."""
    if ground.world is not None:
        return len(ground.world.own.events)
    assert ground.admin is not None
    return (await api.stream_info(ground.admin, EVENTS_STREAM)).state.messages


async def test_who_never_led_writes_nothing(sit: Open) -> None:
    seat = await sit("one")

    with pytest.raises(LeaseLost):
        await seat.journal.record(builders.attempt(ITEM))


async def test_what_the_leader_writes_shows_at_once_and_to_its_successor(sit: Open) -> None:
    first, second = await two(sit)
    attempt = builders.attempt(ITEM, outcome=builders.outcome(FailureClass.TIMEOUT))
    proof = Proof(
        package=ITEM.package,
        host=HostName("pc-01"),
        by_probe=builders.evidence("2.0.0", sha=ITEM.artifact.digest),
    )
    owned = Owned(digest=ITEM.artifact.digest, release=ITEM.name)
    ref = ObjectRef("tool", "2.0.0")
    await first.journal.record(attempt)
    await first.journal.prove(proof)
    await first.inventory.own_package(ref, owned)
    await first.inventory.own_script(ref, replace(owned, release=None))

    await second.records.refresh()
    for records in (first.records, second.records):
        assert dict(records.attempts()) == {KEY: attempt}
        assert dict(records.proofs()) == {(ITEM.package, HostName("pc-01")): proof}
        assert dict(records.owned_packages()) == {ref: owned}
        assert dict(records.owned_scripts()) == {ref: replace(owned, release=None)}


async def test_a_run_by_hand_is_kept_until_it_has_told_its_end(sit: Open) -> None:
    first, second = await two(sit)
    other = replace(RUN, host=HostName("pc.02"))
    for run in (RUN, other):
        await first.journal.note_run(run)
    await first.journal.forget_run(other.job, other.host)

    await second.records.refresh()
    for records in (first.records, second.records):
        assert dict(records.runs()) == {(RUN.job, RUN.host): RUN}


async def test_a_log_that_was_kept_is_part_of_the_status_and_stays_beside_it(sit: Open) -> None:
    first, second = await two(sit)
    later = replace(LOG, result_id=ResultId("result-2"), lines=(), missing="it is empty")
    await first.archive.keep_log(LOG)
    await first.archive.keep_log(later)
    await first.board.publish(Status(controller=ControllerStatus(revision=REVISION)), ())

    await second.records.refresh()
    key = (ITEM.name, HostName("pc-01"))
    for seat in (first, second):
        assert dict(seat.records.logs()) == {key: later}
        assert dict(seat.board.read().logs) == {key: later}


async def test_what_was_deleted_is_struck_out_for_everybody(sit: Open) -> None:
    first, second = await two(sit)
    owned, other = Owned(digest=ITEM.artifact.digest, release=ITEM.name), JobId("other")
    gone, stays = ObjectRef("tool", "1.0.0"), ObjectRef("tool", "2.0.0")
    for ref in (gone, stays):
        await first.inventory.own_package(ref, owned)
        await first.inventory.own_script(ref, owned)
    for job in (ITEM.job.id, other):
        await first.inventory.own_job(job, owned)
        await first.inventory.retire_job(job)
    await first.inventory.own_job(JobId("third"), owned)
    await first.inventory.disown_package(gone)
    await first.inventory.disown_script(gone)
    await first.inventory.recall_job(ITEM.job.id)

    await second.records.refresh()
    for records in (first.records, second.records):
        assert dict(records.owned_packages()) == {stays: owned}
        assert dict(records.owned_scripts()) == {stays: owned}
        assert records.retired_jobs() == {other}
        assert dict(records.owned_jobs()) == {JobId("third"): owned}


async def test_what_was_good_and_what_was_bad_is_kept_for_its_fingerprint(sit: Open) -> None:
    first, second = await two(sit)
    older, newer = builders.release("1.0.0"), ITEM
    kept, bad = builders.record(older), builders.quarantine(newer)
    await first.archive.keep(kept)
    await first.archive.keep(builders.record(newer))
    await first.archive.forget(newer.name, newer.fingerprint)
    await first.archive.quarantine(bad)
    await first.archive.note_offer(offer := builders.offer(newer, "no rights"))
    for let_through in (kept, builders.record(newer)):
        await first.archive.keep_approved(let_through)

    await second.records.refresh()
    for records in (first.records, second.records):
        assert dict(records.release_records()) == {(older.name, older.fingerprint): kept}
        assert dict(records.approved()) == {newer.name: builders.record(newer)}
        assert dict(records.quarantines()) == {(newer.name, newer.fingerprint): bad}
        assert dict(records.offers()) == {(newer.name, newer.fingerprint): offer}


async def test_a_later_attempt_takes_the_place_of_the_earlier_of_its_purpose(sit: Open) -> None:
    seat = await sit("one")
    await seat.lease.attempt()
    first, probe = builders.attempt(ITEM), builders.attempt(ITEM, purpose=Purpose.PROBE)
    second = replace(first, number=2)
    for attempt in (first, probe, second):
        await seat.journal.record(attempt)

    assert dict(seat.records.attempts()) == {
        KEY: second,
        (ITEM.name, HostName("pc-01"), Purpose.PROBE): probe,
    }


async def test_the_status_that_was_told_is_read_back(sit: Open) -> None:
    first, second = await two(sit)
    status = Status(controller=ControllerStatus(revision=REVISION, subject="Bump tool"))
    event = Event(at=NOON, kind="RevisionApplied", message="it is in force")
    await first.board.publish(status, (event,))

    await second.records.refresh()
    assert first.board.read() == second.board.read() == status
