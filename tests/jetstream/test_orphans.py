from datetime import timedelta

import pytest

from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.orphans import clear_orphans
from tests.support.streams import create_object_store, subjects


@pytest.fixture
async def store(connection: Connection) -> Connection:
    await create_object_store(connection, "box")
    for nuid in ("KRours", "KRnamed", "theirs"):
        await api.store(connection, "OBJ_box", f"$O.box.C.{nuid}", b"chunk")
    return connection


async def named() -> frozenset[str]:
    return frozenset({"KRnamed"})


async def test_only_what_is_ours_and_abandoned_is_removed(store: Connection) -> None:
    found = await clear_orphans(store, "box", named, idle=timedelta(0))

    assert found.removed == {"KRours"}
    assert found.foreign == {"theirs"}
    assert set(await subjects(store, "OBJ_box")) == {"$O.box.C.KRnamed", "$O.box.C.theirs"}


async def test_an_upload_that_may_be_going_on_is_left_alone(store: Connection) -> None:
    found = await clear_orphans(store, "box", named)

    assert found.removed == frozenset()
    assert "$O.box.C.KRours" in await subjects(store, "OBJ_box")


async def test_what_gets_a_name_while_we_look_is_kept(store: Connection) -> None:
    async def named_late() -> frozenset[str]:
        return frozenset({"KRnamed", "KRours"})

    await clear_orphans(store, "box", named_late, idle=timedelta(0))

    assert "$O.box.C.KRours" in await subjects(store, "OBJ_box")
