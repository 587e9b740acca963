"""The red button: what lies in slots is taken back, what runs is killed, nobody else is touched."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from nats.aio.msg import Msg

from reconciler.cli.clock import SystemClock
from reconciler.cli.commands import stop
from reconciler.cli.halt import Halt, StopResult, halt
from reconciler.cli.own_state import open_own_state
from reconciler.cli.settings import load_settings
from reconciler.cli.status_client import StatusClient, open_status_client
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.condition import ConditionType, Truth
from reconciler.model.identity import HostName
from reconciler.model.status import ReleaseStatus
from tests.cli.conftest import Office
from tests.cli.published import STATUS, TOOL
from tests.support import builders
from tests.support.statuses import condition
from tests.support.streams import connected

RELEASE = builders.release(hosts=("pc-01", "pc-02", "pc-03"))
SUSPENDED = condition(ConditionType.SUSPENDED, Truth.TRUE, "Suspended", "by mika")
INSTALL = Purpose.INSTALL


def attempt(host: str, *, started: bool = False, minutes: int = 1) -> Attempt:
    """Return an attempt that was sent a moment ago, or so many minutes."""
    now, made = SystemClock().now(), builders.attempt(RELEASE, host)
    at = now - timedelta(minutes=minutes)
    return replace(
        made,
        intended_at=at,
        sent_at=at,
        deadline_at=at + timedelta(minutes=10),
        started_at=at if started else None,
    )


def command(made: Attempt) -> bytes:
    said = {"id": made.job, "version": made.version, "request_id": made.request_id}
    return json.dumps({**said, "exec_id": made.exec_id}).encode()


@dataclass
class Scene:
    """A client, and a leader's hand on what is below it."""

    client: StatusClient
    connection: Connection
    killed: list[str] = field(default_factory=list)

    async def slot(self, made: Attempt, payload: bytes | None = None) -> None:
        subject = f"commands.pc.{made.wish.host}"
        await api.store(self.connection, "EXEC", subject, payload or command(made))

    async def slots(self) -> set[str]:
        found = await api.stream_info(self.connection, "EXEC", subjects="commands.>")
        return {subject.removeprefix("commands.pc.") for subject in found.state.subjects or ()}

    async def hear(self, message: Msg) -> None:
        self.killed.append(message.subject.removeprefix("kill."))


@asynccontextmanager
async def scene(office: Office, attempts: Sequence[Attempt]) -> AsyncIterator[Scene]:
    """Let a leader tell that the release stands still, with *attempts* in its journal."""
    settings = load_settings(office.config, ())
    tool: ReleaseStatus = replace(STATUS.releases[TOOL], conditions=(SUSPENDED,))
    status = replace(STATUS, releases={TOOL: tool})
    async with connected(office.nats_url) as connection:
        clock = SystemClock()
        async with open_own_state(connection, "one", clock, lambda: None, create=True) as own:
            assert await own.lease.attempt()
            await own.board.publish(status, ())
            for made in attempts:
                await own.ledger.record(made)
        async with open_status_client(settings) as client:
            found = Scene(client=client, connection=connection)
            await connection.subscribe("kill.>", found.hear)
            yield found


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_PASSWORD", "test")


async def pull(made: Scene, seconds: float = 1.5) -> Halt:
    found = await halt(made.client, TOOL, timedelta(seconds=seconds))
    await made.connection.rtt()  # and all kills have been heard
    return found


async def test_what_has_not_begun_is_taken_back_and_killed_as_well(kanade: Office) -> None:
    """Its host has heard it all the same, and may be about to begin."""
    waiting = attempt("pc-01")
    async with scene(kanade, [waiting]) as made:
        await made.slot(waiting)

        found = await pull(made, 60)

        assert await made.slots() == set()
    assert found == Halt(
        results={(HostName("pc-01"), INSTALL): StopResult.WITHDRAWN}, confirmed=True
    )
    assert set(made.killed) == {waiting.exec_id}


async def test_what_runs_is_killed_for_as_long_as_it_does_not_answer(kanade: Office) -> None:
    running = attempt("pc-01", started=True)
    async with scene(kanade, [running]) as made:
        seconds = 1.5
        while True:
            found = await pull(made, seconds)
            if len(made.killed) > 1 or seconds > 30:
                break
            seconds *= 5  # a busy machine has not come round to a second kill

    assert found.results == {(HostName("pc-01"), INSTALL): StopResult.ASKED}
    assert not found.done
    assert set(made.killed) == {running.exec_id}
    assert len(made.killed) > 1


async def test_somebody_elses_command_stays_where_it_is(kanade: Office) -> None:
    lost = attempt("pc-01")
    theirs = b'{"id": "cleanup", "version": "1", "request_id": "theirs", "exec_id": "theirs"}'
    async with scene(kanade, [lost]) as made:
        await made.slot(lost, theirs)

        await pull(made)

        assert await made.slots() == {"pc-01"}
    assert "theirs" not in made.killed


async def test_what_is_over_or_of_another_release_is_left_alone(kanade: Office) -> None:
    other = builders.release(name="other")
    done = replace(attempt("pc-01"), outcome=builders.outcome())
    lapsed = attempt("pc-02", minutes=60)
    stranger = replace(attempt("pc-03"), wish=builders.attempt(other, "pc-03").wish)
    async with scene(kanade, [done, lapsed, stranger]) as made:
        await made.slot(stranger)

        found = await pull(made, 60)

        assert await made.slots() == {"pc-03"}
    assert (found.results, made.killed) == ({}, [])


def test_the_command_suspends_says_what_became_of_all_and_leaves_an_event(
    kanade: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stop, "_PATIENCE", timedelta(seconds=1))
    kanade.call("apply")

    done = kanade.call("stop", "tool", "--reason", "smoke")

    assert (done.code, done.out.splitlines()[0]) == (6, "tool is suspended")
    assert done.err.startswith("no controller has confirmed it yet; ")
    assert kanade.call("apply").code == 6
    assert "Suspended" in kanade.call("get", "releases").out
    assert asyncio.run(events(kanade)) == ["Stopped"]


async def events(office: Office) -> list[str]:
    async with connected(office.nats_url) as connection:
        found = await api.stream_info(
            connection, "RECONCILER_EVENTS", subjects="reconciler.events.tool.Stopped"
        )
        return [subject.rsplit(".", 1)[1] for subject in found.state.subjects or ()]
