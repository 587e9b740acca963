"""Where nothing is left to do nothing is written, in no stream of the server, but the lease."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.cli.demo.repository import RELEASE, Repository
from reconciler.cli.runtime import Runtime
from reconciler.cli.settings import load_settings
from reconciler.cli.wiring import open_runtime
from reconciler.controller import Controller
from reconciler.desired.edit import set_values
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.model.plan import State
from tests.support.nats import eventually
from tests.support.playground import HOSTS, playground
from tests.support.streams import connected, subjects

pytestmark = pytest.mark.slow

VERSION = "1.1.0"
_BEAT = "$KV.reconciler_state.lease.beat"


class Resyncs:
    """Implements `ports.Sweep`: counts, and asks for one more pass after each that is wanted."""

    def __init__(self, runtime: Runtime) -> None:
        self.wake = runtime.wake
        self._made = asyncio.Condition()
        self._count = self._wanted = 0

    async def sweep(self) -> None:
        async with self._made:
            self._count += 1
            self._made.notify_all()
        if self._count < self._wanted:
            self.wake()

    async def more(self, count: int) -> None:
        """Wait until *count* more have begun, so that all but the last have ended."""
        async with self._made:
            self._wanted = self._count + count
            await self._made.wait_for(lambda: self._count >= self._wanted)


@asynccontextmanager
async def working(runtime: Runtime, resyncs: Resyncs) -> AsyncIterator[None]:
    """Run a controller that reads everything anew several times a second."""
    controller = Controller(
        work=replace(runtime.work, swept=(*runtime.work.swept, resyncs)),
        revisions=runtime.revisions,
        lease=runtime.lease,
        clock=runtime.clock,
        wake=runtime.wake,
        wake_source=runtime.wake_source,
        resync=timedelta(seconds=0.3),
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(controller.run())
        try:
            yield
        finally:
            controller.stop()


def has_converged(runtime: Runtime) -> bool:
    told = runtime.work.board.read().hosts.values()
    return [(host.state, host.running) for host in told] == [(State.CONVERGED, VERSION)] * len(
        HOSTS
    )


async def last_sequences(connection: Connection) -> dict[str, int]:
    """Return the last sequence of every subject of every stream that the server has."""
    names = await api.call(connection, "STREAM.NAMES", {}, dict[str, object], "all streams")
    streams = names["streams"]
    assert isinstance(streams, list)
    found = {}
    for stream in streams:
        for subject in await subjects(connection, stream):
            message = await api.last_message(connection, stream, subject)
            found[subject] = message.sequence if message is not None else 0
    return found


def _calm(repository: Repository) -> None:
    """Let there be no probe but those that the first look and the install ask for."""
    file = repository.state / "releases" / f"{RELEASE}.yaml"
    changes = {
        ("verify", "probe", "every"): "24h",
        ("rollout", "soak"): "0s",
        ("rollout", "waves"): None,
    }
    file.write_text(set_values(file.read_text(), changes))


@pytest.mark.parametrize("mode", ["nats", "backend"])
async def test_passes_without_news_write_nothing_but_the_lease(
    mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with playground(tmp_path, mode) as world:
        monkeypatch.setenv("TEST_TOKEN", world.lab.token)
        _calm(world.repository)
        world.bump(VERSION)
        settings = load_settings(world.controller().config)
        async with (
            connected(world.lab.nats_url) as connection,
            open_runtime(settings, leader=True) as runtime,
        ):
            resyncs = Resyncs(runtime)
            async with asyncio.timeout(60), working(runtime, resyncs):
                await eventually(lambda: has_converged(runtime))
                await resyncs.more(2)
                before = await last_sequences(connection)
                await resyncs.more(5)
                await runtime.lease.renew()
                after = await last_sequences(connection)

    changed = {subject for subject in before | after if before.get(subject) != after.get(subject)}
    assert changed == {_BEAT}
