"""What who looks on, or waits, sees: what there is, and then what has changed, to the letter."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from itertools import takewhile

import pytest

from reconciler.cli import exits
from reconciler.cli.clock import SystemClock
from reconciler.cli.own_state import open_own_state
from reconciler.cli.status_client import StatusClient
from reconciler.model.identity import HostName, JobId, Version
from reconciler.model.status import Status
from tests.cli.conftest import Office
from tests.cli.published import BACKEND, EVENTS, GROWN, TOOL, publish
from tests.cli.test_printed import ESCAPE, file_of, printed
from tests.support.golden import assert_same
from tests.support.streams import connected

HOST, JOB = (BACKEND, HostName("backend-02")), JobId("install-tool")
LATER = Version("0.44.0")
NEWER = replace(
    GROWN,
    releases={**GROWN.releases, TOOL: replace(GROWN.releases[TOOL], version=LATER)},
)
PROVED = replace(
    GROWN,
    hosts={
        **GROWN.hosts,
        HOST: replace(
            GROWN.hosts[HOST], state="converged", reason="Proved", message="by its probe"
        ),
    },
)
WANTED = replace(GROWN, jobs={**GROWN.jobs, JOB: replace(GROWN.jobs[JOB], version=LATER)})


def until_seen(
    later: Status, change: Callable[[], None]
) -> Callable[[StatusClient], AsyncIterator[Status]]:
    """Return what shows a watcher the status, makes the *change*, and stops it after *later*."""
    statuses = StatusClient.statuses

    async def show(client: StatusClient) -> AsyncIterator[Status]:
        changing = threading.Thread(target=change)
        async for status in statuses(client):
            yield status
            if status == later:
                changing.join()
                raise KeyboardInterrupt
            if not changing.ident:
                changing.start()

    return show


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize(
    ("words", "later"),
    [
        ("get releases", NEWER),
        ("get releases -o wide", NEWER),
        ("get hosts", PROVED),
        ("get jobs", WANTED),
        ("tree tool", NEWER),
        ("why backend-02", PROVED),
    ],
)
def test_what_changes(
    kanade: Office, monkeypatch: pytest.MonkeyPatch, words: str, later: Status, columns: int
) -> None:
    publish(kanade, GROWN)
    monkeypatch.setattr(StatusClient, "statuses", until_seen(later, lambda: publish(kanade, later)))

    text = printed(kanade, f"{words} --watch", columns)

    assert ESCAPE not in text
    assert text.endswith(f"interrupted\n-- exit code {exits.INTERRUPTED}\n")
    assert_same(text, file_of(f"{words} --watch", f"-{columns}"))


@pytest.mark.parametrize("columns", [80, 120])
def test_what_happens(kanade: Office, columns: int) -> None:
    publish(kanade, GROWN, EVENTS[:1])
    with kanade.started("events", "--watch", COLUMNS=str(columns)) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, b"")
        begun = next(line for line in lines if b"RevisionApplied" in line)
        publish(kanade, GROWN, EVENTS[1:])
        rest = [*takewhile(lambda line: b"proved" not in line, lines)]

    text = b"".join((begun, *rest)).decode()

    assert_same(text, file_of("events --watch", f"-{columns}"))


@pytest.mark.parametrize("columns", [80, 120])
def test_the_end_of_what_is_waited_for(kanade: Office, columns: int) -> None:
    publish(kanade, GROWN)
    controller = threading.Thread(target=lambda: asyncio.run(answers(kanade)))
    controller.start()

    text = printed(kanade, "reconcile tool --wait", columns)

    controller.join()
    assert_same(text, file_of("reconcile tool --wait", f"-{columns}"))


async def answers(office: Office) -> None:
    """Answer, as a leader does, the next word to look."""
    asked = asyncio.Event()
    async with (
        connected(office.nats_url) as connection,
        open_own_state(connection, "desk", SystemClock(), asked.set, create=True) as own,
    ):
        assert await own.lease.attempt()
        while (look := own.book.read().reconcile) is None:
            asked.clear()
            await asked.wait()
        seen = replace(GROWN.controller, answered=look.id, conditions=())
        await own.board.publish(replace(GROWN, controller=seen), ())
        await own.lease.release()
