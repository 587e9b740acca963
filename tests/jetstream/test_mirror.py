import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.errors import KanadeRefused, KanadeUnavailable
from reconciler.jetstream import api, pull, tail
from reconciler.jetstream import connection as connection_module
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.kv import Bucket
from reconciler.jetstream.mirror import Mirror
from tests.support.nats import NatsProcess
from tests.support.streams import connected, consumers, create_stream, without_consumers


@pytest.fixture
async def bucket(connection: Connection) -> Bucket:
    bucket = Bucket(connection, "things")
    await bucket.create(history=5)
    return bucket


@asynccontextmanager
async def mirrored(connection: Connection, bucket: Bucket) -> AsyncIterator[Mirror]:
    mirror = Mirror(connection, bucket.stream, f"{bucket.prefix}>")
    await mirror.start()
    yield mirror
    await mirror.stop()


def values(mirror: Mirror) -> dict[str, bytes]:
    return {subject: message.data for subject, message in mirror.live.items()}


async def fill(connection: Connection, bucket: Bucket, keys: int) -> None:
    for start in range(0, keys, 500):
        sent = [
            await connection.send_request(bucket.subject(f"k{number}"), b"%d" % number)
            for number in range(start, min(start + 500, keys))
        ]
        await asyncio.gather(*sent)


async def test_what_was_there_and_what_comes_is_in_the_copy(
    connection: Connection, bucket: Bucket
) -> None:
    await bucket.put("a", b"old")
    await bucket.put("a", b"one")
    woken = asyncio.Event()
    mirror = Mirror(connection, bucket.stream, f"{bucket.prefix}>", woken.set)
    await mirror.start()
    assert values(mirror) == {"$KV.things.a": b"one"}
    assert not woken.is_set()

    await bucket.put("b", b"two")
    async with asyncio.timeout(60):
        await woken.wait()

    assert values(mirror) == {"$KV.things.a": b"one", "$KV.things.b": b"two"}
    await mirror.stop()


async def test_a_deleted_key_leaves_its_marker(connection: Connection, bucket: Bucket) -> None:
    await bucket.put("a", b"one")
    async with mirrored(connection, bucket) as mirror:
        sequence = await bucket.delete("a")
        await mirror.caught_up(sequence)

        assert values(mirror) == {}
        assert mirror.messages["$KV.things.a"].deleted
        assert mirror.messages["$KV.things.a"].sequence == sequence


async def test_a_copy_has_what_was_written_before_the_refresh(
    connection: Connection, bucket: Bucket, nats_account: str
) -> None:
    async with connected(nats_account) as other, mirrored(connection, bucket) as mirror:
        writer = Bucket(other, bucket.name)
        for number in range(200):
            await writer.put("a", b"%d" % number)
            await mirror.refresh()

            assert values(mirror) == {"$KV.things.a": b"%d" % number}


async def test_more_keys_than_are_asked_for_at_once_are_read_whole(
    connection: Connection, bucket: Bucket
) -> None:
    await fill(connection, bucket, 10_000)
    async with mirrored(connection, bucket) as mirror:
        assert values(mirror) == {bucket.subject(f"k{n}"): b"%d" % n for n in range(10_000)}
        last = max(message.sequence for message in mirror.live.values())

        await fill(connection, bucket, 10_000)
        await mirror.refresh()
        sequences = {message.sequence for message in mirror.live.values()}
        assert sequences == set(range(last + 1, last + 10_001))


async def test_equal_revisions_are_equal_copies(connection: Connection, bucket: Bucket) -> None:
    await bucket.put("a", b"one")
    async with mirrored(connection, bucket) as mirror:
        before = mirror.revision
        await mirror.resync()
        assert mirror.revision == before

        await mirror.caught_up(await bucket.put("a", b"one"))
        assert mirror.revision > before


async def test_a_restarted_server_ends_in_a_working_copy_and_no_stray_consumers(
    own_server: NatsProcess,
) -> None:
    async with connected(own_server.url) as connection:
        bucket = Bucket(connection, "things")
        await bucket.create()
        await bucket.put("a", b"one")
        async with mirrored(connection, bucket) as mirror:
            own_server.kill()
            own_server.start()
            async with connected(own_server.url) as other:
                await Bucket(other, "things").put("b", b"while we were away")
            await mirror.refresh()

            assert set(values(mirror)) == {"$KV.things.a", "$KV.things.b"}
            assert len(await consumers(connection, bucket.stream)) == 1
            await mirror.caught_up(await bucket.put("c", b"after"))
            assert values(mirror)["$KV.things.c"] == b"after"
        await without_consumers(connection, bucket.stream)


async def test_a_store_that_went_back_in_time_is_read_as_it_is_now(
    own_server: NatsProcess, tmp_path: Path
) -> None:
    store, older = own_server.folder / "store", tmp_path / "older"
    async with connected(own_server.url) as connection:
        bucket = Bucket(connection, "things")
        await bucket.create()
        await bucket.put("a", b"old")
        own_server.stop()
        shutil.copytree(store, older)
        own_server.start()
        with pytest.raises(KanadeUnavailable):
            await connection.rtt()
        async with mirrored(connection, bucket) as mirror:
            await mirror.caught_up(await bucket.put("a", b"new"))
            await mirror.caught_up(await bucket.put("b", b"new"))
            own_server.kill()
            shutil.rmtree(store)
            shutil.copytree(older, store)
            own_server.start()
            await mirror.refresh()

            assert values(mirror) == {"$KV.things.a": b"old"}


async def test_a_silent_server_is_not_an_empty_bucket(
    own_server: NatsProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(own_server.url) as connection:
        bucket = Bucket(connection, "things")
        await bucket.create()
        await bucket.put("a", b"one")
        async with mirrored(connection, bucket) as mirror:
            own_server.kill()
            with monkeypatch.context() as hasty:
                hasty.setattr(connection_module, "_PATIENCE", timedelta(seconds=0.5))
                with pytest.raises(KanadeUnavailable, match=r"bucket things|NATS on"):
                    await mirror.refresh()

            own_server.start()
            await mirror.refresh()
            assert values(mirror) == {"$KV.things.a": b"one"}


async def test_a_bucket_that_was_made_anew_is_read_anew(
    connection: Connection, bucket: Bucket
) -> None:
    await bucket.put("a", b"one")
    async with mirrored(connection, bucket) as mirror:
        await api.call(connection, f"STREAM.DELETE.{bucket.stream}", {}, dict, bucket.stream)
        with pytest.raises(KanadeRefused, match=r"bucket things on .*not found"):
            await mirror.refresh()

        await bucket.create()
        await bucket.put("b", b"two")
        await mirror.refresh()
        assert values(mirror) == {"$KV.things.b": b"two"}


async def test_a_message_lost_on_the_way_is_noticed(
    connection: Connection, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with mirrored(connection, bucket) as mirror:
        monkeypatch.setattr(tail, "_SILENT_SECONDS", 0.1)
        receive = mirror._tail._receive  # type: ignore[union-attr]
        subscription = mirror._tail._subscription  # type: ignore[union-attr]
        assert subscription is not None
        assert subscription.raw is not None

        async def lose_one(_: object) -> None:
            subscription.raw._cb = receive  # type: ignore[union-attr]

        subscription.raw._cb = lose_one
        await bucket.put("a", b"lost")
        await mirror.refresh()

        assert values(mirror) == {"$KV.things.a": b"lost"}


async def test_a_gap_in_what_comes_is_noticed_at_once(
    connection: Connection, bucket: Bucket
) -> None:
    async with mirrored(connection, bucket) as mirror:
        first = mirror._tail
        assert first is not None
        first._seen -= 1
        sequence = await bucket.put("a", b"one")
        await mirror.caught_up(sequence)

        assert mirror._tail is not first
        assert values(mirror) == {"$KV.things.a": b"one"}


async def test_what_was_purged_leaves_the_copy_at_the_next_resync(
    connection: Connection,
) -> None:
    await create_stream(connection, "SLOTS", "slots.>", last=1)
    await api.store(connection, "SLOTS", "slots.a", b"one")
    mirror = Mirror(connection, "SLOTS", "slots.>")
    await mirror.start()
    await api.purge(connection, "SLOTS", "slots.a")
    await mirror.resync()

    assert dict(mirror.messages) == {}
    await mirror.stop()
    await without_consumers(connection, "SLOTS")


async def test_many_refreshes_at_once_agree(connection: Connection, bucket: Bucket) -> None:
    async with mirrored(connection, bucket) as mirror:
        await bucket.put("a", b"one")
        mirror._connection_changed()
        await asyncio.gather(*(mirror.refresh() for _ in range(10)))

        assert values(mirror) == {"$KV.things.a": b"one"}
        assert len(await consumers(connection, bucket.stream)) == 1


async def test_a_last_message_that_was_removed_is_missed_at_the_next_refresh(
    connection: Connection,
) -> None:
    await create_stream(connection, "SLOTS", "slots.>", last=1)
    await api.store(connection, "SLOTS", "slots.a", b"one")
    await api.store(connection, "SLOTS", "slots.b", b"two")
    mirror = Mirror(connection, "SLOTS", "slots.>")
    await mirror.start()
    await api.purge(connection, "SLOTS", "slots.b")
    await mirror.refresh()

    assert set(mirror.messages) == {"slots.a"}
    await mirror.stop()


@pytest.mark.parametrize("lost", ["the consumer", "the connection"])
async def test_what_comes_after_a_silent_loss_still_wakes(
    connection: Connection, bucket: Bucket, lost: str
) -> None:
    woken = asyncio.Event()
    mirror = Mirror(connection, bucket.stream, f"{bucket.prefix}>", woken.set)
    await mirror.start()
    if lost == "the consumer":
        (name,) = await consumers(connection, bucket.stream)
        await api.delete_consumer(connection, bucket.stream, name)
        assert mirror._tail is not None
        mirror._tail.broken = False
    else:
        await connection._link.client.force_reconnect()
        async with asyncio.timeout(60):
            await woken.wait()
    await mirror.refresh()
    woken.clear()
    await bucket.put("a", b"one")
    async with asyncio.timeout(60):
        await woken.wait()

    assert values(mirror) == {"$KV.things.a": b"one"}
    await mirror.stop()
    await without_consumers(connection, bucket.stream)


async def test_a_consumer_that_is_gone_without_a_word_rings(
    connection: Connection, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server of the cluster has died with it, and the one that we are connected to has not."""
    monkeypatch.setattr(pull, "_SILENT_AFTER", timedelta(seconds=0.3))
    rung = asyncio.Event()
    mirror = Mirror(connection, bucket.stream, f"{bucket.prefix}>", rung.set)
    await mirror.start()
    assert mirror._tail is not None
    assert mirror._tail._subscription is not None
    await connection.unsubscribe(mirror._tail._subscription)
    await bucket.put("a", b"unheard of")
    async with asyncio.timeout(60):
        await rung.wait()

    await mirror.refresh()

    assert values(mirror) == {"$KV.things.a": b"unheard of"}
    await mirror.stop()
