"""A branch of our own in somebody's repository: one commit, never by force, never twice."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from reconciler.errors import PushRefused, SourceRefused, SourceUnavailable
from reconciler.model.identity import Revision
from reconciler.model.revert import Proposal
from reconciler.source import revert as revert_module
from reconciler.source.git import GitSource
from reconciler.source.revert import GitReverts
from reconciler.source.settings import GitSettings
from tests.source.http_git import HttpGit, serving
from tests.source.repository import File, Files, Repository, names_in

BRANCH = "reconciler/revert-tool-2.0.0-c0ffee00"
FILE = "fleet/releases/tool.yaml"
LARGE = b"large" * 400_000
FILES: Files = {FILE: "version: 2\n", "large": LARGE, "run.sh": File(b"#!/bin/sh\n", "100755")}


class Desk:
    """A source that follows a repository, and where its branches are pushed from."""

    def __init__(self, stack: AsyncExitStack, make: Callable[[GitSettings], GitSource]) -> None:
        self._stack = stack
        self._make = make

    async def open(self, settings: GitSettings) -> tuple[GitReverts, Proposal]:
        """Return what pushes, and what is to be pushed on top of the newest commit."""
        source = self._make(settings)
        base = (await source.fetch()).commit.revision
        reverts = GitReverts(source, settings, "Fleet Bot <fleet@example.com>")
        return await self._stack.enter_async_context(reverts), proposal(base)


def proposal(base: Revision) -> Proposal:
    return Proposal(
        branch=BRANCH,
        base=base,
        path=FILE,
        content=b"version: 1\n",
        message="Revert tool to 1.0.0\n\n# Host: pc-01\n",
        at=datetime(2026, 11, 23, 12, tzinfo=UTC),
    )


@pytest.fixture
async def desk(make_source: Callable[[GitSettings], GitSource]) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        yield Desk(stack, make_source)


@pytest.fixture
async def server(repository: Repository) -> AsyncIterator[HttpGit]:
    for name in ("http.receivepack", "uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        repository.git("config", name, "true")
    async with serving(repository) as server:
        yield server


@pytest.fixture(params=["path", "file", "http"])
def reached(request: pytest.FixtureRequest, settings: GitSettings) -> GitSettings:
    """Settings that reach the repository in one of three ways, and follow a folder of it."""
    settings = replace(settings, folder="fleet")
    match request.param:
        case "http":
            server: HttpGit = request.getfixturevalue("server")
            return replace(settings, repository=server.url, allow_loopback_http=True)
        case "file":
            return replace(settings, repository=f"file://{settings.repository}")
        case _:
            return settings


def refuse_pushes(repository: Repository, words: str) -> None:
    hook = repository.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit 1\n")
    hook.chmod(0o755)


async def test_one_commit_changes_one_file_on_top_of_its_base(
    repository: Repository, reached: GitSettings, desk: Desk
) -> None:
    """The large file, which a clone over http leaves out, is neither needed nor lost."""
    main = repository.commit(FILES)
    reverts, wanted = await desk.open(reached)

    commit = await reverts.push(wanted)

    assert repository.tip(f"refs/heads/{BRANCH}") == commit
    assert repository.tip("refs/heads/main") == main
    assert repository.git("diff", "--name-status", main, commit) == f"M\t{FILE}"
    assert repository.git("show", f"{commit}:{FILE}") == "version: 1"
    assert repository.git("rev-list", "--parents", "-1", commit) == f"{commit} {main}"
    told = repository.git("show", "--no-patch", "--format=%an <%ae> %cn %at%n%B", commit)
    assert told == (
        f"Fleet Bot <fleet@example.com> Fleet Bot {int(wanted.at.timestamp())}\n"
        "Revert tool to 1.0.0\n\n# Host: pc-01"
    )


async def test_a_file_keeps_its_mode(
    repository: Repository, settings: GitSettings, desk: Desk
) -> None:
    repository.commit({FILE: File(b"version: 2\n", "100755")})
    reverts, wanted = await desk.open(settings)

    commit = await reverts.push(wanted)

    assert repository.git("ls-tree", commit, FILE).startswith("100755 ")


async def test_asked_again_nothing_is_pushed_again(
    repository: Repository, settings: GitSettings, desk: Desk, tmp_path: Path
) -> None:
    """Nor by a controller that has forgotten everything: the same proposal, the same commit."""
    repository.commit(FILES)
    reverts, wanted = await desk.open(settings)
    commit = await reverts.push(wanted)
    refuse_pushes(repository, "somebody pushed")

    other, same = await desk.open(replace(settings, state_folder=tmp_path / "other"))

    assert await reverts.push(wanted) == commit
    assert await other.push(same) == commit


async def test_a_branch_that_is_there_is_left_where_it_is(
    repository: Repository, settings: GitSettings, desk: Desk
) -> None:
    """Even one that could be moved on without force."""
    base = repository.commit(FILES)
    repository.git("update-ref", f"refs/heads/{BRANCH}", base)
    reverts, wanted = await desk.open(settings)

    assert await reverts.push(wanted) == base
    assert repository.tip(f"refs/heads/{BRANCH}") == base


async def test_a_branch_that_came_between_is_not_overwritten(
    repository: Repository, settings: GitSettings, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody made it after we had looked: git itself refuses, and the next look finds it."""
    repository.commit(FILES)
    reverts, wanted = await desk.open(settings)
    theirs = repository.commit({FILE: "theirs"}, branch=BRANCH)
    looked = iter([None])

    async def at(_: str) -> Revision | None:
        return next(looked)

    with monkeypatch.context() as patched:
        patched.setattr(reverts._remote, "at", at)
        with pytest.raises(SourceUnavailable, match="rejected"):
            await reverts.push(wanted)

    assert await reverts.push(wanted) == theirs


async def test_what_is_made_on_top_of_an_older_commit_has_just_that_behind_it(
    repository: Repository, reached: GitSettings, desk: Desk
) -> None:
    """The branch that is followed has moved on, and we have not heard of it yet."""
    repository.commit(FILES)
    reverts, wanted = await desk.open(reached)
    repository.commit({**FILES, "more": "1"})

    commit = await reverts.push(wanted)

    assert repository.git("rev-list", "--parents", "-1", commit) == f"{commit} {wanted.base}"


async def test_a_protected_repository_refuses_with_its_own_words(
    repository: Repository, reached: GitSettings, desk: Desk
) -> None:
    repository.commit(FILES)
    refuse_pushes(repository, "GL-HOOK-ERR: branches of this name are protected")
    reverts, wanted = await desk.open(reached)

    with pytest.raises(PushRefused, match="branches of this name are protected") as refused:
        await reverts.push(wanted)

    assert "\n" not in str(refused.value)
    assert repository.tip(f"refs/heads/{BRANCH}") is None


@pytest.mark.parametrize("status", [401, 403])
async def test_who_may_only_read_is_refused(
    repository: Repository, settings: GitSettings, desk: Desk, server: HttpGit, status: int
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse | None:
        pushes = "receive-pack" in request.path_qs
        headers = {"WWW-Authenticate": 'Basic realm="git"'}
        return web.Response(status=status, headers=headers) if pushes else None

    repository.commit(FILES)
    remote = replace(settings, repository=server.url, allow_loopback_http=True)
    reverts, wanted = await desk.open(replace(remote, token=lambda: "CANARY"))
    server.answer = answer

    with pytest.raises(PushRefused) as refused:
        await reverts.push(wanted)

    assert str(refused.value).startswith(server.url)
    assert "CANARY" not in str(refused.value)


async def test_a_token_lets_push(
    repository: Repository, settings: GitSettings, desk: Desk, server: HttpGit
) -> None:
    repository.commit(FILES)
    server.password = "CANARY"
    remote = replace(settings, repository=server.url, allow_loopback_http=True)
    reverts, wanted = await desk.open(replace(remote, token=lambda: "CANARY"))

    assert await reverts.push(wanted) == repository.tip(f"refs/heads/{BRANCH}")


async def test_a_push_that_takes_long_goes_on_beside_whoever_asked(
    repository: Repository,
    settings: GitSettings,
    desk: Desk,
    server: HttpGit,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(revert_module, "_WAITED_FOR_SECONDS", 0.05)
    go_on, arrived = asyncio.Event(), asyncio.Event()

    async def answer(request: web.Request) -> None:
        if "receive-pack" in request.path_qs:
            arrived.set()
            await go_on.wait()

    repository.commit(FILES)
    remote = replace(settings, repository=server.url, allow_loopback_http=True)
    reverts, wanted = await desk.open(remote)
    server.answer = answer

    with pytest.raises(SourceUnavailable, match="is being pushed"):
        await reverts.push(wanted)
    await arrived.wait()
    assert repository.tip(f"refs/heads/{BRANCH}") is None
    go_on.set()
    monkeypatch.setattr(revert_module, "_WAITED_FOR_SECONDS", 60)

    assert await reverts.push(wanted) == repository.tip(f"refs/heads/{BRANCH}")


async def test_a_repository_that_does_not_answer_is_asked_again_later(
    repository: Repository, settings: GitSettings, desk: Desk, tmp_path: Path
) -> None:
    repository.commit(FILES)
    reverts, wanted = await desk.open(replace(settings, poll_deadline=timedelta(minutes=1)))
    away = repository.path.rename(tmp_path / "away.git")

    with pytest.raises(SourceRefused, match="no repository there"):
        await reverts.push(wanted)
    away.rename(repository.path)

    assert await reverts.push(wanted) == repository.tip(f"refs/heads/{BRANCH}")


async def test_no_hook_or_setting_of_this_machine_has_a_say(
    repository: Repository, settings: GitSettings, desk: Desk
) -> None:
    """And nothing is left but the clone, the note and the lock."""
    repository.commit(FILES)
    reverts, wanted = await desk.open(settings)
    clone = settings.state_folder / "repository.git"
    for name in ("pre-push", "commit-msg", "reference-transaction"):
        hook = clone / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\nexit 1\n")
        hook.chmod(0o755)
    before = names_in(settings.state_folder)

    commit = await reverts.push(wanted)

    assert names_in(settings.state_folder) == before
    assert Repository(clone).git("for-each-ref", "--points-at", commit) == ""
