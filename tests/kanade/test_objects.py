import base64
import json
import os
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from reconciler.errors import Conflict, DigestMismatch, KanadeRefused
from reconciler.jetstream import api, orphans
from reconciler.jetstream.connection import Connection
from reconciler.kanade.objects import NatsObjects
from reconciler.model.digest import Digest
from reconciler.model.identity import ObjectRef
from reconciler.ports import BytesContent
from tests.support.streams import connected, subjects

REF = ObjectRef("kanade-backend", "0.43.0")
DATA = os.urandom(700_000)
DIGEST = Digest.of(DATA)


@pytest.fixture
async def packages(kanade: Connection) -> AsyncIterator[NatsObjects]:
    packages = NatsObjects(kanade, "app_packages")
    await packages.start()
    yield packages
    await packages.stop()


async def put_metadata(connection: Connection, name: str, data: bytes) -> int:
    key = base64.urlsafe_b64encode(name.encode()).decode()
    return await api.store(connection, "OBJ_app_packages", f"$O.app_packages.M.{key}", data)


async def test_a_published_package_shows_at_once_and_can_be_read(packages: NatsObjects) -> None:
    done = await packages.publish(REF, BytesContent(DATA), DIGEST, replaces=0)

    assert packages.stored() == {REF: done}
    assert (done.size_bytes, done.digest) == (len(DATA), DIGEST)
    await packages.check(REF, DIGEST)
    assert await packages.read_small(str(REF), 1_000_000) == DATA
    async with packages.open(REF) as content:
        assert content.size_bytes == len(DATA)
        assert b"".join([block async for block in content.blocks(1000)]) == DATA


async def test_what_others_publish_and_delete_is_seen_after_a_refresh(
    packages: NatsObjects, nats_account: str
) -> None:
    async with connected(nats_account) as connection:
        other = NatsObjects(connection, "app_packages")
        await other.start()
        done = await other.publish(REF, BytesContent(DATA), DIGEST, replaces=0)
        await packages.refresh()
        assert set(packages.stored()) == {REF}

        await other.delete(REF, sequence=done.sequence)
        await packages.refresh()
        assert dict(packages.stored()) == {}
        await other.stop()


async def test_a_deleted_package_can_be_published_again(packages: NatsObjects) -> None:
    done = await packages.publish(REF, BytesContent(DATA), DIGEST, replaces=0)
    await packages.delete(REF, sequence=done.sequence)
    await packages.delete(REF, sequence=done.sequence)
    assert dict(packages.stored()) == {}

    await packages.publish(REF, BytesContent(DATA), DIGEST, replaces=0)
    assert set(packages.stored()) == {REF}


async def test_a_package_that_was_replaced_meanwhile_is_not_overwritten(
    packages: NatsObjects,
) -> None:
    await packages.publish(REF, BytesContent(DATA), DIGEST, replaces=0)

    with pytest.raises(Conflict):
        await packages.publish(REF, BytesContent(b"x"), Digest.of(b"x"), replaces=0)


async def test_bytes_that_somebody_has_tampered_with_are_found_out(
    packages: NatsObjects, kanade: Connection
) -> None:
    done = await packages.publish(REF, BytesContent(DATA), DIGEST, replaces=0)
    with pytest.raises(DigestMismatch, match=r"object store app_packages on .*: kanade-backend/"):
        await packages.check(REF, Digest.of(b"wanted"))

    await api.purge(kanade, "OBJ_app_packages", f"$O.app_packages.C.{done.nuid}")
    for position in range(0, len(DATA), 512 * 1024):
        chunk = DATA[position : position + 512 * 1024].replace(DATA[-3:], b"eve")
        await api.store(kanade, "OBJ_app_packages", f"$O.app_packages.C.{done.nuid}", chunk)
    with pytest.raises(DigestMismatch):
        await packages.check(REF, DIGEST)


async def test_what_is_not_there_or_too_large_is_refused(packages: NatsObjects) -> None:
    with pytest.raises(KanadeRefused, match=r"there is no kanade-backend/0\.43\.0"):
        await packages.check(REF, DIGEST)
    await packages.publish(REF, BytesContent(DATA), DIGEST, replaces=0)
    with pytest.raises(KanadeRefused, match="700,000 bytes, more than 1,000"):
        await packages.read_small(str(REF), 1000)


async def test_the_metadata_of_the_real_backend_is_read(
    packages: NatsObjects, kanade: Connection, captured: object
) -> None:
    assert callable(captured)
    recorded = captured("nats/object-meta-app_packages.json")
    await put_metadata(kanade, recorded["data"]["name"], json.dumps(recorded["data"]).encode())
    await packages.refresh()

    found = packages.stored()[ObjectRef("kanade-backend", "0.101.0")]
    assert found.size_bytes == 60225465
    assert found.digest == Digest.parse("SHA-256=WKgW95tRaUM8JbR2HmgnivTvQH_nJrpbyUNib34Yzsw")
    assert found.nuid == "5sxlOEgvAOnPXUJBjPk0Ow"


async def test_metadata_that_cannot_be_read_does_not_look_like_nothing(
    packages: NatsObjects, kanade: Connection
) -> None:
    sequence = await put_metadata(kanade, str(REF), b"{garbage")
    await put_metadata(kanade, "no-version", b"{}")
    await put_metadata(kanade, "__uploads/app/id", b"{}")
    await packages.refresh()

    found = packages.stored()
    assert set(found) == {REF}
    assert (found[REF].digest, found[REF].sequence) == (None, sequence)
    done = await packages.publish(REF, BytesContent(DATA), DIGEST, replaces=sequence)
    assert packages.stored()[REF] == done


@pytest.mark.parametrize(
    ("name", "version"),
    [("", "1"), ("a", ""), ("a", ".."), (".", "1"), ("a/b", "1"), ("a", 'x"y'), ("ä", "1"),
     ("a", "1\\2"), ("a\n", "1")],
)  # fmt: skip
async def test_a_name_that_kanade_would_refuse_is_refused(
    packages: NatsObjects, name: str, version: str
) -> None:
    with pytest.raises(KanadeRefused, match="is no name of an object"):
        await packages.publish(ObjectRef(name, version), BytesContent(b"x"), DIGEST, replaces=0)


async def test_equal_readings_are_the_same_mapping(packages: NatsObjects) -> None:
    done = await packages.publish(REF, BytesContent(DATA), DIGEST, replaces=0)
    before = packages.stored()
    await packages.refresh()
    assert packages.stored() is before

    await packages.delete(REF, sequence=done.sequence)
    assert packages.stored() is not before


async def test_a_sweep_removes_what_we_left_and_keeps_what_has_a_name(
    packages: NatsObjects, kanade: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = await packages.publish(REF, BytesContent(DATA), DIGEST, replaces=0)
    await api.store(kanade, "OBJ_app_packages", "$O.app_packages.C.KRleft", b"chunk")
    monkeypatch.setattr(orphans.clear_orphans, "__defaults__", (timedelta(0),))
    swept = await packages.sweep()

    assert swept.removed == {"KRleft"}
    assert f"$O.app_packages.C.{done.nuid}" in await subjects(kanade, "OBJ_app_packages")
    await packages.check(REF, DIGEST)
