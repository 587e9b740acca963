"""Streams of our own: made where they are missing, on as many servers as they can be."""

from collections.abc import Mapping

import msgspec
import structlog

from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.wire_errors import (
    NO_SUITABLE_PEERS,
    REPLICAS_NOT_SUPPORTED,
    STREAM_NAME_IN_USE,
    ApiError,
    refusal,
)

_CLUSTER_REPLICAS = 3
_TOO_FEW_SERVERS = frozenset({NO_SUITABLE_PEERS, REPLICAS_NOT_SUPPORTED})

log = structlog.get_logger()


class _Stored(msgspec.Struct):
    """A stream's whole configuration, also what we know nothing of."""

    config: dict[str, object]


async def make_stream(connection: Connection, config: Mapping[str, object]) -> None:
    """Make the stream of *config* if it is not there, on three servers where there are as many.

    One that exists keeps its configuration, but for its replicas: it may be older than the
    cluster, or have been made while servers were down.

    Raises:
        KanadeRefused: there is no room or no permission for it.
        KanadeUnavailable: the server does not answer.
    """
    stream = str(config["name"])
    replicas = _CLUSTER_REPLICAS if connection.clustered else 1
    error = await api.create_stream(connection, {**config, "num_replicas": replicas})
    if error is not None and error.err_code in _TOO_FEW_SERVERS:
        _tell(stream, error)
        error = await api.create_stream(connection, {**config, "num_replicas": 1})
    elif error is not None and error.err_code == STREAM_NAME_IN_USE:
        error = await _raise_replicas(connection, stream, replicas)
    if error is not None and error.err_code != STREAM_NAME_IN_USE:
        raise refusal(error, connection.at(api.called(stream)))


async def _raise_replicas(connection: Connection, stream: str, replicas: int) -> ApiError | None:
    stored = await api.call(connection, f"STREAM.INFO.{stream}", {}, _Stored, stream)
    if int(str(stored.config.get("num_replicas", 1))) >= replicas:
        return None
    wanted = {**stored.config, "num_replicas": replicas}
    answer = await api.ask(connection, f"STREAM.UPDATE.{stream}", wanted, _Stored, stream)
    if isinstance(answer, ApiError) and answer.err_code in _TOO_FEW_SERVERS:
        _tell(stream, answer)
        return None
    if isinstance(answer, ApiError):
        return answer
    log.info("stream has more replicas", stream=stream, replicas=replicas)
    return None


def _tell(stream: str, error: ApiError) -> None:
    log.warning(
        "stream has one replica",
        stream=stream,
        error=error.description,
        hint="bring the cluster's servers up: the next resync copies it",
    )
