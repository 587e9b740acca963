"""Our own records as JSON, read back strictly: what does not fit was written by somebody else."""

from typing import TypeVar

import msgspec

T = TypeVar("T")


def encode(value: object) -> bytes:
    """Return *value*, a dataclass of the model, as JSON with a fixed order of its keys."""
    return msgspec.json.encode(value, order="deterministic")


def decode(data: bytes, kind: type[T]) -> T:
    """Read a record back.

    Raises:
        ValueError: it is not a record of *kind*, for the reason in the message.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ValueError(str(error)) from error
