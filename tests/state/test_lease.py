"""What only the lease on a real server shows: whom it asks, and when."""

import pytest

from reconciler.errors import KanadeUnavailable
from reconciler.state.lease import LENGTH
from tests.state.conftest import Open


async def test_a_standby_asks_nats_only_when_it_hears_the_leader_no_more(open_state: Open) -> None:
    first, second = await open_state("one"), await open_state("two")
    assert await first.lease.attempt()
    await second.mirror.refresh()
    await second.connection.close()

    assert not await second.lease.attempt()

    second.clock.advance(LENGTH)
    with pytest.raises(KanadeUnavailable):
        await second.lease.attempt()
