"""Measuring in a process of its own, so that its memory is nobody else's."""

import asyncio
import json
import resource
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

_BYTES_A_UNIT = 1 if sys.platform == "darwin" else 1024

Figures = dict[str, float]


@asynccontextmanager
async def alone(module: str, *arguments: str) -> AsyncIterator[Callable[[str], Awaitable[Figures]]]:
    """Run a module that answers each line of its input with `tell`; give what asks it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None
    assert stdout is not None

    async def ask(line: str) -> Figures:
        stdin.write(f"{line}\n".encode())
        answer = await stdout.readline()
        assert answer, f"{module} has ended without an answer"
        figures: Figures = json.loads(answer)
        return figures

    try:
        yield ask
    finally:
        stdin.close()
        await process.wait()


def tell(figures: Mapping[str, float]) -> None:
    """Print *figures*, and the most memory that this process has had so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _BYTES_A_UNIT / 1_000_000
    sys.stdout.write(json.dumps({**figures, "rss_mb": round(peak, 1)}) + "\n")
    sys.stdout.flush()
