"""A full store is named, with its limit, what is needed and the way out; nothing is sent."""

import pytest

from reconciler.errors import NoRoom
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.kanade.http import BackendClient, BackendOptions
from reconciler.kanade.http_objects import HttpObjects
from reconciler.kanade.http_write import BackendWriter
from reconciler.kanade.objects import NatsObjects
from reconciler.model.digest import Digest
from reconciler.model.identity import ObjectRef
from reconciler.ports import BytesContent
from tests.support.backend import answers, scripted
from tests.support.clock import FakeClock
from tests.support.lease import LeaseOfOne
from tests.support.streams import create_object_store

REF, DATA = ObjectRef("tool", "2.0"), bytes(3_000_000)
WORDS = (
    ": no room for tool/2.0: 3.0 MiB needed, 1.0 MiB of 1.0 MiB left of "
    "its max_bytes; delete old versions, or raise the limit: nats stream edit OBJ_app_packages "
    "--max-bytes 3125536; versions go by: kanade app delete NAME VERSION"
)


@pytest.fixture
async def full(kanade: Connection) -> NatsObjects:
    """Return kanade's packages, which take one more MiB."""
    await api.call(kanade, "STREAM.DELETE.OBJ_app_packages", {}, dict, "OBJ_app_packages")
    await create_object_store(kanade, "app_packages", max_bytes=1024 * 1024)
    objects = NatsObjects(kanade, "app_packages")
    await objects.start()
    return objects


async def test_over_nats(full: NatsObjects) -> None:
    with pytest.raises(NoRoom) as raised:
        await full.publish(REF, BytesContent(DATA), Digest.of(DATA), replaces=0)

    assert str(raised.value).startswith("object store app_packages on nats://")
    assert str(raised.value).endswith(WORDS)
    await full.stop()


async def test_through_the_backend_which_is_not_even_asked(full: NatsObjects) -> None:
    async with (
        scripted(answers(500, "maximum bytes exceeded")) as backend,
        BackendClient(BackendOptions(url=backend.url, token=lambda: "t"), FakeClock()) as client,
    ):
        with pytest.raises(NoRoom) as raised:
            await HttpObjects(BackendWriter(client, LeaseOfOne()), full).publish(
                REF, BytesContent(DATA), Digest.of(DATA), replaces=0
            )

        assert str(raised.value).endswith(WORDS)
        assert backend.asked == []
    await full.stop()
