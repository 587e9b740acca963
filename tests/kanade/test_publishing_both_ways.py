"""Publishing over NATS and through the backend: the embedded one, and kanade's own."""

import asyncio
import os

import pytest

from reconciler.errors import Conflict, DigestMismatch
from reconciler.model.digest import Digest
from reconciler.model.identity import ObjectRef
from reconciler.ports import BytesContent, Content
from tests.contract.commands import unique
from tests.support.adapters import Adapters
from tests.support.content import MemoryContent

pytestmark = pytest.mark.asyncio(loop_scope="session")
both_ways = pytest.mark.parametrize("way", ["nats", "http"])

LARGE = os.urandom(6_000_000)
SMALL = b"#!/bin/sh\necho tool 2.0\n"


@both_ways
@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
async def test_what_is_published_either_way_is_served_and_can_be_deleted(
    adapters: Adapters, way: str, data: bytes
) -> None:
    ref, objects = ObjectRef(unique("tool"), "2.0"), adapters.objects(way)
    stored = await objects.publish(ref, BytesContent(data), Digest.of(data), replaces=0)

    assert objects.stored()[ref] == stored
    assert stored.digest == Digest.of(data)
    await objects.check(ref, Digest.of(data))
    served = await adapters.fleet.ask("GET", f"/api/app-packages/{ref}")
    assert (served.status, served.body) == (200, data)

    with pytest.raises(Conflict, match="has changed since it was read"):
        await objects.delete(ref, sequence=stored.sequence - 1)
    assert ref in objects.stored()
    await objects.delete(ref, sequence=stored.sequence)
    await objects.delete(ref, sequence=stored.sequence)
    await objects.refresh()
    assert ref not in objects.stored()


@both_ways
@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
async def test_bytes_of_another_digest_are_never_to_be_seen(
    adapters: Adapters, way: str, data: bytes
) -> None:
    ref, objects = ObjectRef(unique("tool"), "2.0"), adapters.objects(way)
    with pytest.raises(DigestMismatch, match="expected sha256"):
        await objects.publish(ref, BytesContent(data), Digest.of(b"promised"), replaces=0)

    await objects.refresh()
    assert ref not in objects.stored()
    served = await adapters.fleet.ask("GET", f"/api/app-packages/{ref}")
    assert served.status == 404


@both_ways
async def test_an_upload_that_is_cancelled_leaves_nothing_to_be_seen(
    adapters: Adapters, way: str
) -> None:
    ref, objects = ObjectRef(unique("tool"), "2.0"), adapters.objects(way)
    half_way = asyncio.Event()

    async def stop_half_way(position: int) -> None:
        if position > len(LARGE) // 2:
            half_way.set()
            await asyncio.Event().wait()

    content: Content = MemoryContent(LARGE, stop_half_way)
    task = asyncio.ensure_future(objects.publish(ref, content, Digest.of(LARGE), replaces=0))
    async with asyncio.timeout(60):
        await half_way.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await objects.refresh()
    assert ref not in objects.stored()


@both_ways
async def test_an_object_that_has_changed_is_not_replaced(adapters: Adapters, way: str) -> None:
    ref, objects = ObjectRef(unique("tool"), "2.0"), adapters.objects(way)
    stored = await objects.publish(ref, BytesContent(SMALL), Digest.of(SMALL), replaces=0)
    with pytest.raises(Conflict, match="has changed since it was read"):
        await objects.publish(ref, BytesContent(LARGE), Digest.of(LARGE), replaces=0)

    again = await objects.publish(
        ref, BytesContent(b"new"), Digest.of(b"new"), replaces=stored.sequence
    )
    assert again.sequence > stored.sequence
    await objects.check(ref, Digest.of(b"new"))
