"""The smallest client there is, for asking a part of the lab whether it answers."""

import asyncio
from dataclasses import dataclass

from reconciler.lab.ports import LOOPBACK

_SECONDS = 2


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    body: bytes


async def ask(port: int, path: str) -> Answer | None:
    """Return the answer of the server on *port*, or `None` when it gives none in time."""
    try:
        async with asyncio.timeout(_SECONDS):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                writer.write(f"GET {path} HTTP/1.0\r\nHost: {LOOPBACK}\r\n\r\n".encode())
                answer = await reader.read()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    return Answer(status=int(words[1]), body=body) if len(words) > 1 else None
