"""Publish a file as the controller does, once for each line of the input.

`python -m tests.bench.publisher CONFIG FILE SHA256`: a process that lives as long as a controller,
with all that a controller has in memory. Each line is a version; each answer a line of figures.
"""

import asyncio
import sys
import time
from pathlib import Path

from reconciler.cli.collector import expect_many_values
from reconciler.cli.settings import load_settings
from reconciler.cli.wiring import open_runtime
from reconciler.model.attempt import Via
from reconciler.model.desired import Artifact, FileArtifact
from reconciler.model.digest import Digest
from reconciler.model.identity import ObjectRef
from tests.bench.alone import tell
from tests.support.snapshots import snapshot_of


async def main(config: str, file: str, sha256: str) -> None:
    """Tell the seconds of each publishing, and those of reading it back, then remove it."""
    artifact = Artifact(origin=FileArtifact(path=file), digest=Digest(sha256))
    async with open_runtime(load_settings(Path(config)), leader=False) as runtime:
        performer = runtime.work.performer
        packages = performer.ways[Via.NATS].packages
        while version := (await asyncio.to_thread(sys.stdin.readline)).strip():
            ref = ObjectRef("bench", version)
            begun = time.perf_counter()
            async with performer.artifacts.open(artifact, snapshot_of({})) as content:
                await content.stated_version()
                done = await packages.publish(ref, content, artifact.digest, replaces=0)
            published = time.perf_counter()
            await packages.check(ref, artifact.digest)
            checked = time.perf_counter()
            await packages.delete(ref, sequence=done.sequence)
            tell({"seconds": published - begun, "read_back_seconds": checked - published})


if __name__ == "__main__":
    expect_many_values()
    asyncio.run(main(*sys.argv[1:]))
