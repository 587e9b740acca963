"""NATS's own command line, written in Go: the anchor of what publishing costs."""

import asyncio
import os
import shutil
import time
from pathlib import Path

from reconciler.model.identity import ObjectRef

_MODULE = "github.com/nats-io/natscli/nats@latest"


class NotMeasured(Exception):
    """The anchor is not to be had here; says why."""


def binary() -> Path:
    """Return where it is: in a cache outside of the repository, filled the first time."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    place = cache / "kanade-reconciler" / "gobin"
    return place / "nats"


async def installed() -> Path:
    """Install it if it is not there.

    Raises:
        NotMeasured: there is no Go here, or it could not install it.
    """
    nats = binary()
    if nats.exists():
        return nats
    go = shutil.which("go")
    if go is None:
        raise NotMeasured("there is no Go here to install `nats` with")
    environment = {**os.environ, "GOBIN": str(nats.parent)}
    process = await asyncio.create_subprocess_exec(go, "install", _MODULE, env=environment)
    if await process.wait() != 0:
        raise NotMeasured(f"go install {_MODULE} failed")
    return nats


async def object_put(nats: Path, url: str, bucket: str, file: Path, ref: ObjectRef) -> float:
    """Return the seconds that `nats object put` takes."""
    begun = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        str(nats), "--server", url, "object", "put", bucket, str(file), "--name", str(ref),
        "--force", "--no-progress",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert await process.wait() == 0
    return time.perf_counter() - begun
