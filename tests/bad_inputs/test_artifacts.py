"""Artifacts that are not to be had as a release names them: one line each, and nothing left."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.errors import ArtifactRefused
from reconciler.model.desired import Artifact, BlobArtifact, FileArtifact, Origin, UrlArtifact
from reconciler.model.digest import Digest
from reconciler.model.identity import Revision
from reconciler.model.snapshot import Blob, Commit, Snapshot
from reconciler.ports import BytesContent, Content
from reconciler.source.address import AddressRules
from reconciler.source.artifact import ArtifactStore
from reconciler.source.download import Downloader
from tests.source.repository import names_in
from tests.support.builders import NOON

MIB = 1024 * 1024
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@asynccontextmanager
async def open_blob(_: str, size_bytes: int) -> AsyncIterator[Content]:
    yield BytesContent(bytes(size_bytes))


def blob(path: str, size_bytes: int, content: bytes | None = None) -> Blob:
    return Blob(path=path, object_id="1" * 40, size_bytes=size_bytes, content=content)


FILES = (
    blob("artifacts/tool", 10, b"0123456789"),
    blob("artifacts/empty", 0, b""),
    blob("artifacts/huge", 256 * MIB + 1),
    blob("artifacts/pointer", len(POINTER), POINTER),
)
SNAPSHOT = Snapshot(
    commit=Commit(
        revision=Revision("abcdef0123456789" * 2 + "abcdef01"),
        subject="",
        author="",
        committed_at=NOON,
    ),
    origin="",
    folder="",
    files={each.path: each for each in FILES},
)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    root = tmp_path / "root"
    root.mkdir()
    (root / "tool").write_bytes(b"0123456789")
    (root / "empty").touch()
    (root / "pointer").write_bytes(POINTER)
    (root / "large").touch()
    os.truncate(root / "large", 2 * 1024**3 + 1)
    (root / "leak").symlink_to("/etc/passwd")
    return ArtifactStore(
        open_blob=open_blob,
        spool_folder=tmp_path / "spool",
        downloader=Downloader(
            rules=AddressRules(),
            deadline=timedelta(minutes=1),
            stalled_after=timedelta(minutes=1),
        ),
        roots=(root,),
    )


async def refusal(store: ArtifactStore, origin: Origin, size_bytes: int | None = None) -> str:
    wanted = Artifact(origin=origin, digest=Digest.of(b""), size_bytes=size_bytes)
    with pytest.raises(ArtifactRefused) as caught:
        async with store.open(wanted, SNAPSHOT) as content:
            [block async for block in content.blocks(MIB)]
    assert not store.spool_folder.exists() or names_in(store.spool_folder) == []
    return str(caught.value)


LFS = "is a git-lfs pointer, not the file: commit the file itself, or name it by `url` or `file`"


@pytest.mark.parametrize(
    ("path", "size_bytes", "message"),
    [
        ("artifacts/tol", None, "is not in commit abcdef012345; did you mean artifacts/tool?"),
        ("elsewhere", None, "is not in commit abcdef012345"),
        ("artifacts", None, "is not in commit abcdef012345; did you mean artifacts/tool?"),
        ("../artifacts/tool", None, "is not in commit abcdef012345; did you mean artifacts/tool?"),
        ("/etc/shadow", None, "is not in commit abcdef012345"),
        ("artifacts/empty", None, "the file is empty"),
        ("artifacts/huge", None, "is 268,435,457 bytes; the limit is 268,435,456"),
        ("artifacts/tool", 11, "is 10 bytes; the release says 11"),
        ("artifacts/pointer", None, LFS),
    ],
)
async def test_blobs(store: ArtifactStore, path: str, size_bytes: int | None, message: str) -> None:
    assert await refusal(store, BlobArtifact(path=path), size_bytes) == f"{path}: {message}"


@pytest.mark.parametrize(
    ("path", "size_bytes", "message"),
    [
        ("tol", None, "there is no such file below an artifact root ({root})"),
        ("empty", None, "the file is empty"),
        ("large", None, "is 2,147,483,649 bytes; the limit is 2,147,483,648"),
        ("tool", 9, "is 10 bytes; the release says 9"),
        ("pointer", None, LFS),
        ("leak", None, "/etc/passwd is not below an artifact root ({root})"),
        ("../root-2/x", None, "{root}-2/x is not below an artifact root ({root})"),
        ("/etc/shadow", None, "/etc/shadow is not below an artifact root ({root})"),
        (".", None, "is not a regular file"),
    ],
)
async def test_files(store: ArtifactStore, path: str, size_bytes: int | None, message: str) -> None:
    expected = f"artifact file {path}: {message.format(root=store.roots[0])}"

    assert await refusal(store, FileArtifact(path=path), size_bytes) == expected


async def test_files_without_a_root(store: ArtifactStore) -> None:
    assert await refusal(replace(store, roots=()), FileArtifact(path="tool")) == (
        "artifact file tool: no artifact root is set: name one in the settings"
    )


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://files.example/tool", "http://files.example/tool: https only"),
        ("file:///etc/passwd", "file:///etc/passwd: https only"),
        (
            "https://127.0.0.1:8222/varz",
            ("https://127.0.0.1:8222/varz: 127.0.0.1 is this machine itself"),
        ),
        ("https://localhost/x", "localhost: {loopback} is this machine itself"),
        ("https://0x7f.1/x", "0x7f.1: 127.0.0.1 is this machine itself"),
        (
            "https://2130706433/x",
            "https://2130706433/x: not an address: 2130706433 - is not a canonical IPv4 address",
        ),
        (
            "https://ada:CANARY@files.example/x",
            (
                "https://files.example/x: a credential does not "
                "belong into git: use an address without one"
            ),
        ),
    ],
)
async def test_addresses(store: ArtifactStore, url: str, message: str) -> None:
    found = await refusal(store, UrlArtifact(url=url))

    assert found in {message.format(loopback=each) for each in ("127.0.0.1", "::1")}
