"""The end of a host's log, on request: kanade's `logs.rs` and `log_tail.rs`."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from nats.aio.msg import Msg

from reconciler.lab import wire

_MOST_BYTES = 800 * 1024
_DEFAULT_LINES = 500
_MOST_LINES = 2**32 - 1
_HALF_CHARACTER = re.compile(rb"\A[\x80-\xbf]{1,3}")


def answerer(path: Path) -> Callable[[Msg], Awaitable[None]]:
    """Return what answers requests for the end of *path*; who leaves no address gets nothing."""

    async def answer(message: Msg) -> None:
        if message.reply:
            await message.respond(_tail(path, _lines_asked(message.data)))

    return answer


def _tail(path: Path, count: int) -> bytes:
    try:
        text = path.read_bytes().decode(errors="replace") if count else ""
    except OSError as error:
        reason = f"{error.strerror} (os error {error.errno})"
        return f'logs.fetch: read "{path}": {reason}'.encode()
    lines = text.removesuffix("\n").split("\n") if text else []
    ended = "".join(f"{line.removesuffix(chr(13))}\n" for line in lines[-count:]).encode()
    return ended if len(ended) <= _MOST_BYTES else _HALF_CHARACTER.sub(b"", ended[-_MOST_BYTES:])


def _lines_asked(payload: bytes) -> int:
    """Return how many lines are asked for; a request that cannot be read asks for the default."""
    try:
        wanted = wire.document(payload).get("tail_lines", _DEFAULT_LINES)
    except ValueError:
        return _DEFAULT_LINES
    fits = type(wanted) is int and 0 <= wanted <= _MOST_LINES
    return wanted if isinstance(wanted, int) and fits else _DEFAULT_LINES
