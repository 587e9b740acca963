"""Artifacts of every origin, opened as a release names them."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from reconciler.errors import ArtifactRefused, SourceUnavailable
from reconciler.model.desired import (
    Artifact,
    BlobArtifact,
    BuildArtifact,
    FileArtifact,
    Origin,
    PublishedArtifact,
    UrlArtifact,
)
from reconciler.model.digest import Digest
from reconciler.model.snapshot import Snapshot
from reconciler.source.address import AddressRules
from reconciler.source.artifact import ArtifactStore
from reconciler.source.build import Builder
from reconciler.source.download import Downloader
from reconciler.source.git import GitSource
from reconciler.source.settings import GitSettings
from tests.source.binaries import windows_binary
from tests.source.repository import ENVIRONMENT, Repository, descriptors, names_in
from tests.source.test_download import serving

Make = Callable[[GitSettings], GitSource]
TOOL = windows_binary({"ProductVersion": "1.2.3"}) + os.urandom(2_000_000)


@pytest.fixture
def source(settings: GitSettings, make_source: Make) -> GitSource:
    return make_source(settings)


@pytest.fixture
async def snapshot(repository: Repository, source: GitSource) -> Snapshot:
    repository.commit({"artifacts/tool": TOOL, "artifacts/small": "small", "a.yaml": "1"})
    return await source.fetch()


@pytest.fixture
def store(source: GitSource, tmp_path: Path) -> ArtifactStore:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "tool").write_bytes(TOOL)
    return ArtifactStore(
        open_blob=source.open_blob,
        spool_folder=tmp_path / "spool",
        downloader=Downloader(
            rules=AddressRules(allow_loopback=True),
            deadline=timedelta(seconds=20),
            stalled_after=timedelta(seconds=20),
        ),
        roots=(tmp_path / "root",),
        builder=Builder(
            open_blob=source.open_blob,
            folder=tmp_path / "builds",
            deadline=timedelta(seconds=20),
            max_output_bytes=10**8,
            environment={"PATH": ENVIRONMENT["PATH"]},
        ),
    )


def artifact(origin: Origin, *, size_bytes: int | None = None) -> Artifact:
    return Artifact(origin=origin, digest=Digest.of(TOOL), size_bytes=size_bytes)


async def refusal(store: ArtifactStore, snapshot: Snapshot, wanted: Artifact) -> str:
    with pytest.raises(ArtifactRefused) as caught:
        async with store.open(wanted, snapshot):
            pytest.fail("it was opened")
    assert "\n" not in str(caught.value)
    return str(caught.value)


ORIGINS: dict[str, Origin] = {
    "blob": BlobArtifact(path="artifacts/tool"),
    "file": FileArtifact(path="tool"),
    "url": UrlArtifact(url="{address}tool"),
    "build": BuildArtifact(command=("cp", "artifacts/tool", "out"), output="out"),
}


@pytest.mark.parametrize("asks_for_its_version", [False, True])
@pytest.mark.parametrize("origin", ORIGINS.values(), ids=ORIGINS.keys())
async def test_the_bytes_are_the_same_wherever_they_come_from(
    store: ArtifactStore,
    snapshot: Snapshot,
    tmp_path: Path,
    origin: Origin,
    *,
    asks_for_its_version: bool,
) -> None:
    """Streamed or spooled, in blocks of the asked size, and nothing is left behind."""

    async def serve(_: web.Request) -> web.Response:
        return web.Response(body=TOOL)

    before = descriptors()
    async with serving(serve) as address:
        if isinstance(origin, UrlArtifact):
            origin = UrlArtifact(url=origin.url.format(address=address))
        async with store.open(artifact(origin, size_bytes=len(TOOL)), snapshot) as content:
            if asks_for_its_version:
                assert await content.stated_version() == "1.2.3"
                assert await content.stated_version() == "1.2.3"
            assert content.size_bytes == len(TOOL)
            blocks = [block async for block in content.blocks(512 * 1024)]

    assert hashlib.sha256(b"".join(blocks)).hexdigest() == Digest.of(TOOL).hex
    assert [len(block) for block in blocks[:3]] == [512 * 1024] * 3
    assert left_in(tmp_path / "spool") == left_in(tmp_path / "builds") == []
    assert descriptors() <= before + 2


async def test_a_small_blob_is_opened_like_a_large_one(
    store: ArtifactStore, snapshot: Snapshot
) -> None:
    async with store.open(artifact(BlobArtifact(path="artifacts/small")), snapshot) as content:
        assert [block async for block in content.blocks(2)] == [b"sm", b"al", b"l"]


async def test_a_clone_that_is_damaged_is_not_the_artifacts_fault(
    store: ArtifactStore, snapshot: Snapshot, settings: GitSettings
) -> None:
    for file in (settings.state_folder / "repository.git").glob("objects/*/*"):
        file.unlink()

    async with store.open(artifact(ORIGINS["blob"]), snapshot) as content:
        with pytest.raises(SourceUnavailable, match="made again at the next fetch"):
            [block async for block in content.blocks(2)]


async def test_without_a_builder_no_build_is_allowed(
    store: ArtifactStore, snapshot: Snapshot
) -> None:
    assert await refusal(replace(store, builder=None), snapshot, artifact(ORIGINS["build"])) == (
        "build 'cp': builds are not allowed here: publish the file by `path`, `file` or `url`, or "
        "allow builds in the settings"
    )


async def test_what_somebody_else_publishes_is_not_opened(
    store: ArtifactStore, snapshot: Snapshot
) -> None:
    assert await refusal(store, snapshot, artifact(PublishedArtifact())) == (
        "artifact: somebody else publishes it; nothing to open"
    )


def left_in(folder: Path) -> list[str]:
    return names_in(folder) if folder.exists() else []


@contextmanager
def nothing_spooled(folder: Path) -> Iterator[None]:
    yield
    assert not folder.exists()


async def test_a_file_or_a_blob_is_not_copied_to_be_published(
    store: ArtifactStore, snapshot: Snapshot
) -> None:
    with nothing_spooled(store.spool_folder):
        for origin in (ORIGINS["blob"], ORIGINS["file"]):
            async with store.open(artifact(origin), snapshot) as content:
                async for _ in content.blocks(512 * 1024):
                    pass
