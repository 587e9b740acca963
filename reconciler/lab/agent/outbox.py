"""What leaves the agent, on disk until the broker has it."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from nats.errors import Error as NatsError

from reconciler.lab import wire
from reconciler.lab.agent.log import Log
from reconciler.lab.objects import StoreRefused

Send = Callable[[wire.Document], Awaitable[None]]


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash, finds all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(path.suffix + ".tmp")
    partial.write_bytes(content)
    os.replace(partial, path)  # noqa: PTH105 - Path.replace says no more


class Outbox:
    """A folder of messages, one file each, sent oldest first."""

    def __init__(self, folder: Path, send: Send, log: Log) -> None:
        self._folder = folder
        self._log = log
        self._send = send

    def enqueue(self, name: str, message: wire.Document) -> None:
        """Keep *message* until it is sent; one of the same name is replaced."""
        write_whole(self._folder / f"{name}.json", wire.encode(message))

    def held(self, name: str) -> wire.Document | None:
        """Return the message of that name that is not sent yet."""
        path = self._folder / f"{name}.json"
        return wire.document(path.read_bytes()) if path.exists() else None

    async def drain(self, every_seconds: float) -> None:
        """Send what there is, again and again; what fails is tried in the next round."""
        while True:
            for path in self._waiting():
                try:
                    await self._send(wire.document(path.read_bytes()))
                except (NatsError, StoreRefused, OSError) as error:
                    self._log.say(f"outbox: {path.name}: {error!r}")
                else:
                    path.unlink(missing_ok=True)
            await asyncio.sleep(every_seconds)

    def _waiting(self) -> list[Path]:
        files = self._folder.glob("*.json")
        return sorted(files, key=lambda path: path.stat().st_mtime_ns)
