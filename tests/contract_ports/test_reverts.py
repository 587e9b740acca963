"""Where branches are pushed to: `ports.Reverts`, over git and in memory."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from reconciler.errors import PushRefused
from reconciler.model.identity import Revision
from reconciler.model.revert import Proposal
from reconciler.ports import Reverts
from reconciler.source.git import GitSource
from reconciler.source.revert import GitReverts
from reconciler.source.settings import GitSettings
from tests.source.repository import ENVIRONMENT, Repository
from tests.support.builders import NOON, REVISION
from tests.support.fake_source import FakeReverts
from tests.support.fake_world import World

FILE = "releases/tool.yaml"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A repository, and how it is made read-only."""

    reverts: Reverts
    wanted: Proposal
    refuse: Callable[[], object]


def proposal(base: str) -> Proposal:
    return Proposal(
        branch="reconciler/revert-tool",
        base=Revision(base),
        path=FILE,
        content=b"version: 1\n",
        message="Revert tool\n",
        at=NOON,
    )


def in_memory() -> Place:
    world = World()

    def refuse() -> None:
        world.repository.read_only = "protected"

    return Place(reverts=FakeReverts(world), wanted=proposal(REVISION), refuse=refuse)


@pytest.fixture(params=["fake", "git"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    if request.param == "fake":
        yield in_memory()
        return
    repository = Repository.create(tmp_path / "repository.git")
    base = repository.commit({FILE: "version: 2\n"})
    settings = GitSettings(
        repository=str(repository.path),
        ref="main",
        state_folder=tmp_path / "state",
        environment=ENVIRONMENT,
    )
    source = GitSource(settings)
    await source.fetch()

    def refuse() -> None:
        hook = repository.path / "hooks" / "update"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\necho protected >&2\nexit 1\n")
        hook.chmod(0o755)

    async with GitReverts(source, settings, "Fleet bot <fleet@example.com>") as reverts:
        yield Place(reverts=reverts, wanted=proposal(base), refuse=refuse)
    source.close()


async def test_what_is_pushed_once_is_there_and_is_not_pushed_again(place: Place) -> None:
    commit = await place.reverts.push(place.wanted)
    place.refuse()
    later = replace(place.wanted, branch="reconciler/revert-tool-2")

    with pytest.raises(PushRefused, match="protected"):
        await place.reverts.push(later)
    assert await place.reverts.push(place.wanted) == commit != place.wanted.base


async def test_a_branch_that_is_there_is_not_moved_by_another_proposal(place: Place) -> None:
    commit = await place.reverts.push(place.wanted)

    assert await place.reverts.push(replace(place.wanted, content=b"version: 0\n")) == commit


async def test_the_same_proposal_is_the_same_commit(place: Place) -> None:
    """On another branch, since the first one is left alone."""
    first = await place.reverts.push(place.wanted)
    other = await place.reverts.push(replace(place.wanted, branch="reconciler/again"))
    changed = await place.reverts.push(replace(place.wanted, branch="c", message="Otherwise\n"))

    assert first == other
    assert changed != first


async def test_a_refusal_leaves_no_branch_behind(place: Place) -> None:
    place.refuse()

    for _ in range(2):
        with pytest.raises(PushRefused, match="protected"):
            await place.reverts.push(place.wanted)
