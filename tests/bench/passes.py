"""Whole passes with the real adapters, over a fleet that is as it should be.

`python -m tests.bench.passes CONFIG NATS_URL` answers one line. Nothing plays the hosts: what
they have proved is written down beforehand, and their heartbeats are sent for them.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import nats
from nats.js.api import DeliverPolicy

from reconciler.cli.collector import expect_many_values
from reconciler.cli.logs import configure
from reconciler.cli.runtime import Runtime
from reconciler.cli.settings import LogFormat, LogLevel, LogSettings, load_settings
from reconciler.cli.wiring import open_runtime
from reconciler.jetstream import api
from reconciler.jetstream.connection import Connection
from reconciler.kanade.names import EXEC, commands_of, heartbeats_of
from reconciler.model.attempt import Purpose
from reconciler.model.desired import Release
from reconciler.model.identity import HostName
from reconciler.model.plan import State
from reconciler.model.proof import Proof
from reconciler.state.names import STATE_BUCKET
from tests.bench.alone import alone, tell
from tests.bench.measure import Measure
from tests.bench.planning import FLEETS
from tests.source.repository import Repository
from tests.support.builders import NOON, attempt, evidence, outcome
from tests.support.kanade_streams import make_kanade
from tests.support.nats import running
from tests.support.small_fleet import files
from tests.support.streams import connected

_AT_ONCE = 256
_ROUNDS = 5
_MOST_TIMES = 1
_SETTINGS = """\
[source]
url = "{folder}/repository"
[nats]
url = "{url}"
[controller]
mode = "nats"
state_dir = "{folder}/state"
[secrets]
tool-token = {{ env = "PATH" }}
"""


async def measures(folder: Path) -> list[Measure]:
    """Measure each fleet on a server, and in a process, of its own."""
    return [
        measure for hosts in FLEETS for measure in await _with_hosts(folder / str(hosts), hosts)
    ]


async def _with_hosts(folder: Path, hosts: int) -> list[Measure]:
    names = [f"pc-{number:05}" for number in range(hosts)]
    Repository.create(folder / "repository").commit(files("1.0.0", names))
    config = folder / "reconciler.toml"
    with running(folder / "nats") as server:
        config.write_text(_SETTINGS.format(folder=folder, url=server.url))
        async with connected(server.url) as connection:
            await make_kanade(connection)
        async with alone(__name__, str(config), server.url) as ask:
            figures = await ask("")
    group, milliseconds = f"no_op_pass_{hosts}_hosts", figures["read"] * 1000
    return [
        *(
            Measure(
                group=group,
                name=f"{name}_ms",
                value=round(figures[name] * 1000, 1),
                limit=1000,
                beside=f"with the real adapters, best of {_ROUNDS}",
            )
            for name in ("pass", "resync")
        ),
        Measure(
            group=group,
            name="resync_ratio_to_nats_py",
            value=round(figures["resync"] / figures["read"], 2),
            limit=_MOST_TIMES if hosts == max(FLEETS) else None,
            beside=f"nats-py reads the same messages in {milliseconds:.0f} ms, best of {_ROUNDS}",
        ),
        Measure(group=group, name="rss_mb", value=figures["rss_mb"]),
    ]


async def _main(config: str, url: str) -> None:
    sys.stdin.readline()
    async with (
        open_runtime(load_settings(Path(config)), leader=True) as runtime,
        connected(url) as hosts,
    ):
        await runtime.lease.attempt()
        in_force = await runtime.revisions.fetch_or_raise()
        (release,) = in_force.desired.releases
        await _prove_all(runtime, release, in_force.desired.hosts, hosts)
        applied = await runtime.work.make(runtime.revisions.standing)
        while applied is not None and applied.plan.steps:
            applied = await runtime.work.make(runtime.revisions.standing)
        assert applied is not None
        found = {view.state for view in applied.plan.hosts[release.name]}
        assert found == {State.CONVERGED}, found
        gc.collect()
        passed, resync = await _pass(runtime), await _pass(runtime, resync=True)
        tell({"pass": passed, "resync": resync, "read": await _read_plainly(url)})


async def _read_plainly(url: str) -> float:
    """Return the seconds that nats-py alone takes for what is most of a resync: state and slots."""
    seconds = []
    async with await nats.connect(url) as client:
        streams = client.jetstream()
        for _ in range(_ROUNDS):
            begun = time.perf_counter()
            for stream in (f"KV_{STATE_BUCKET}", EXEC):
                reader = await streams.subscribe(
                    ">", stream=stream, ordered_consumer=True,
                    deliver_policy=DeliverPolicy.LAST_PER_SUBJECT,
                )  # fmt: skip
                info = await reader.consumer_info()
                assert info.num_pending is not None
                assert info.delivered is not None
                for _ in range(info.num_pending + info.delivered.consumer_seq):
                    await reader.next_msg(timeout=60)
                await reader.unsubscribe()
            seconds.append(time.perf_counter() - begun)
    return min(seconds)


async def _pass(runtime: Runtime, *, resync: bool = False) -> float:
    """Return the seconds of the quickest of some passes that find nothing to do."""
    seconds = []
    for _ in range(_ROUNDS):
        await runtime.lease.renew()
        begun = time.perf_counter()
        applied = await runtime.work.make(runtime.revisions.standing, resync=resync)
        seconds.append(time.perf_counter() - begun)
        assert applied is not None
        assert applied.plan.empty
    return min(seconds)


async def _prove_all(
    runtime: Runtime, release: Release, hosts: Iterable[HostName], connection: Connection
) -> None:
    """Let every host have been installed and proved, a moment ago."""
    journal, ago = runtime.work.journal, NOON - runtime.clock.now()

    async def prove(host: HostName) -> None:
        probe = evidence(release.version, sha=release.artifact.digest, name=f"fact-{host}", ago=ago)
        await journal.prove(Proof(package=release.package, host=host, by_probe=probe))

    async def record(host: HostName) -> None:
        done = outcome(name=f"result-{host}", ago=ago)
        for purpose in Purpose:
            await journal.record(attempt(release, host, purpose=purpose, outcome=done, ago=ago))

    async def command(host: HostName) -> None:
        sent = attempt(release, host).wish_id
        slot = {"id": release.job.id, "version": release.version, "request_id": sent}
        await api.store(connection, EXEC, commands_of(host), json.dumps(slot).encode())

    async def beat(host: HostName) -> None:
        heartbeat = {"pc_id": host, "agent_version": "0.101.0", "os_family": "linux"}
        await connection.publish(heartbeats_of(host), json.dumps(heartbeat).encode())

    for step in (prove, record, command, beat):
        await _for_all(hosts, step)


async def _for_all(hosts: Iterable[HostName], step: Callable[[HostName], Awaitable[None]]) -> None:
    window = asyncio.Semaphore(_AT_ONCE)

    async def one(host: HostName) -> None:
        async with window:
            await step(host)

    async with asyncio.TaskGroup() as group:
        for host in hosts:
            group.create_task(one(host))


if __name__ == "__main__":
    expect_many_values()
    configure(LogSettings(format=LogFormat.AUTO, level=LogLevel.WARNING))
    asyncio.run(_main(*sys.argv[1:]))
