"""Over the network comes the whole history, and of its large files only those that are wanted."""

import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from reconciler.errors import SourceUnavailable
from reconciler.source.git import GitSource
from reconciler.source.settings import GitSettings
from tests.source.http_git import HttpGit, serving
from tests.source.repository import Repository

Make = Callable[[GitSettings], GitSource]
SIZE = 1_500_000
VERSIONS = [os.urandom(SIZE) for _ in range(4)]


@pytest.fixture
async def server(repository: Repository) -> AsyncIterator[HttpGit]:
    for number, content in enumerate(VERSIONS):
        repository.commit({"desired/tool": content, "desired/v.yaml": f"{number}", "big": content})
    async with serving(repository) as server:
        yield server


@pytest.fixture
def remote(settings: GitSettings, server: HttpGit) -> GitSettings:
    return replace(settings, repository=server.url, allow_loopback_http=True, folder="desired")


def kept(settings: GitSettings) -> int:
    """Return how many bytes the clone has."""
    return sum(file.stat().st_size for file in settings.state_folder.glob("*/objects/*/*"))


async def artifact(source: GitSource) -> bytes:
    blob = (await source.fetch()).files["tool"]
    async with source.open_blob(blob.object_id, blob.size_bytes) as content:
        return b"".join([block async for block in content.blocks(SIZE)])


async def test_of_all_versions_of_an_artifact_the_newest_comes(
    repository: Repository, remote: GitSettings, make_source: Make
) -> None:
    repository.git("config", "uploadpack.allowFilter", "true")
    source = make_source(remote)

    assert await artifact(source) == VERSIONS[-1]
    assert kept(remote) < 1.5 * SIZE

    repository.commit({"desired/tool": VERSIONS[0][::-1], "desired/v.yaml": "new"})
    assert await artifact(source) == VERSIONS[0][::-1]
    assert kept(remote) < 2.5 * SIZE


async def test_a_history_without_its_large_files_is_still_a_history(
    repository: Repository, remote: GitSettings, make_source: Make
) -> None:
    repository.git("config", "uploadpack.allowFilter", "true")
    first = await make_source(remote).fetch()
    await make_source(remote).applied(first.commit.revision)
    repository.commit({"desired/tool": b"small", "desired/v.yaml": "new"})

    followed = await make_source(remote).fetch()

    assert followed.files["tool"].content == b"small"
    assert await make_source(remote).last_applied() == first


async def test_a_repository_that_leaves_nothing_out_is_taken_whole(
    remote: GitSettings, make_source: Make
) -> None:
    assert await artifact(make_source(remote)) == VERSIONS[-1]
    assert kept(remote) > 3.5 * SIZE


async def test_a_server_that_gives_nothing_singly_is_asked_for_the_whole(
    repository: Repository, remote: GitSettings, server: HttpGit, make_source: Make
) -> None:
    """As one of before git's second protocol does."""
    repository.git("config", "uploadpack.allowFilter", "true")
    server.protocol = False
    source = make_source(remote)

    assert await artifact(source) == VERSIONS[-1]
    assert kept(remote) > 3.5 * SIZE

    repository.commit({"desired/tool": VERSIONS[0][::-1], "desired/v.yaml": "new"})
    server.requests.clear()
    assert await artifact(source) == VERSIONS[0][::-1]
    assert len([path for path in server.requests if "info/refs" in path]) == 2


async def test_no_object_is_fetched_behind_our_back(
    repository: Repository, remote: GitSettings, server: HttpGit, make_source: Make
) -> None:
    """Git would fetch a missing file by itself, without a deadline, while it is read."""
    repository.git("config", "uploadpack.allowFilter", "true")
    source = make_source(remote)
    await source.fetch()
    left_out = repository.git("rev-parse", "main~1:desired/tool")
    server.requests.clear()

    async with source.open_blob(left_out, SIZE) as content:
        with pytest.raises(SourceUnavailable, match="cannot be read from the clone"):
            [block async for block in content.blocks(SIZE)]

    assert server.requests == []


async def test_a_connection_that_is_lost_halfway_is_no_reason_to_take_it_whole(
    repository: Repository, remote: GitSettings, server: HttpGit, make_source: Make
) -> None:
    repository.git("config", "uploadpack.allowFilter", "true")
    source = make_source(remote)
    posts = 0

    async def fail(request: web.Request) -> web.Response | None:
        nonlocal posts
        posts += request.method == "POST"
        return web.Response(status=503) if posts > 3 else None

    server.answer = fail
    with pytest.raises(SourceUnavailable, match="down"):
        await source.fetch()
    server.answer = None

    assert await artifact(source) == VERSIONS[-1]
    assert kept(remote) < 1.5 * SIZE
    assert not list(Path(remote.state_folder).glob("unfinished-*"))
