"""What a script writes, bounded: the first and the last of it are kept."""

LIMIT_BYTES = 32 * 256 * 1024
_HEAD_BYTES = LIMIT_BYTES // 3 * 2
_TAIL_BYTES = LIMIT_BYTES - _HEAD_BYTES


class Capture:
    """One stream of a script."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = bytearray()
        self._written = 0

    def add(self, data: bytes) -> None:
        """Take in what was read."""
        self._written += len(data)
        room = _HEAD_BYTES - len(self._head)
        self._head += data[:room]
        self._tail += data[room:] if room > 0 else data
        if len(self._tail) > _TAIL_BYTES:
            del self._tail[: len(self._tail) - _TAIL_BYTES]

    def text(self) -> str:
        """Return it decoded, with a note where bytes are missing."""
        if self._written <= LIMIT_BYTES:
            return bytes(self._head + self._tail).decode(errors="replace")
        kept = len(self._head) + len(self._tail)
        note = (
            f"\n[kanade] output truncated: {self._written} bytes written, "
            f"{self._written - kept} dropped (kept the first {len(self._head)} and last "
            f"{len(self._tail)}).\n[kanade] stdout is the control path for a run, not a bulk "
            "transfer channel — use a `collect:` job to ship large files.\n"
        )
        return self._head.decode(errors="replace") + note + self._tail.decode(errors="replace")
