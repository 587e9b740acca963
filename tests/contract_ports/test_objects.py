"""What an object store guarantees, whoever implements `ports.Objects`."""

from dataclasses import dataclass

import pytest

from reconciler.errors import Conflict, DigestMismatch, KanadeRefused, NoRoom
from reconciler.jetstream import api
from reconciler.kanade.objects import NatsObjects
from reconciler.model.digest import Digest
from reconciler.model.identity import ObjectRef
from reconciler.ports import BytesContent, Objects
from tests.contract_ports.conftest import Ground
from tests.support.content import MemoryContent
from tests.support.fake_stores import FakeObjects
from tests.support.streams import create_object_store

REF = ObjectRef("tool", "2.0.0")
DATA = bytes(range(256)) * 1200
DIGEST = Digest.of(DATA)
STORE = "app_packages"
OTHER = b"somebody else's"


@dataclass(frozen=True, kw_only=True)
class Stores:
    """One store, seen by us and by somebody else."""

    ours: Objects
    theirs: Objects


@pytest.fixture
async def stores(ground: Ground) -> Stores:
    return await _stores(ground)


async def _stores(ground: Ground) -> Stores:
    if ground.world is not None:
        fakes = FakeObjects(ground.world, STORE), FakeObjects(ground.world, STORE)
        return Stores(ours=fakes[0], theirs=fakes[1])
    pair = []
    for connection in (await ground.connect(), await ground.connect()):
        adapter = NatsObjects(connection, STORE)
        await adapter.start()
        ground.stack.push_async_callback(adapter.stop)
        pair.append(adapter)
    return Stores(ours=pair[0], theirs=pair[1])


async def put(objects: Objects, data: bytes = DATA, *, replaces: int = 0) -> int:
    stored = await objects.publish(REF, BytesContent(data), Digest.of(data), replaces=replaces)
    return stored.sequence


async def test_what_we_publish_shows_at_once_and_to_others_after_a_refresh(stores: Stores) -> None:
    done = await stores.ours.publish(REF, BytesContent(DATA), DIGEST, replaces=0)

    assert dict(stores.ours.stored()) == {REF: done}
    assert (done.ref, done.size_bytes, done.digest) == (REF, len(DATA), DIGEST)
    await stores.theirs.refresh()
    assert dict(stores.theirs.stored()) == {REF: done}
    await stores.theirs.check(REF, DIGEST)


async def test_what_others_publish_shows_after_a_resync(stores: Stores) -> None:
    await put(stores.theirs)

    await stores.ours.resync()

    assert set(stores.ours.stored()) == {REF}


async def test_other_bytes_than_promised_are_never_seen(stores: Stores) -> None:
    with pytest.raises(DigestMismatch) as raised:
        await stores.ours.publish(REF, BytesContent(DATA + b"!"), DIGEST, replaces=0)

    assert (raised.value.expected, raised.value.actual) == (
        DIGEST.hex,
        Digest.of(DATA + b"!").hex,
    )
    for side in (stores.ours, stores.theirs):
        await side.refresh()
        assert dict(side.stored()) == {}


async def test_a_failed_replacement_leaves_the_old_object_whole(stores: Stores) -> None:
    sequence = await put(stores.ours)
    with pytest.raises(DigestMismatch):
        await stores.ours.publish(REF, BytesContent(b"x"), Digest.of(b"y"), replaces=sequence)

    await stores.theirs.refresh()
    assert stores.theirs.stored()[REF].sequence == sequence
    await stores.theirs.check(REF, DIGEST)


async def test_content_that_breaks_off_is_never_seen(stores: Stores) -> None:
    async def break_off(position: int) -> None:
        if position:
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        await stores.ours.publish(REF, MemoryContent(DATA * 9, break_off), DIGEST, replaces=0)

    await stores.theirs.refresh()
    assert dict(stores.theirs.stored()) == {}


async def test_what_was_seen_may_be_replaced_and_nothing_else(stores: Stores) -> None:
    first = await put(stores.ours)
    second = await put(stores.ours, OTHER, replaces=first)

    for seen in (0, first):
        with pytest.raises(Conflict):
            await put(stores.ours, replaces=seen)

    await stores.theirs.refresh()
    assert stores.theirs.stored()[REF].sequence == second
    await stores.theirs.check(REF, Digest.of(OTHER))


async def test_an_object_that_changes_under_an_upload_stays_as_it_is(stores: Stores) -> None:
    async def overtake(position: int) -> None:
        if position == 0:
            await put(stores.theirs, OTHER)

    with pytest.raises(Conflict):
        await stores.ours.publish(REF, MemoryContent(DATA, overtake), DIGEST, replaces=0)

    await stores.ours.check(REF, Digest.of(OTHER))


async def test_what_does_not_fit_is_not_stored(ground: Ground) -> None:
    if ground.world is not None:
        ground.world.room_bytes[STORE] = len(DATA) // 2
    elif ground.admin is not None:
        await api.ask(ground.admin, f"STREAM.DELETE.OBJ_{STORE}", {}, dict[str, object], STORE)
        await create_object_store(ground.admin, STORE, max_bytes=len(DATA) // 2)
    stores = await _stores(ground)

    room = await stores.ours.room()
    assert room is not None
    assert room <= len(DATA) // 2
    with pytest.raises(NoRoom):
        await put(stores.ours)

    await stores.theirs.refresh()
    assert dict(stores.theirs.stored()) == {}
    if ground.admin is not None:
        assert (await api.stream_info(ground.admin, f"OBJ_{STORE}")).state.bytes == 0


async def test_a_store_without_a_limit_takes_anything(stores: Stores) -> None:
    assert await stores.ours.room() is None


async def test_what_is_served_is_hashed(stores: Stores) -> None:
    await put(stores.ours)

    await stores.theirs.check(REF, DIGEST)
    with pytest.raises(DigestMismatch):
        await stores.theirs.check(REF, Digest.of(b"wanted"))
    with pytest.raises(KanadeRefused, match=r"there is no tool/3\.0\.0"):
        await stores.theirs.check(ObjectRef("tool", "3.0.0"), DIGEST)


async def test_what_was_deleted_is_gone_and_may_come_again(stores: Stores) -> None:
    sequence = await put(stores.ours)
    await stores.ours.delete(REF, sequence=sequence)
    await stores.ours.delete(REF, sequence=sequence)

    assert dict(stores.ours.stored()) == {}
    with pytest.raises(KanadeRefused):
        await stores.ours.check(REF, DIGEST)
    await put(stores.ours, replaces=0)
    assert set(stores.ours.stored()) == {REF}


async def test_what_was_seen_is_deleted_and_no_later_object_of_its_name(stores: Stores) -> None:
    first = await put(stores.ours)
    await stores.theirs.refresh()
    await put(stores.theirs, OTHER, replaces=first)

    for seen in (0, first):
        with pytest.raises(Conflict):
            await stores.ours.delete(REF, sequence=seen)

    await stores.ours.check(REF, Digest.of(OTHER))


@pytest.mark.parametrize("ref", [ObjectRef("a/b", "1"), ObjectRef("a", ".."), ObjectRef("ä", "1")])
async def test_a_name_that_kanade_cannot_serve_is_refused(stores: Stores, ref: ObjectRef) -> None:
    with pytest.raises(KanadeRefused, match="is no name of an object"):
        await stores.ours.publish(ref, BytesContent(DATA), DIGEST, replaces=0)

    assert dict(stores.ours.stored()) == {}
