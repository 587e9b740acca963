"""The end of a run's output, wherever kanade has put it; bounded, and otherwise as it is."""

from reconciler.errors import KanadeRefused
from reconciler.jetstream.connection import Connection
from reconciler.jetstream.download import download
from reconciler.kanade.names import RESULT_OUTPUT
from reconciler.kanade.objects import find_object

TAIL = 4096
"""So many characters of an output are kept."""
_LONGEST_BYTES = 64 * 1024 * 1024
_BLOCK_BYTES = 256 * 1024
_KEPT_BYTES = 4 * TAIL


def tail(text: str) -> str:
    """Return the last of *text*."""
    return text[-TAIL:]


def last_line(text: str) -> str:
    """Return the last line of *text* that is not blank."""
    lines = text.rstrip().rsplit("\n", 1)
    return tail(lines[-1].strip())


async def fetch_tail(connection: Connection, key: str) -> str:
    """Return the end of an output that is kept apart from its result.

    Raises:
        KanadeRefused: it is not there (any more), or too long to be read.
        ArtifactRefused: it is damaged.
        KanadeUnavailable: no answer.
    """
    info = await find_object(connection, RESULT_OUTPUT, key)
    if info.size > _LONGEST_BYTES:
        raise KanadeRefused(f"{key}: {info.size:,} bytes; at most {_LONGEST_BYTES:,} are read")
    kept = bytearray()
    async with download(connection, info) as content:
        async for block in content.blocks(_BLOCK_BYTES):
            kept += block
            del kept[:-_KEPT_BYTES]
    return kept.decode("utf-8", "replace")
