"""The buckets and streams that kanade's backend makes at its start, those that we use."""

from reconciler.jetstream.connection import Connection
from reconciler.jetstream.kv import Bucket
from tests.support.streams import create_object_store, create_stream

_BUCKETS = (
    "jobs",
    "jobs_yaml",
    "script_current",
    "script_status",
    "agent_groups",
    "agent_groups_derived",
    "fleet_config",
    "schedules",
)


async def make_kanade(connection: Connection) -> None:
    """Make them all, empty."""
    for bucket in _BUCKETS:
        await Bucket(connection, bucket).create(history=5)
    for store in ("app_packages", "scripts", "result_output"):
        await create_object_store(connection, store)
    await create_stream(connection, "EXEC", "commands.>", last=1)
    await create_stream(connection, "RESULTS", "results.>")
    await create_stream(connection, "EVENTS", "events.>")
