"""Leadership: one at a time, and a leader that lost it changes nothing any more."""

from datetime import timedelta

import pytest

from reconciler.errors import LeaseLost
from reconciler.state.lease import LENGTH
from tests.state.conftest import Open
from tests.support import builders

_LONG = LENGTH + timedelta(seconds=1)


async def test_the_first_to_ask_leads_and_the_second_does_not(open_state: Open) -> None:
    first, second = await open_state("one"), await open_state("two")

    assert await first.lease.attempt()
    assert not await second.lease.attempt()
    assert (first.lease.leads, second.lease.leads) == (True, False)


async def test_a_lease_that_is_not_renewed_is_taken_over(open_state: Open) -> None:
    first, second = await open_state("one"), await open_state("two")
    await first.lease.attempt()
    assert not await second.lease.attempt()

    second.clock.advance(_LONG)

    assert await second.lease.attempt()


async def test_a_lease_that_is_renewed_is_left_alone(open_state: Open) -> None:
    first, second = await open_state("one"), await open_state("two")
    await first.lease.attempt()
    assert not await second.lease.attempt()

    second.clock.advance(_LONG)
    await first.lease.renew()

    assert not await second.lease.attempt()


async def test_a_restarted_instance_takes_over_from_its_dead_self_at_once(open_state: Open) -> None:
    await (await open_state("one")).lease.attempt()

    assert await (await open_state("one")).lease.attempt()


async def test_a_released_lease_is_free_at_once(open_state: Open) -> None:
    first, second = await open_state("one"), await open_state("two")
    await first.lease.attempt()

    await first.lease.release()

    assert await second.lease.attempt()


async def test_a_leader_that_slept_through_its_lease_writes_nothing(open_state: Open) -> None:
    """It still believes to lead, by its own stopped clock; the fence does not."""
    first, second = await open_state("one"), await open_state("two")
    await first.lease.attempt()
    await second.lease.attempt()
    second.clock.advance(_LONG)
    await second.lease.attempt()
    assert first.lease.leads

    with pytest.raises(LeaseLost):
        await first.ledger.record(builders.attempt(builders.release()))

    await second.mirror.refresh()
    assert dict(second.ledger.attempts()) == {}


async def test_a_renewal_after_a_takeover_says_so(open_state: Open) -> None:
    first, second = await open_state("one"), await open_state("two")
    await first.lease.attempt()
    await second.lease.attempt()
    second.clock.advance(_LONG)
    await second.lease.attempt()

    with pytest.raises(LeaseLost):
        await first.lease.renew()

    assert not first.lease.leads


async def test_a_lease_nobody_could_renew_runs_out_for_its_holder_first(open_state: Open) -> None:
    """By then nobody else may have taken over yet: the margin is on our side."""
    first = await open_state("one")
    await first.lease.attempt()

    first.clock.advance(LENGTH - timedelta(seconds=2))

    assert not first.lease.leads


async def test_a_lease_that_is_too_short_for_a_request_is_renewed_first(open_state: Open) -> None:
    first, second = await open_state("one"), await open_state("two")
    await first.lease.attempt()
    assert not await second.lease.attempt()
    first.clock.advance(timedelta(seconds=10))
    second.clock.advance(_LONG)

    await first.lease.confirm(for_at_least=timedelta(seconds=6))

    assert not await second.lease.attempt()


async def test_a_request_is_not_sent_when_somebody_else_leads_by_now(open_state: Open) -> None:
    first, second = await open_state("one"), await open_state("two")
    await first.lease.attempt()
    await second.lease.attempt()
    first.clock.advance(timedelta(seconds=10))
    second.clock.advance(_LONG)
    await second.lease.attempt()

    with pytest.raises(LeaseLost):
        await first.lease.confirm(for_at_least=timedelta(seconds=6))
