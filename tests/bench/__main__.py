"""`python -m tests.bench`: every measure beside its limit and its anchor; 1 when one is broken."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from tests.bench import passes, planning, publishing, reaction
from tests.bench.measure import Measure, table, write


async def _groups(folder: Path) -> AsyncIterator[list[Measure]]:
    yield await publishing.measures(folder)
    yield await reaction.measures(folder / "stage")
    yield await planning.measures()
    yield await passes.measures(folder / "passes")


async def _take(folder: Path) -> list[Measure]:
    """Tell each group as soon as it is measured, so that none is lost with a later one."""
    taken: list[Measure] = []
    async for group in _groups(folder):
        taken += group
        write(taken)
        sys.stdout.write(table(group) + "\n\n")
        sys.stdout.flush()
    return taken


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="kanade-bench-") as folder:
        taken = asyncio.run(_take(Path(folder)))
    return int(any(item.verdict == "OVER" for item in taken))


if __name__ == "__main__":
    sys.exit(main())
