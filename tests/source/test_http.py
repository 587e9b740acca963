"""Repositories over smart http, from servers that are friendly, and others."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web

from reconciler.errors import InvalidDesiredState, SourceRefused, SourceUnavailable
from reconciler.source.git import GitSource
from reconciler.source.settings import GitSettings
from tests.source.http_git import HttpGit, arguments_of_all, serving
from tests.source.repository import File, Repository

Make = Callable[[GitSettings], GitSource]
SOON = timedelta(milliseconds=400)


@pytest.fixture
async def server(repository: Repository) -> AsyncIterator[HttpGit]:
    async with serving(repository) as server:
        yield server


@pytest.fixture
def remote(settings: GitSettings, server: HttpGit) -> GitSettings:
    """Settings that follow the repository over http."""
    return replace(settings, repository=server.url, allow_loopback_http=True)


def with_user(url: str, user: str) -> str:
    return url.replace("://", f"://{user}@")


async def test_a_repository_is_followed_over_http(
    repository: Repository, remote: GitSettings, server: HttpGit, make_source: Make
) -> None:
    repository.commit({"a.yaml": "1"})
    source = make_source(remote)
    await source.fetch()
    revision = repository.commit({"a.yaml": "2"})

    snapshot = await source.fetch()

    assert revision == snapshot.commit.revision
    assert snapshot.origin == server.url


async def test_a_branch_that_has_not_moved_costs_one_question(
    repository: Repository, remote: GitSettings, server: HttpGit, make_source: Make
) -> None:
    repository.commit({"a.yaml": "1"})
    source = make_source(remote)
    await source.fetch()
    server.requests.clear()

    await source.fetch()

    assert [path for path in server.requests if "info/refs" not in path] == [
        "/repository.git/git-upload-pack"
    ]
    assert len(server.requests) == 2


async def test_a_commit_with_faults_is_not_fetched_at_every_look(
    repository: Repository, remote: GitSettings, server: HttpGit, make_source: Make
) -> None:
    repository.commit({"link": File(b"x", "120000")})
    source = make_source(remote)
    for _ in range(2):
        server.requests.clear()
        with pytest.raises(InvalidDesiredState):
            await source.fetch()

    assert len(server.requests) == 2


async def test_a_repository_that_asks_for_credentials_says_so_at_once(
    repository: Repository, remote: GitSettings, server: HttpGit, make_source: Make
) -> None:
    repository.commit({"a.yaml": "1"})
    server.password = "CANARY"

    with pytest.raises(SourceUnavailable) as caught:
        await make_source(remote).fetch()

    assert str(caught.value).startswith(
        f"{server.url}: asks for credentials: give it a token that may read it (fatal: could not "
        "read Username"
    )


async def test_a_token_lets_in_and_is_read_anew_each_time(
    repository: Repository, remote: GitSettings, server: HttpGit, make_source: Make
) -> None:
    repository.commit({"a.yaml": "1"})
    server.password = "CANARY-2"
    tokens = iter(["CANARY-1", "CANARY-2", "CANARY-2"])
    source = make_source(replace(remote, token=lambda: next(tokens)))

    with pytest.raises(SourceUnavailable, match="asks for credentials") as caught:
        await source.fetch()
    snapshot = await source.fetch()

    assert "CANARY" not in str(caught.value)
    assert "CANARY" not in snapshot.origin
    assert len(snapshot.files) == 1


async def test_a_credential_in_the_address_is_used_and_never_seen(
    repository: Repository, remote: GitSettings, server: HttpGit, make_source: Make
) -> None:
    """Not in an argument of any process, not in the clone, not in what is shown."""
    repository.commit({"a.yaml": "1"})
    server.password = "CANARY"
    seen: list[str] = []

    async def look(_: web.Request) -> None:
        seen.extend(arguments_of_all())

    server.answer = look
    source = make_source(replace(remote, repository=with_user(server.url, "ada:CANARY")))

    snapshot = await source.fetch()

    assert any("git" in line and "ls-remote" in line for line in seen)
    assert any("git" in line and "fetch" in line for line in seen)
    assert not any("CANARY" in line for line in seen)
    assert snapshot.origin == server.url
    assert not any(
        b"CANARY" in file.read_bytes() for file in remote.state_folder.rglob("*") if file.is_file()
    )


async def test_a_credential_is_not_sent_to_where_a_redirect_leads(
    repository: Repository, remote: GitSettings, server: HttpGit, make_source: Make
) -> None:
    repository.commit({"a.yaml": "1"})
    async with serving(repository) as elsewhere:

        async def redirect(request: web.Request) -> web.Response:
            target = elsewhere.url.rpartition("/")[0] + request.path_qs
            return web.Response(status=301, headers={"Location": target})

        server.answer = redirect
        with pytest.raises(SourceRefused) as caught:
            await make_source(replace(remote, token=lambda: "CANARY")).fetch()
        sent = list(elsewhere.seen)
        followed = await make_source(remote).fetch()

    assert "give the address it moved to" in str(caught.value)
    assert sent == []
    assert len(followed.files) == 1


@pytest.mark.parametrize(
    ("status", "error", "meaning"),
    [
        (403, SourceUnavailable, "asks for credentials"),
        (404, SourceRefused, "no repository there"),
        (410, SourceRefused, "no repository there"),
        (429, SourceUnavailable, "down"),
        (500, SourceUnavailable, "down"),
        (503, SourceUnavailable, "down"),
    ],
)
async def test_what_a_server_answers_is_told_by_what_it_means(
    remote: GitSettings,
    server: HttpGit,
    make_source: Make,
    status: int,
    error: type[Exception],
    meaning: str,
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status)

    server.answer = answer
    with pytest.raises(error) as caught:
        await make_source(remote).fetch()

    assert str(caught.value).startswith(f"{server.url}: {meaning}")
    assert "\n" not in str(caught.value)


async def test_a_web_page_is_no_repository(
    remote: GitSettings, server: HttpGit, make_source: Make
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="<html>Welcome</html>", content_type="text/html")

    server.answer = answer
    with pytest.raises(SourceRefused, match="or check that the address is a repository's"):
        await make_source(remote).fetch()


async def test_nobody_listening_is_down(settings: GitSettings, make_source: Make) -> None:
    remote = replace(settings, repository="http://127.0.0.1:1/a", allow_loopback_http=True)

    with pytest.raises(SourceUnavailable, match=r"^http://127.0.0.1:1/a: down: "):
        await make_source(remote).fetch()


async def test_a_host_without_an_address_is_named(settings: GitSettings, make_source: Make) -> None:
    remote = replace(settings, repository="https://no.such.host.invalid/a")

    with pytest.raises(SourceUnavailable, match="its host is not known"):
        await make_source(remote).fetch()


async def test_a_black_hole_is_given_up_at_the_deadline(
    settings: GitSettings, make_source: Make
) -> None:
    """It takes the connection and never says a word."""
    quiet = asyncio.Event()

    async def swallow(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await quiet.wait()
        writer.close()

    listening = await asyncio.start_server(swallow, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    remote = replace(
        settings,
        repository=f"http://127.0.0.1:{port}/a",
        allow_loopback_http=True,
        poll_deadline=SOON,
    )

    with pytest.raises(SourceUnavailable) as caught:
        await make_source(remote).fetch()

    quiet.set()
    listening.close()
    assert str(caught.value) == (
        f"http://127.0.0.1:{port}/a: too slow: no whole answer within 0.4 s"
    )


async def test_a_trickle_is_given_up_before_the_deadline(
    remote: GitSettings, server: HttpGit, make_source: Make
) -> None:
    async def trickle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while not (request.transport is None or request.transport.is_closing()):
            await response.write(b"0")
            await asyncio.sleep(0.1)
        return response

    server.answer = trickle
    with pytest.raises(SourceUnavailable, match="too slow: it stopped answering"):
        await make_source(replace(remote, stalled_after=timedelta(seconds=1))).fetch()


async def test_a_connection_that_breaks_within_a_fetch_changes_nothing(
    repository: Repository, remote: GitSettings, server: HttpGit, make_source: Make
) -> None:
    repository.commit({"a.yaml": "1"})
    source = make_source(remote)
    before = await source.fetch()
    repository.commit({"a.yaml": "2", "b": b"\0" * 100_000})
    posts = 0

    async def break_off(request: web.Request) -> web.StreamResponse | None:
        nonlocal posts
        posts += request.method == "POST"
        if posts < 2:
            return None
        response = web.StreamResponse(
            headers={"Content-Type": "application/x-git-upload-pack-result"}
        )
        response.content_length = 1_000_000
        await response.prepare(request)
        await response.write(b"000dpackfile\n")
        assert request.transport is not None
        request.transport.abort()
        return response

    server.answer = break_off
    with pytest.raises(SourceUnavailable, match="down"):
        await source.fetch()
    server.answer = None

    assert before.commit.revision != (await source.fetch()).commit.revision
    assert list(remote.state_folder.glob("unfinished-*")) == []
