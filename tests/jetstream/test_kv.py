import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import Conflict, KanadeRefused
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.kv import Bucket, decode_key, encode_key


@pytest.fixture
async def bucket(connection: Connection) -> Bucket:
    bucket = Bucket(connection, "things")
    await bucket.create(history=5)
    return bucket


async def test_what_is_put_is_read_back(bucket: Bucket) -> None:
    sequence = await bucket.put("a.b", b"one")

    found = await bucket.get("a.b")

    assert found is not None
    assert (found.data, found.sequence) == (b"one", sequence)
    assert await bucket.get("a.c") is None


async def test_a_deleted_key_is_not_there(bucket: Bucket) -> None:
    await bucket.put("a", b"one")
    await bucket.delete("a")

    assert await bucket.get("a") is None


async def test_creating_a_bucket_twice_keeps_what_is_in_it(
    bucket: Bucket, connection: Connection
) -> None:
    await bucket.put("a", b"one")
    await bucket.create(history=5)
    await bucket.create(history=1, description="of another configuration")

    assert await bucket.get("a") is not None
    assert (await api.stream_info(connection, "KV_things")).config.num_replicas == 1


async def test_only_one_of_two_writers_creates_a_key(bucket: Bucket) -> None:
    results = await asyncio.gather(
        *(bucket.put("lease", b"%d" % number, expected=0) for number in range(8)),
        return_exceptions=True,
    )

    won = [result for result in results if isinstance(result, int)]
    assert len(won) == 1
    assert all(isinstance(result, Conflict) for result in results if result not in won)


async def test_a_write_over_what_the_writer_has_not_seen_is_a_conflict(bucket: Bucket) -> None:
    first = await bucket.put("a", b"one")
    await bucket.put("a", b"two", expected=first)

    with pytest.raises(Conflict, match=r"bucket things on .*wrong last sequence"):
        await bucket.put("a", b"three", expected=first)
    with pytest.raises(Conflict):
        await bucket.delete("a", expected=first)
    found = await bucket.get("a")
    assert found is not None
    assert found.data == b"two"


async def test_a_deposed_leader_cannot_write_behind_the_fence(bucket: Bucket) -> None:
    lease = await bucket.put("lease", b"me")
    fence = (bucket.subject("lease"), lease)
    await bucket.put("journal", b"mine", fence=fence)
    await bucket.put("lease", b"another")

    with pytest.raises(Conflict):
        await bucket.put("journal", b"stale", fence=fence)
    with pytest.raises(Conflict):
        await bucket.delete("journal", fence=fence)
    found = await bucket.get("journal")
    assert found is not None
    assert found.data == b"mine"


@pytest.mark.parametrize("key", ["", ".", "a..b", ".a", "a.", "a b", "a>b", "ä", "a" * 513, "a\n"])
async def test_what_is_no_key_is_refused_before_it_is_sent(bucket: Bucket, key: str) -> None:
    with pytest.raises(KanadeRefused, match="is no key"):
        await bucket.put(key, b"")


@given(st.text(max_size=60))
def test_any_text_survives_as_one_token_of_a_key(text: str) -> None:
    token = encode_key(text)

    assert decode_key(token) == text
    assert token
    assert set(token) <= set("-_=abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


def test_a_usual_host_name_stays_readable() -> None:
    assert encode_key("backend-01") == "backend-01"
    assert encode_key("pc.example") == "pc=2Eexample"


@pytest.mark.parametrize("token", ["", "a.b", "=4", "=41", "=zz", "=2e", "=FF", "ä"])
def test_a_token_that_encode_key_has_not_made_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match=r"encoded|codec|utf-8"):
        decode_key(token)
