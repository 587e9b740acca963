"""Private files that are never left behind."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from reconciler.errors import ArtifactRefused, ArtifactUnavailable
from reconciler.source.spool import Spool, spool


async def some(*blocks: bytes) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block


async def test_what_is_written_can_be_read_and_is_nowhere_else(tmp_path: Path) -> None:
    with spool(tmp_path / "spool") as place:
        await place.fill(some(b"one", b"two" * 1_000_000), at_most=4_000_000, too_many="")

        assert os.pread(place.descriptor, 6, 0) == b"onetwo"
        assert place.written_bytes == 3_000_003
        assert list((tmp_path / "spool").iterdir()) == []
        assert os.fstat(place.descriptor).st_mode & 0o777 == 0o600


async def test_more_than_is_allowed_is_refused_as_told(tmp_path: Path) -> None:
    with spool(tmp_path) as place, pytest.raises(ArtifactRefused, match=r"^too many$"):
        await place.fill(some(b"one", b"two"), at_most=5, too_many="too many")


async def test_a_full_disk_is_named() -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(ArtifactUnavailable) as caught:
            await Spool(descriptor).fill(some(b"one"), at_most=10, too_many="")
    finally:
        os.close(descriptor)

    assert str(caught.value) == "the artifact cannot be spooled: No space left on device"


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with (
        pytest.raises(ArtifactUnavailable, match=r"spool folder .*/file/x: not usable"),
        spool(tmp_path / "file" / "x"),
    ):
        pass
