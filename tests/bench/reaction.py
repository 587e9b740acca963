"""How soon a commit becomes a command, and a result a proof: on the demo's own stage."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

from nats.aio.msg import Msg

from reconciler.cli.demo.repository import RELEASE, Repository
from reconciler.cli.demo.stage import FIRST, HOSTS, Stage, set_stage
from reconciler.desired.edit import set_values
from reconciler.kanade.codec import ExecResult, decode
from reconciler.kanade.names import ALL_RESULTS, APP_PACKAGES
from reconciler.kanade.objects import NatsObjects
from reconciler.lab.service import build_service
from reconciler.model.digest import Digest
from reconciler.model.identity import HostName, ObjectRef, Version
from reconciler.model.plan import State
from reconciler.model.status import HostStatus
from reconciler.ports import BytesContent
from reconciler.state.codec import decode as decode_record
from reconciler.state.names import STATE_BUCKET, STATUS_HOSTS
from tests.bench.measure import Measure

_BUMPS = 9
_LIMIT_MS = 300


class Ear:
    """Hears when a host's last result came in, and when the host was told to be proved."""

    def __init__(self) -> None:
        self.results: dict[HostName, float] = {}
        self.proved: dict[tuple[HostName, Version], float] = {}
        """Seconds since the result that proves it."""

    async def listen(self, stage: Stage) -> None:
        connection = stage.client.connection
        await connection.subscribe(ALL_RESULTS, _timed(self._hear_result))
        await connection.subscribe(
            f"$KV.{STATE_BUCKET}.{STATUS_HOSTS}.>", _timed(self._hear_status)
        )

    def _hear_result(self, message: Msg, at: float) -> None:
        self.results[HostName(decode(message.data, ExecResult, message.subject).pc_id)] = at

    def _hear_status(self, message: Msg, at: float) -> None:
        told = decode_record(message.data, HostStatus)
        if told.state == State.CONVERGED and told.running == told.wanted:
            last = self.results.get(told.host, at)
            self.proved.setdefault((told.host, told.wanted), at - last)


def _timed(hear: Callable[[Msg, float], None]) -> Callable[[Msg], Awaitable[None]]:
    async def handle(message: Msg) -> None:
        hear(message, time.monotonic())

    return handle


def _calm(repository: Repository) -> None:
    """Let bumps follow each other: no soak, and no probe but those that prove an install.

    The artifact is somebody else's to publish: it is there before the commit.
    """
    file = repository.state / "releases" / f"{RELEASE}.yaml"
    changes = {
        ("artifact", "file"): None,
        ("verify", "probe", "every"): "24h",
        ("rollout", "soak"): "0s",
        ("rollout", "waves"): None,
    }
    file.write_text(set_values(file.read_text("utf-8"), changes), "utf-8")


async def measures(folder: Path) -> list[Measure]:
    """Bump again and again, and wait each time until every host is proved."""
    async with set_stage(folder) as stage:
        await _all_run(stage, FIRST)
        _calm(stage.repository)
        ear = Ear()
        await ear.listen(stage)
        commands = [await _bump(stage, f"1.0.{number}") for number in range(_BUMPS)]
    results = [seconds for (_, wanted), seconds in ear.proved.items() if wanted != FIRST]
    assert len(results) == _BUMPS * len(HOSTS)
    return [
        *_told("commit_to_command_ms", commands, "the artifact is stored already"),
        *_told("result_to_converged_ms", results, "since the result that proves the host"),
    ]


async def _bump(stage: Stage, version: str) -> float:
    """Return the seconds from before `git commit` to the first command."""
    binary = build_service(version)
    store = NatsObjects(stage.client.connection, APP_PACKAGES)
    stored = BytesContent(binary), Digest.of(binary)
    await store.publish(ObjectRef(RELEASE, version), *stored, replaces=0)
    begun = time.monotonic()
    stage.repository.bump(version, binary, f"Bump to {version}")
    await stage.until("a command is sent", lambda: bool(stage.traffic.installs(version)))
    await _all_run(stage, version)
    return stage.traffic.installs(version)[0].at - begun


async def _all_run(stage: Stage, version: str) -> None:
    def they_do() -> bool:
        told = [(item.state, item.running) for item in stage.status.hosts.values()]
        return told == [(State.CONVERGED, version)] * len(HOSTS)

    await stage.until("every host is proved", they_do, 60)


def _told(group: str, seconds: list[float], beside: str) -> list[Measure]:
    middle, worst = round(median(seconds) * 1000, 1), round(max(seconds) * 1000, 1)
    return [
        Measure(group=group, name="median", value=middle, limit=_LIMIT_MS, beside=beside),
        Measure(group=group, name="max", value=worst, beside=f"of {len(seconds)}"),
    ]
