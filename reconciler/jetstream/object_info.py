"""Objects as NATS keeps them (ADR-20): chunks on one subject, metadata on another."""

import base64
from datetime import datetime

import msgspec

from reconciler.errors import KanadeRefused
from reconciler.model.digest import Digest

NUID_PREFIX = "KR"
"""Begins the chunk ids that are ours, so that we may clear away what we left behind."""

_MAX_NAME_BYTES = 256


class Options(msgspec.Struct):
    """How an object is stored."""

    link: object = None
    max_chunk_size: int | None = None


class ObjectInfo(msgspec.Struct, kw_only=True):
    """The metadata of an object, in the order of members that kanade's own has."""

    name: str
    description: str | None = None
    metadata: dict[str, str] | None = None
    headers: dict[str, list[str]] | None = None
    options: Options | None = None
    bucket: str
    nuid: str
    size: int = 0
    chunks: int = 0
    mtime: datetime | None = None
    digest: str | None = None
    deleted: bool | msgspec.UnsetType = msgspec.UNSET

    @property
    def sha256(self) -> Digest | None:
        """The digest of a plain object; `None` for a link, or where it cannot be read."""
        if self.digest is None or (self.options is not None and self.options.link is not None):
            return None
        try:
            return Digest.parse(self.digest)
        except ValueError:
            return None


def stream_of(bucket: str) -> str:
    """Return the stream that holds an object store."""
    return f"OBJ_{bucket}"


def chunks_subject(bucket: str, nuid: str) -> str:
    """Return where the chunks of one object are."""
    return f"$O.{bucket}.C.{nuid}"


def metadata_filter(bucket: str) -> str:
    """Return what matches the metadata of all objects."""
    return f"$O.{bucket}.M.>"


def metadata_subject(bucket: str, name: str) -> str:
    """Return where the metadata of the object called *name* is.

    Raises:
        KanadeRefused: a name that long would make the server end the connection.
    """
    raw = name.encode()
    if not 0 < len(raw) <= _MAX_NAME_BYTES:
        raise KanadeRefused(
            f"object store {bucket}: a name of {len(raw)} bytes; 1 to {_MAX_NAME_BYTES} are allowed"
        )
    return f"$O.{bucket}.M.{base64.urlsafe_b64encode(raw).decode('ascii')}"


def decode_info(data: bytes) -> ObjectInfo:
    """Read metadata.

    Raises:
        ValueError: it is none; `msgspec.ValidationError` is one.
    """
    return msgspec.json.decode(data, type=ObjectInfo)
