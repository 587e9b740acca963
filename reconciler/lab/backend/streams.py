"""Every stream and bucket of kanade, with its very limits."""

from importlib.resources import files

from nats.aio.client import Client

from reconciler.lab import wire
from reconciler.lab.failure import LabFailed

_IN_USE = 10058
_TIMEOUT_SECONDS = 10


def stream_configurations(replicas: int) -> list[wire.Document]:
    """Return the configuration of each stream, captured from a real backend."""
    text = files("reconciler.lab.backend").joinpath("streams.json").read_text()
    listed = wire.decode(text)
    rows = listed if isinstance(listed, list) else []
    return [row | {"num_replicas": replicas} for row in rows if isinstance(row, dict)]


async def create_streams(client: Client, replicas: int) -> None:
    """Create what is missing; a stream that exists with other limits stays as it is.

    Raises:
        LabFailed: the broker does not let it be created.
    """
    for configuration in stream_configurations(replicas):
        name = str(configuration["name"])
        reply = await client.request(
            f"$JS.API.STREAM.CREATE.{name}", wire.encode(configuration), timeout=_TIMEOUT_SECONDS
        )
        error = wire.document(reply.data).get("error")
        if isinstance(error, dict) and error.get("err_code") != _IN_USE:
            raise LabFailed(f"stream {name} cannot be created: {error.get('description')}")
