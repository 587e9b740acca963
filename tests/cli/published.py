"""A status with everything in it that a table can be asked to show, as a leader publishes it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from reconciler.cli.clock import SystemClock
from reconciler.cli.own_state import open_own_state
from reconciler.model.condition import ConditionType, Truth
from reconciler.model.host_log import HostLog
from reconciler.model.identity import (
    ExecId,
    Fingerprint,
    HostName,
    JobId,
    ReleaseName,
    ResultId,
    Revision,
    Version,
)
from reconciler.model.status import (
    Change,
    ControllerStatus,
    Event,
    HostStatus,
    JobStatus,
    Status,
    WaveStatus,
)
from tests.cli.conftest import Office
from tests.support.builders import NOON, REVISION
from tests.support.statuses import condition, release
from tests.support.streams import connected

TOOL, BACKEND = ReleaseName("tool"), ReleaseName("kanade-backend")


def change(revision: str, version: str, minutes: int) -> Change:
    return Change(
        revision=Revision(revision * 40),
        version=Version(version),
        committed_at=NOON - timedelta(minutes=minutes),
        author="Mika Mäkinen",
        subject=f"Bump kanade-backend to {version}",
    )


def host(name: str, state: str, reason: str, message: str) -> HostStatus:
    return HostStatus(
        release=BACKEND,
        host=HostName(name),
        state=state,
        reason=reason,
        message=message,
        wanted=Version("0.43.0"),
    )


FAILED = HostStatus(
    release=BACKEND,
    host=HostName("backend-03.branch-office.example"),
    state="failed",
    reason="ServiceDidNotStart",
    message="the new service did not come up; the old install is intact",
    fix="publish a version that starts, or roll back",
    wanted=Version("0.43.0"),
    running=Version("0.42.0"),
    sha256="9" * 64,
    exec_id=ExecId("3f0c9a52-5a0e-4c3e-8a0e-1d2f3a4b5c6d"),
    exit_code=1,
    last_line="\x1b[31mservice kanade-backend\x1b[0m did not start \u2013 dépannage",
    proved_at=NOON,
)
READY = condition(ConditionType.READY, Truth.TRUE, "Converged", "4 of 4 hosts run tool 0.43.0")
STALLED = condition(
    ConditionType.READY,
    Truth.FALSE,
    "Failed",
    "backend-03.branch-office.example: ServiceDidNotStart: the new service did not come up; "
    "fix: publish a version that starts, or roll back",
)
SOURCE = condition(
    ConditionType.SOURCE_READY,
    Truth.FALSE,
    "InvalidDesiredState",
    'releases/tool.yaml:4:10: version must be a string; 1.10 would be read as 1.1: write "1.10"',
)
LOG = HostLog(
    release=BACKEND,
    host=FAILED.host,
    result_id=ResultId("result-1"),
    version=FAILED.wanted,
    fingerprint=Fingerprint("f" * 64),
    asked_at=NOON,
    lines=tuple(
        f"12:00:{number:02}  INFO \x1b[31mcommand\x1b[0m {'accepted ' * (number % 9)}request_id=7"
        for number in range(25)
    ),
)
STATUS = Status(
    controller=ControllerStatus(
        revision=REVISION, subject="Bump kanade-backend \x1b[5mnow", conditions=(SOURCE,)
    ),
    releases={
        TOOL: release(TOOL, READY, counts={"converged": 4}),
        BACKEND: release(
            BACKEND, STALLED, counts={"converged": 1, "failed": 1, "offline": 1, "pending": 2}
        ),
    },
    hosts={
        (item.release, item.host): item
        for item in (
            host("backend-01", "converged", "Proved", "by its result and by its probe"),
            host("backend-02", "offline", "HostOffline", "last seen 4 days ago"),
            FAILED,
        )
    },
    jobs={
        JobId("install-tool"): JobStatus(
            id=JobId("install-tool"),
            release=TOOL,
            version=Version("0.43.0"),
            registered=Version("0.43.0"),
            reason="InSync",
            message="",
        ),
        JobId("probe-tool"): JobStatus(
            id=JobId("probe-tool"),
            release=None,
            version=Version("1"),
            registered=None,
            reason="Missing",
            message="it is not in the catalogue; the next pass registers it",
        ),
    },
    logs={(BACKEND, LOG.host): LOG},
)


GROWN = replace(
    STATUS,
    releases={
        **STATUS.releases,
        BACKEND: replace(
            STATUS.releases[BACKEND],
            waves=(
                WaveStatus(name="canary", hosts=2, healthy=1, failed=1, offline=0, is_open=True),
                WaveStatus(name="rest", hosts=13, healthy=0, failed=0, offline=1, is_open=False),
            ),
            change=replace(change("a", "0.43.0", 10), failed_at=NOON),
            past=(
                replace(change("b", "0.42.0", 75), proved_at=NOON - timedelta(minutes=61)),
                replace(change("c", "0.41.0", 90), replaced_at=NOON - timedelta(minutes=75)),
            ),
        ),
    },
    hosts={
        **{
            key: replace(item, wave="rest" if item.state == "offline" else "canary")
            for key, item in STATUS.hosts.items()
        },
        **{
            (BACKEND, HostName(f"branch-{number:02}")): replace(
                host(f"branch-{number:02}", "pending", "EarlierWave", "it waits for canary"),
                wave="rest",
            )
            for number in range(12)
        },
    },
    jobs={
        **STATUS.jobs,
        JobId("install-kanade-backend"): JobStatus(
            id=JobId("install-kanade-backend"),
            release=BACKEND,
            version=Version("0.43.0"),
            registered=Version("0.43.0"),
            reason="InSync",
            message="",
            script="deploy-backend/0.43.0.r12345678",
        ),
    },
)
"""The same with waves, many hosts, and a past."""

EVENTS = (
    Event(
        at=NOON,
        kind="RevisionApplied",
        message="revision aaaaaaaaaaaa is in force: Bump kanade-backend \x1b[5mnow",
        revision=REVISION,
    ),
    Event(
        at=NOON + timedelta(seconds=9),
        kind="HostFailed",
        message="ServiceDidNotStart: the new service did not come up; the old install is intact",
        release=BACKEND,
        host=FAILED.host,
        severity="error",
    ),
    Event(
        at=NOON + timedelta(hours=2),
        kind="Converged",
        message="4 of 4 hosts run tool 0.43.0, proved",
        release=TOOL,
    ),
)


def publish(office: Office, status: Status = STATUS, events: Sequence[Event] = ()) -> None:
    """Publish *status* as the leader does, and step down."""

    async def as_leader() -> None:
        async with (
            connected(office.nats_url) as connection,
            open_own_state(connection, "desk", SystemClock(), lambda: None, create=True) as own,
        ):
            assert await own.lease.attempt()
            await own.board.publish(status, events)
            for log in status.logs.values():
                await own.ledger.keep_log(log)
            await own.lease.release()

    asyncio.run(as_leader())
