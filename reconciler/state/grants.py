"""What a NATS user must be permitted of what we keep ourselves; no I/O."""

from reconciler.jetstream.grants import Grants, fed, made, mirrored, sending, written
from reconciler.state.names import (
    ALL_EVENTS,
    EVENTS_STREAM,
    EVENTS_SUBJECT,
    REQUESTS_BUCKET,
    STATE_BUCKET,
)


def reading() -> Grants:
    """Read the status, what people asked for, and the events."""
    return (
        mirrored(f"KV_{STATE_BUCKET}", f"$KV.{STATE_BUCKET}.>")
        | mirrored(f"KV_{REQUESTS_BUCKET}", f"$KV.{REQUESTS_BUCKET}.>")
        | mirrored(EVENTS_STREAM, ALL_EVENTS)
    )


def asking() -> Grants:
    """Write down what a person asks for."""
    return reading() | written(REQUESTS_BUCKET)


def publishing(kind: str) -> Grants:
    """Add events of one kind to those that the leader writes."""
    return sending(f"{EVENTS_SUBJECT}.*.{kind}")


def leading() -> Grants:
    """Make all of it, write it, and carry the events elsewhere."""
    return (
        asking()
        | written(STATE_BUCKET)
        | made(f"KV_{STATE_BUCKET}")
        | made(f"KV_{REQUESTS_BUCKET}")
        | made(EVENTS_STREAM)
        | sending(ALL_EVENTS)
        | fed(EVENTS_STREAM, ALL_EVENTS, "*")
    )
