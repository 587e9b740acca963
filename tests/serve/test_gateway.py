"""The gateway serves as kanade does, and only to those who have a token for the very bytes."""

import hashlib
import os
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import aiohttp
import pytest

from reconciler.jetstream import api
from reconciler.model.digest import Digest
from tests.serve.conftest import KEY, PATIENT, Served
from tests.support.nats import eventually
from tests.support.streams import consumers

DATA = b"0123456789"
LARGE = os.urandom(30_000_000)


async def test_a_package_is_served_with_the_headers_of_kanade(served: Served) -> None:
    token = await served.publish(DATA)

    reply = await served.ask(token)

    assert (reply.status, reply.body) == (200, DATA)
    assert {
        "content-type": "application/octet-stream",
        "content-length": "10",
        "accept-ranges": "bytes",
        "content-disposition": 'attachment; filename="tool-1.0"',
        "etag": f'"{Digest.of(DATA).kanade}"',
    }.items() <= reply.headers.items()


async def test_a_head_has_the_same_headers_and_no_body(served: Served) -> None:
    token = await served.publish(DATA)
    whole = await served.ask(token)

    reply = await served.ask(token, method="HEAD")

    assert (reply.status, reply.body) == (200, b"")
    changing = {"date"}
    assert {k: v for k, v in reply.headers.items() if k not in changing} == {
        k: v for k, v in whole.headers.items() if k not in changing
    }


async def test_a_package_of_many_chunks_comes_back_whole_and_leaves_no_consumer(
    served: Served,
) -> None:
    token = await served.publish(LARGE)

    reply = await served.ask(token)

    assert hashlib.sha256(reply.body).digest() == hashlib.sha256(LARGE).digest()
    await eventually(lambda: served.gateway._places._value == 2)
    assert await consumers(served.connection, "OBJ_app_packages") == []


async def test_the_memory_that_it_takes_does_not_grow_with_the_package(served: Served) -> None:
    """Four times as many bytes in not much more memory, client and server together."""
    peaks = []
    for version, times in (("1", 1), ("2", 4)):
        token = await served.publish(LARGE * times, version)
        with traced() as peak:
            taken = await served.take(token, version)
        assert taken == len(LARGE) * times
        peaks.append(peak())

    assert max(peaks) < len(LARGE) / 2
    assert peaks[1] - peaks[0] < len(LARGE) / 4


@contextmanager
def traced() -> Iterator[Callable[[], int]]:
    """Yield what returns the most bytes that Python has held at a time since, once it is over."""
    tracemalloc.start()
    found: list[int] = []
    try:
        yield found.pop
        found.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("asked", "body", "span"),
    [
        ("bytes=2-4", b"234", "2-4"),
        ("bytes=5-", b"56789", "5-9"),
        ("bytes=0-9", DATA, "0-9"),
        ("bytes=-3", b"789", "7-9"),
    ],
)
async def test_a_part_can_be_asked_for(served: Served, asked: str, body: bytes, span: str) -> None:
    token = await served.publish(DATA)

    reply = await served.ask(token, Range=asked)

    assert (reply.status, reply.body) == (206, body)
    assert reply.headers["content-range"] == f"bytes {span}/10"
    assert reply.headers["content-length"] == str(len(body))


async def test_a_transfer_that_broke_off_is_gone_on_with(served: Served) -> None:
    token = await served.publish(LARGE)
    etag = (await served.ask(token, method="HEAD")).headers["etag"]

    rest = await served.ask(token, Range="bytes=17000001-", If_Range=etag)

    assert (rest.status, rest.body) == (206, LARGE[17_000_001:])


async def test_the_rest_of_other_bytes_is_answered_by_the_whole(served: Served) -> None:
    token = await served.publish(DATA)

    reply = await served.ask(token, Range="bytes=5-", If_Range='"other"')

    assert (reply.status, reply.body) == (200, DATA)
    assert "content-range" not in reply.headers


@pytest.mark.parametrize("asked", ["bytes=20-", "bytes=4-2", "x", "bytes=0-1,4-5"])
async def test_a_part_that_is_not_there_is_refused(served: Served, asked: str) -> None:
    token = await served.publish(DATA)

    reply = await served.ask(token, Range=asked)

    assert (reply.status, reply.headers["content-range"]) == (416, "bytes */10")
    assert reply.body == b"Range header invalid or out of bounds for object size 10\n"


async def test_a_part_of_other_bytes_is_refused(served: Served) -> None:
    token = await served.publish(DATA)
    etag = f'"{Digest.of(DATA).kanade}"'

    assert (await served.ask(token, If_Match='"x"')).status == 412
    assert (await served.ask(token, If_Match=etag)).status == 200


async def test_without_a_token_nothing_is_told(served: Served) -> None:
    await served.publish(DATA)

    for authorization in ({}, {"Authorization": "Bearer "}, {"Authorization": "Basic abc"}):
        reply = await served.ask(None, **authorization)
        assert (reply.status, reply.body) == (401, b"missing bearer token")
        assert (await served.ask(None, "9.9", **authorization)).status == 401


async def test_the_name_of_the_scheme_may_be_spelled_in_any_case(served: Served) -> None:
    token = await served.publish(DATA)

    assert (await served.ask(None, Authorization=f"bearer {token}")).status == 200


async def test_a_token_opens_nothing_but_what_it_was_made_for(served: Served) -> None:
    token = await served.publish(DATA)
    await served.publish(DATA, "2.0")

    assert (await served.ask(token)).status == 200
    refused = await served.ask(token, "2.0")
    assert refused.status == 401
    assert refused.body.startswith(b"invalid token: ")
    assert (await served.ask(token[:-1])).status == 401


async def test_a_token_is_out_of_date_after_two_epochs(served: Served) -> None:
    token = await served.publish(DATA)

    served.clock.advance(KEY.epoch)
    assert (await served.ask(token)).status == 200
    served.clock.advance(KEY.epoch + timedelta(seconds=1))
    assert (await served.ask(token)).status == 401


async def test_bytes_that_took_the_place_of_those_granted_are_not_given_out(
    served: Served,
) -> None:
    await served.publish(b"other")

    reply = await served.ask(served.token(Digest.of(DATA)))

    assert reply.status == 409
    assert b"other bytes than this token is for" in reply.body


async def test_what_is_not_there_is_not_found(served: Served) -> None:
    reply = await served.ask(served.token(Digest.of(DATA)))

    assert (reply.status, reply.body) == (404, b"app package 'tool/1.0' not found")


async def test_a_name_that_no_store_takes_is_refused(served: Served) -> None:
    token = served.token(Digest.of(DATA), 'a"b')

    assert (await served.ask(token, "a%22b")).status == 400


async def test_a_store_that_says_no_is_our_fault_and_not_the_clients(served: Served) -> None:
    token = await served.publish(DATA)
    await api.call(served.connection, "STREAM.DELETE.OBJ_app_packages", {}, dict[str, object], "x")

    reply = await served.ask(token)

    assert (reply.status, reply.body) == (500, b"the package cannot be served: see our log")


async def test_one_download_too_many_is_told_to_come_again(served: Served) -> None:
    token = await served.publish(LARGE)
    slow = [served.begin(token) for _ in range(2)]
    await eventually(served.gateway._places.locked)
    served.gateway._limits = replace(PATIENT, patience=timedelta(seconds=0.1))

    busy = await served.ask(token)

    assert (busy.status, busy.headers["retry-after"]) == (503, "5")
    assert busy.body == b"2 downloads are under way; try again"
    for client in slow:
        client.close()


async def test_a_client_that_takes_nothing_is_left(served: Served) -> None:
    token = await served.publish(LARGE)
    served.gateway._limits = replace(PATIENT, stalled_after=timedelta(seconds=0.3))
    stalled = [served.begin(token) for _ in range(2)]
    await eventually(served.gateway._places.locked)

    await eventually(lambda: served.gateway._places._value == 2)

    for client in stalled:
        client.close()


async def test_a_client_that_goes_away_leaves_its_place(served: Served) -> None:
    token = await served.publish(LARGE)
    client = served.begin(token)
    await eventually(lambda: served.gateway._places._value == 1)

    client.close()

    await eventually(lambda: served.gateway._places._value == 2)
    assert await consumers(served.connection, "OBJ_app_packages") == []


async def test_a_damaged_package_is_an_error_and_never_a_short_success(served: Served) -> None:
    token = await served.publish(LARGE)
    await api.purge(served.connection, "OBJ_app_packages", "$O.app_packages.C.>")

    assert (await served.ask(token)).status == 500


async def test_a_package_that_was_forged_never_arrives_whole(served: Served) -> None:
    token = await served.publish(LARGE)
    names = (await api.stream_info(served.connection, "OBJ_app_packages", subjects=">")).state
    chunks = next(name for name in names.subjects or {} if ".C." in name)
    count = (names.subjects or {})[chunks]
    await api.purge(served.connection, "OBJ_app_packages", chunks)
    for _ in range(count):
        await api.store(served.connection, "OBJ_app_packages", chunks, b"x" * 600_000)

    with pytest.raises(aiohttp.ClientError):
        await served.ask(token)


async def test_a_store_that_does_not_answer_is_asked_again_later(served: Served) -> None:
    token = await served.publish(DATA)
    await served.connection.close()

    reply = await served.ask(token)

    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
