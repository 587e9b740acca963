"""A key-value bucket, read and written without leaving a consumer behind."""

from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

_REMOVED = {"DEL", "PURGE"}


class Bucket:
    """One of kanade's key-value buckets."""

    def __init__(self, jetstream: JetStreamContext, name: str) -> None:
        self._jetstream = jetstream
        self._stream = f"KV_{name}"
        self._prefix = f"$KV.{name}."

    async def get(self, key: str) -> bytes | None:
        """Return the value, or `None` when there is none or it was deleted."""
        try:
            message = await self._jetstream.get_last_msg(
                self._stream, self._prefix + key, direct=True
            )
        except NotFoundError:
            return None
        operation = (message.headers or {}).get("KV-Operation")
        return None if operation in _REMOVED else message.data or b""

    async def put(self, key: str, value: bytes) -> None:
        """Write the value."""
        await self._jetstream.publish(self._prefix + key, value)

    async def delete(self, key: str) -> None:
        """Leave a marker in place of the value."""
        await self._jetstream.publish(self._prefix + key, b"", headers={"KV-Operation": "DEL"})

    async def entries(self) -> dict[str, bytes]:
        """Return every key with its value."""
        info = await self._jetstream.stream_info(self._stream, subjects_filter=self._prefix + ">")
        keys = (subject.removeprefix(self._prefix) for subject in info.state.subjects or {})
        found = {key: await self.get(key) for key in sorted(keys)}
        return {key: value for key, value in found.items() if value is not None}
