"""When a controller says that it is ready."""

from reconciler.cli.endpoints import checks
from reconciler.errors import SourceUnavailable
from tests.support.fake_world import World
from tests.support.fakes import connect
from tests.support.small_fleet import commit

READY = {"nats": "", "source": ""}


async def test_it_is_ready_when_it_has_a_revision_to_go_by() -> None:
    world = World()
    world.repository.commit(commit("1.0.0"))
    revisions = connect(world).revisions
    assert checks(None, revisions)["source"] == "no revision: not asked yet"

    await revisions.fetch()

    assert checks(None, revisions) == READY


async def test_a_repository_that_goes_silent_later_does_not_unmake_it() -> None:
    world = World()
    world.repository.commit(commit("1.0.0"))
    revisions = connect(world).revisions
    world.weather.spoil("source.fetch", SourceUnavailable("no answer"))
    await revisions.fetch()
    assert checks(None, revisions)["source"] == "no revision: GitUnavailable"
    await revisions.fetch()
    world.weather.spoil("source.fetch", SourceUnavailable("no answer"))

    await revisions.fetch()

    assert checks(None, revisions) == READY
    assert checks("refused", revisions) == {"nats": "refused", "source": ""}
