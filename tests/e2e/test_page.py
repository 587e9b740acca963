"""A person at the page of a real controller: they watch an update, stop it, and let it go on."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec
import pytest

from reconciler.lab.ports import free_port
from reconciler.model.condition import ConditionType
from reconciler.model.identity import ReleaseName
from reconciler.model.status import Status
from reconciler.serve import views
from reconciler.state.chronicle import Entry
from tests.support.playground import playground

pytestmark = pytest.mark.slow

RELEASE = ReleaseName("kanade-backend")
SEATED = """
[serve]
listen = "127.0.0.1:{port}"
people.alice.secret = "alice"

[secrets.alice]
env = "TEST_ALICE_TOKEN"
"""
ALICE = {"Authorization": "Bearer alices-own-token"}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "TEST_ALICE_TOKEN", "alices-own-token")


async def heard(reply: aiohttp.ClientResponse) -> AsyncIterator[Entry]:
    """Yield the events that a stream tells."""
    async for line in reply.content:
        if line.startswith(b'data: {"'):
            yield msgspec.json.decode(line.removeprefix(b"data: "), type=Entry)


async def until_told(reply: aiohttp.ClientResponse, kind: str) -> list[str]:
    """Listen until an event of *kind*, and return the kinds of all up to it."""
    kinds: list[str] = []
    async for entry in heard(reply):
        kinds.append(entry.event.kind)
        if entry.event.kind == kind:
            break
    return kinds


async def act(session: aiohttp.ClientSession, deed: str) -> None:
    async with session.post(
        f"releases/{RELEASE}/{deed}", json={"reason": "the disks are slow"}, headers=ALICE
    ) as reply:
        assert reply.status == 202, await reply.text()


def is_suspended(status: Status) -> bool:
    conditions = status.releases[RELEASE].conditions
    return any(condition.type is ConditionType.SUSPENDED for condition in conditions)


async def test_an_update_is_watched_stopped_and_let_go_on(tmp_path: Path) -> None:
    port = free_port()
    async with playground(tmp_path) as world:
        await world.controller(more=SEATED.format(port=port)).start()
        await world.converged("1.0.0")
        async with (
            aiohttp.ClientSession(f"http://127.0.0.1:{port}/api/v1/") as session,
            session.get("events", headers={"Accept": "text/event-stream"}) as live,
        ):
            await act(session, "suspend")
            await world.told(is_suspended, "the release is suspended")
            world.bump("1.1.0")
            kinds = await until_told(live, "RevisionApplied")
            assert "HostRunning" not in kinds

            await act(session, "resume")
            kinds = await until_told(live, "Converged")
            assert {"HostRunning", "HostConverged"} <= set(kinds)

            async with session.get(f"releases/{RELEASE}/timeline") as reply:
                story = msgspec.json.decode(await reply.read(), type=views.Timeline)
            async with session.get(f"http://127.0.0.1:{port}/releases/{RELEASE}") as reply:
                page = await reply.text()

    assert [moment.kind for moment in story.items][:2] == ["Committed", "RevisionApplied"]
    assert story.items[-1].kind == "Converged"
    assert "1.1.0" in page
