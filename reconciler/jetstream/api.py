"""The few calls of the JetStream API that we need, typed; each is one round trip."""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

import msgspec

from reconciler.errors import KanadeUnavailable
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.message import Message
from reconciler.jetstream.wire_errors import (
    CONSUMER_NOT_FOUND,
    MESSAGE_NOT_FOUND,
    STREAM_NOT_FOUND,
    ApiError,
    refusal,
)

_ITSELF = "JetStream"
_ENDS = {"KV_": "bucket", "OBJ_": "object store"}


class SequencePair(msgspec.Struct):
    """A place in a consumer's own count, and in its stream."""

    consumer_seq: int = 0
    stream_seq: int = 0


class ConsumerConfig(msgspec.Struct):
    """What we use of a consumer's configuration."""

    metadata: dict[str, str] = {}


class ConsumerInfo(msgspec.Struct):
    """What we use of a consumer's state."""

    name: str
    config: ConsumerConfig
    delivered: SequencePair
    ack_floor: SequencePair
    """All up to here is acknowledged."""
    num_pending: int = 0
    num_waiting: int = 0


class StreamConfig(msgspec.Struct):
    """What we use of a stream's configuration."""

    name: str
    max_bytes: int = -1
    num_replicas: int = 1


class StreamState(msgspec.Struct):
    """What we use of a stream's state; `subjects` only where it was asked for."""

    bytes: int = 0
    messages: int = 0
    last_seq: int = 0
    subjects: dict[str, int] | None = None


class StreamInfo(msgspec.Struct):
    """A stream, and when (`ts`) it was so: the server's clock."""

    config: StreamConfig
    state: StreamState
    created: datetime
    ts: datetime


class AccountLimits(msgspec.Struct):
    """How much the account may store; negative means: as much as the server has."""

    max_storage: int = -1


class AccountInfo(msgspec.Struct):
    """What the account has stored."""

    storage: int = 0
    limits: AccountLimits = msgspec.field(default_factory=AccountLimits)


class _Done(msgspec.Struct):
    success: bool = True


class _Stored(msgspec.Struct):
    seq: int


class _Raw(msgspec.Struct):
    subject: str
    seq: int
    time: datetime
    data: str = ""
    hdrs: str = ""


class _Fetched(msgspec.Struct):
    message: _Raw


class _Answer(msgspec.Struct):
    error: ApiError | None = None


Answer = TypeVar("Answer")


def called(stream: str) -> str:
    """Return what people call a stream: `bucket jobs`, `object store scripts`, `stream EXEC`."""
    for prefix, kind in _ENDS.items():
        if stream.startswith(prefix):
            return f"{kind} {stream.removeprefix(prefix)}"
    return stream if stream == _ITSELF else f"stream {stream}"


async def stream_info(
    connection: Connection, stream: str, *, subjects: str | None = None
) -> StreamInfo:
    """Return a stream's state, with the count of messages by subject where *subjects* match.

    Raises:
        KanadeRefused: there is no such stream.
    """
    payload = {"subjects_filter": subjects} if subjects else {}
    return await call(connection, f"STREAM.INFO.{stream}", payload, StreamInfo, stream)


async def stream_exists(connection: Connection, stream: str) -> bool:
    """Return whether there is such a stream; silence is an error, never `False`."""
    found = await ask(connection, f"STREAM.INFO.{stream}", {}, StreamInfo, stream)
    return not (isinstance(found, ApiError) and _is_absent(found, STREAM_NOT_FOUND, stream))


async def create_stream(connection: Connection, config: Mapping[str, object]) -> ApiError | None:
    """Create a stream; one of this very configuration may be there. Returns why not, if not."""
    stream = str(config["name"])
    found = await ask(connection, f"STREAM.CREATE.{stream}", config, StreamInfo, stream)
    return found if isinstance(found, ApiError) else None


async def account_info(connection: Connection) -> AccountInfo:
    """Return what the account has stored, and how much it may."""
    return await call(connection, "INFO", {}, AccountInfo, _ITSELF)


async def consumer_info(connection: Connection, stream: str, name: str) -> ConsumerInfo | None:
    """Return a consumer's state, `None` when there is no such consumer."""
    subject = f"CONSUMER.INFO.{stream}.{name}"
    found = await ask(connection, subject, {}, ConsumerInfo, stream)
    if isinstance(found, ApiError):
        if found.err_code == CONSUMER_NOT_FOUND:
            return None
        raise refusal(found, connection.at(called(stream)))
    return found


async def create_consumer(
    connection: Connection, stream: str, config: Mapping[str, object]
) -> ConsumerInfo:
    """Create the consumer that *config* names, or bring it to this configuration."""
    subject = f"CONSUMER.CREATE.{stream}.{config['name']}"
    if "filter_subject" in config:
        subject += f".{config['filter_subject']}"
    payload = {"stream_name": stream, "config": config}
    return await call(connection, subject, payload, ConsumerInfo, stream)


async def delete_consumer(connection: Connection, stream: str, name: str) -> None:
    """Delete a consumer; one that is not there is no error."""
    subject = f"CONSUMER.DELETE.{stream}.{name}"
    found = await ask(connection, subject, {}, _Done, stream)
    if isinstance(found, ApiError) and found.err_code not in {CONSUMER_NOT_FOUND, STREAM_NOT_FOUND}:
        raise refusal(found, connection.at(called(stream)))


async def purge(
    connection: Connection, stream: str, subject: str, *, before: int | None = None
) -> None:
    """Remove what is stored on *subject*, or only what stands *before* a sequence."""
    payload: dict[str, object] = {"filter": subject}
    if before is not None:
        payload["seq"] = before
    await call(connection, f"STREAM.PURGE.{stream}", payload, _Done, stream)


async def last_message(connection: Connection, stream: str, subject: str) -> Message | None:
    """Return the last message on *subject*, as the stream's leader has it."""
    verb = f"STREAM.MSG.GET.{stream}"
    found = await ask(connection, verb, {"last_by_subj": subject}, _Fetched, stream)
    if isinstance(found, ApiError):
        if found.err_code == MESSAGE_NOT_FOUND:
            return None
        raise refusal(found, connection.at(called(stream)))
    raw = found.message
    headers = _parse_headers(base64.b64decode(raw.hdrs))
    return Message(raw.subject, base64.b64decode(raw.data), headers, raw.seq, raw.time)


async def store(
    connection: Connection,
    stream: str,
    subject: str,
    data: bytes,
    headers: Mapping[str, str] | None = None,
) -> int:
    """Publish into *stream*, and return the sequence at which it is stored.

    Raises:
        Conflict: an expectation in *headers* does not hold; nothing was written.
        NoRoom: the stream, the account or the disk is full; nothing was written.
        KanadeUnavailable: no answer: it may have been written.
    """
    expected = {"Nats-Expected-Stream": stream, **(headers or {})}
    try:
        message = await connection.request(subject, data, what=called(stream), headers=expected)
    except KanadeUnavailable:
        # Nobody answers on the subject of a stream that is not there: say so, if it is that.
        await stream_info(connection, stream)
        raise
    return stored_at(message.data, connection.at(called(stream)))


def stored_at(answer: bytes, endpoint: str) -> int:
    """Return the sequence that the answer to a publish names; raises what `store` raises."""
    found = _decoded(answer, _Stored, endpoint)
    if isinstance(found, ApiError):
        raise refusal(found, endpoint)
    return found.seq


async def call(
    connection: Connection, verb: str, payload: object, kind: type[Answer], stream: str
) -> Answer:
    """Ask the API, and return its answer; raises what `wire_errors.refusal` makes of a no."""
    found = await ask(connection, verb, payload, kind, stream)
    if isinstance(found, ApiError):
        raise refusal(found, connection.at(called(stream)))
    return found


async def ask(
    connection: Connection, verb: str, payload: object, kind: type[Answer], stream: str
) -> Answer | ApiError:
    """Ask the API, and return its answer, or the error that it answers."""
    what = called(stream)
    answer = await connection.request(f"$JS.API.{verb}", msgspec.json.encode(payload), what=what)
    return _decoded(answer.data, kind, connection.at(what))


def _decoded(answer: bytes, kind: type[Answer], endpoint: str) -> Answer | ApiError:
    try:
        error = msgspec.json.decode(answer, type=_Answer).error
        return error if error is not None else msgspec.json.decode(answer, type=kind)
    except msgspec.MsgspecError as problem:
        raise KanadeUnavailable(
            f"{endpoint}: an answer that is not JetStream's: {problem}"
        ) from problem


def _is_absent(error: ApiError, code: int, stream: str) -> bool:
    if error.err_code == code:
        return True
    raise refusal(error, called(stream))


def _parse_headers(raw: bytes) -> dict[str, str]:
    """Read `NATS/1.0` and the lines that follow it."""
    lines = raw.decode("utf-8", "replace").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}
