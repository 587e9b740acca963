"""The stream of our events on a real server."""

from reconciler.jetstream import api
from reconciler.model.status import Event
from reconciler.state.events import EventLog
from reconciler.state.names import EVENTS_STREAM
from tests.support.builders import NOON
from tests.support.streams import connected


async def test_a_stream_that_somebody_has_deleted_is_made_again(nats_account: str) -> None:
    event = Event(at=NOON, kind="RevisionApplied", message="it is in force")
    async with connected(nats_account) as connection:
        log = EventLog(connection)
        await log.create()
        name = EVENTS_STREAM
        await api.call(connection, f"STREAM.DELETE.{name}", {}, dict[str, object], name)

        await log.publish([event])

        assert (await api.stream_info(connection, EVENTS_STREAM)).state.messages == 1
