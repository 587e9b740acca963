"""A file that is written to while it is published: found by what was sent, and nothing is left."""

import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.errors import ArtifactRefused, DigestMismatch
from reconciler.jetstream.connection import Connection
from reconciler.kanade.objects import NatsObjects
from reconciler.model.digest import Digest
from reconciler.model.identity import ObjectRef
from reconciler.source.content import FileContent
from tests.support.streams import subjects

REF = ObjectRef("tool", "1.0.0")
OLD, NEW = os.urandom(5_000_000), os.urandom(5_000_000)


@dataclass(frozen=True)
class WrittenTo:
    """The file's content, and somebody who copies another build over it once it is being read."""

    file: Path
    content: FileContent
    keeps_time: bool
    """The file's time is put back afterwards, as `cp -p` and some build tools do."""

    @property
    def size_bytes(self) -> int:
        return self.content.size_bytes

    async def blocks(self, block_bytes: int) -> AsyncIterator[bytes]:
        before = self.file.stat().st_mtime_ns
        first = True
        async for block in self.content.blocks(block_bytes):
            yield block
            if first:
                self.file.write_bytes(NEW)
                os.utime(self.file, ns=(before, before if self.keeps_time else before + 10**9))
            first = False


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tool"
    path.write_bytes(OLD)
    return path


@pytest.fixture
def content(file: Path) -> Iterator[FileContent]:
    descriptor = os.open(file, os.O_RDONLY)
    yield FileContent(descriptor, "artifact file tool")
    os.close(descriptor)


@pytest.mark.parametrize(
    ("keeps_time", "error", "message"),
    [
        (
            False,
            ArtifactRefused,
            ("artifact file tool: changed while it was read: publish a file that nobody writes to"),
        ),
        (
            True,
            DigestMismatch,
            (
                f"tool/1.0.0: expected sha256 {Digest.of(OLD).hex}, got "
                f"{Digest.of(OLD[: 1024 * 1024] + NEW[1024 * 1024 :]).hex}; publish the right "
                "file or correct the sha256"
            ),
        ),
    ],
)
async def test_what_is_sent_is_what_is_judged(
    kanade: Connection,
    file: Path,
    content: FileContent,
    *,
    keeps_time: bool,
    error: type[ArtifactRefused],
    message: str,
) -> None:
    packages = NatsObjects(kanade, "app_packages")
    await packages.start()
    given = WrittenTo(file, content, keeps_time)

    with pytest.raises(error) as caught:
        await packages.publish(REF, given, Digest.of(OLD), replaces=0)

    assert (str(caught.value), caught.value.exit_code) == (message, 5)
    assert dict(packages.stored()) == {}
    await packages.stop()
    assert await subjects(kanade, "OBJ_app_packages") == {}
