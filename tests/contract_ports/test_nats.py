"""The nats-server in memory, on which controllers are simulated, against the real one.

All that our own state asks of a server: fences, tombstones, copies that follow, streams that are
deleted under us, and events that are told twice.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from reconciler.errors import Conflict, KanadeRefused
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.kv import Bucket
from reconciler.jetstream.mirror import Mirror
from reconciler.model.status import Event
from reconciler.state.events import EventLog
from reconciler.state.names import EVENTS_STREAM, STATE_BUCKET
from tests.contract_ports.conftest import Ground
from tests.support.builders import NOON


@pytest.fixture
async def connection(ground: Ground) -> Connection:
    return await ground.connect()


@pytest.fixture
async def bucket(connection: Connection) -> Bucket:
    made = Bucket(connection, STATE_BUCKET)
    await made.create()
    return made


@asynccontextmanager
async def mirrored(connection: Connection, bucket: Bucket) -> AsyncIterator[Mirror]:
    mirror = Mirror(connection, bucket.stream, f"{bucket.prefix}>")
    await mirror.start()
    yield mirror
    await mirror.stop()


def values(mirror: Mirror, bucket: Bucket) -> dict[str, bytes]:
    return {
        subject.removeprefix(bucket.prefix): message.data
        for subject, message in mirror.live.items()
    }


async def test_sequences_count_all_keys_and_expectations_are_of_one(bucket: Bucket) -> None:
    first = await bucket.put("a", b"one", expected=0)
    assert await bucket.put("b", b"other", expected=0) == first + 1

    assert await bucket.put("a", b"two", expected=first) == first + 2
    with pytest.raises(Conflict, match="wrong last sequence"):
        await bucket.put("a", b"three", expected=first)
    with pytest.raises(Conflict):
        await bucket.put("c", b"", expected=first)
    found = await bucket.get("a")
    assert found is not None
    assert (found.data, found.sequence) == (b"two", first + 2)


async def test_a_marker_of_a_deletion_is_a_message_like_another(bucket: Bucket) -> None:
    first = await bucket.put("a", b"one")
    marker = await bucket.delete("a", expected=first)

    assert await bucket.get("a") is None
    with pytest.raises(Conflict):
        await bucket.put("a", b"two", expected=0)
    await bucket.put("a", b"two", expected=marker)


async def test_a_fence_is_another_keys_last_place(bucket: Bucket) -> None:
    term = await bucket.put("lease.term", b"me")
    fence = (bucket.subject("lease.term"), term)
    await bucket.put("journal", b"mine", fence=fence)
    await bucket.put("lease.term", b"another")

    for write in (bucket.put("journal", b"", fence=fence), bucket.delete("journal", fence=fence)):
        with pytest.raises(Conflict):
            await write
    with pytest.raises(Conflict):
        await bucket.put("journal", b"", fence=(bucket.subject("nobody"), 1))
    found = await bucket.get("journal")
    assert found is not None
    assert found.data == b"mine"


async def test_of_writers_at_once_one_wins(bucket: Bucket) -> None:
    results = await asyncio.gather(
        *(bucket.put("lease", b"%d" % number, expected=0) for number in range(8)),
        return_exceptions=True,
    )

    lost = [result for result in results if not isinstance(result, int)]
    assert [type(error) for error in lost] == [Conflict] * 7


async def test_a_copy_has_what_was_there_and_what_comes(
    ground: Ground, connection: Connection, bucket: Bucket
) -> None:
    other = Bucket(await ground.connect(), STATE_BUCKET)
    await bucket.put("a", b"old")
    await bucket.put("a", b"one")
    async with mirrored(connection, bucket) as mirror:
        assert values(mirror, bucket) == {"a": b"one"}
        for number in range(20):
            await other.put("b", b"%d" % number)
            await mirror.refresh()
            assert values(mirror, bucket) == {"a": b"one", "b": b"%d" % number}

        await mirror.caught_up(await bucket.delete("a"))
        assert values(mirror, bucket) == {"b": b"19"}
        assert mirror.messages[bucket.subject("a")].deleted
        before = mirror.revision
        await mirror.resync()
        assert (values(mirror, bucket), mirror.revision) == ({"b": b"19"}, before)


async def test_two_copies_follow_one_bucket(connection: Connection, bucket: Bucket) -> None:
    async with mirrored(connection, bucket) as one, mirrored(connection, bucket) as two:
        sequence = await bucket.put("a", b"one")
        for mirror in (one, two):
            await mirror.caught_up(sequence)
            assert values(mirror, bucket) == {"a": b"one"}


async def test_a_bucket_that_is_deleted_is_refused_and_begins_anew(
    ground: Ground, connection: Connection, bucket: Bucket
) -> None:
    await bucket.put("a", b"one")
    async with mirrored(connection, bucket) as mirror:
        await ground.delete_stream(bucket.stream)
        assert not await api.stream_exists(connection, bucket.stream)
        with pytest.raises(KanadeRefused, match="not found"):
            await bucket.put("a", b"two")
        with pytest.raises(KanadeRefused, match="not found"):
            await mirror.refresh()

        await bucket.create()
        await bucket.put("b", b"new", expected=0)
        await mirror.refresh()
        assert values(mirror, bucket) == {"b": b"new"}


async def test_a_bucket_that_is_there_is_left_as_it_is(
    connection: Connection, bucket: Bucket
) -> None:
    await bucket.put("a", b"one")
    await bucket.create()
    await bucket.create(description="other words")

    assert await bucket.get("a") is not None
    info = await api.stream_info(connection, bucket.stream)
    assert (info.config.num_replicas, info.state.messages) == (1, 1)


async def test_a_fence_of_a_deleted_bucket_holds_nowhere_in_the_next_one(
    ground: Ground, bucket: Bucket
) -> None:
    """Or a leader whose bucket was lost would pass for the one that has made it again."""
    fence = (bucket.subject("term"), await bucket.put("term", b"old"))
    await ground.delete_stream(bucket.stream)
    await bucket.create()
    await bucket.put("term", b"new")

    with pytest.raises(Conflict):
        await bucket.put("journal", b"stale", fence=fence)


async def test_an_event_that_is_told_twice_is_stored_once(
    ground: Ground, connection: Connection
) -> None:
    log = EventLog(connection)
    await log.create()
    events = [Event(at=NOON, kind=kind, message="it is so") for kind in ("One", "Two")]
    await log.publish(events[:1])
    await log.publish(events)
    assert (await api.stream_info(connection, EVENTS_STREAM)).state.messages == 2

    await ground.delete_stream(EVENTS_STREAM)
    await log.publish(events[1:])
    assert (await api.stream_info(connection, EVENTS_STREAM)).state.messages == 1
