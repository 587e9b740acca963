"""Publishing 200 MB, beside `nats object put` of the same file into the same store."""

import hashlib
import os
from pathlib import Path
from statistics import median

from reconciler.kanade.names import APP_PACKAGES
from reconciler.kanade.objects import NatsObjects
from reconciler.model.identity import ObjectRef
from tests.bench.alone import Figures, alone
from tests.bench.go_nats import NotMeasured, installed, object_put
from tests.bench.measure import Measure
from tests.support.kanade_streams import make_kanade
from tests.support.nats import running
from tests.support.streams import connected

_SIZE_BYTES = 200 * 1000 * 1000
_BLOCK_BYTES = 4 * 1000 * 1000
_ROUNDS = 5
_GROUP = "publish_200mb"
_ANCHOR = ObjectRef("bench", "anchor")
_SETTINGS = """\
[source]
url = "{folder}"
[nats]
url = "{url}"
[controller]
mode = "nats"
state_dir = "{folder}/state"
artifact_roots = ["{folder}"]
"""


def _make_file(path: Path) -> str:
    """Write what cannot be compressed, and return its sha256."""
    found = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(_SIZE_BYTES // _BLOCK_BYTES):
            block = os.urandom(_BLOCK_BYTES)
            found.update(block)
            file.write(block)
    return found.hexdigest()


async def measures(folder: Path) -> list[Measure]:
    """Take turns, so that both meet the same disk and the same neighbours."""
    file, config = folder / "artifact", folder / "reconciler.toml"
    sha256 = _make_file(file)
    try:
        nats, missing = await installed(), ""
    except NotMeasured as error:
        nats, missing = None, str(error)
    ours: list[Figures] = []
    theirs: list[float] = []
    with running(folder / "nats") as server:
        config.write_text(_SETTINGS.format(folder=folder, url=server.url))
        async with connected(server.url) as connection:
            await make_kanade(connection)
            packages = NatsObjects(connection, APP_PACKAGES)
            await packages.start()
            async with alone("tests.bench.publisher", str(config), file.name, sha256) as ask:
                for number in range(_ROUNDS):
                    ours.append(await ask(str(number)))
                    if nats is not None:
                        anchor = await object_put(nats, server.url, APP_PACKAGES, file, _ANCHOR)
                        theirs.append(anchor)
                        await packages.refresh()
                        there = packages.stored()[_ANCHOR]
                        await packages.delete(_ANCHOR, sequence=there.sequence)
            await packages.stop()
    return _told(ours, theirs, missing)


def _told(ours: list[Figures], theirs: list[float], missing: str) -> list[Measure]:
    seconds = median(figures["seconds"] for figures in ours)
    anchor = median(theirs) if theirs else None
    ratio = round(seconds / anchor, 2) if anchor is not None else None
    beside = missing or f"nats object put of the same file, medians of {_ROUNDS}, by turns"

    def measure(name: str, value: float | None, limit: float | None = None) -> Measure:
        shown = beside if name == "ratio_to_nats_cli" else ""
        rounded = round(value, 3) if value is not None else None
        return Measure(group=_GROUP, name=name, value=rounded, limit=limit, beside=shown)

    return [
        measure("ratio_to_nats_cli", ratio, 1.3),
        measure("rss_mb", max(figures["rss_mb"] for figures in ours), 100),
        measure("seconds", seconds),
        measure("anchor_seconds", anchor),
        measure("read_back_seconds", median(figures["read_back_seconds"] for figures in ours)),
    ]
