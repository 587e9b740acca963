"""The controls over a fake fleet: a status with everything in it, events, and a book."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from reconciler.model.approval import Approval
from reconciler.model.condition import Condition, ConditionType, Truth
from reconciler.model.host_log import HostLog
from reconciler.model.identity import (
    HostName,
    JobId,
    ReleaseName,
    ResultId,
    Revision,
    Version,
)
from reconciler.model.observed import Suspension
from reconciler.model.status import (
    ApprovalStatus,
    Change,
    ControllerStatus,
    Event,
    Held,
    HostStatus,
    JobStatus,
    Status,
    WaveStatus,
)
from reconciler.serve.controls import Controls
from reconciler.serve.news import News
from reconciler.state.chronicle import Entry
from tests.support import statuses
from tests.support.builders import NOON, REVISION
from tests.support.clock import FakeClock
from tests.support.statuses import FINGERPRINT, release

BACKEND, TOOL = ReleaseName("kanade-backend"), ReleaseName("inventory-tool")
NEW, OLD = Version("0.43.0"), Version("0.42.1")
SOAK = Held(reason="Soaking", message="wave canary soaks for 5m", until=NOON + timedelta(minutes=3))
APPROVAL = Held(reason="ApprovalRequired", message="it needs 1 approval", needs_person=True)
PLAN = "kanade-backend\n  + publish kanade-backend/0.43.0  (it is missing)\n  > run on 24 hosts"
HOSTILE = "pc-\u202e<script>alert(1)</script>&\"'"


@dataclass
class FakeEntries:
    """Implements `Entries` over a list."""

    held: list[Entry] = field(default_factory=list)

    @property
    def newest(self) -> int:
        return self.held[-1].sequence if self.held else 0

    def entries(self, after: int = 0) -> Sequence[Entry]:
        return [entry for entry in self.held if entry.sequence > after]

    def add(self, event: Event) -> None:
        self.held.append(Entry(sequence=self.newest + 1, event=event))


@dataclass
class FakeBook:
    """Implements `Book`: remembers who said what."""

    approvals: list[Approval] = field(default_factory=list)
    suspensions: dict[ReleaseName, Suspension] = field(default_factory=dict)
    resumed: list[ReleaseName] = field(default_factory=list)

    async def approve(self, approval: Approval) -> None:
        self.approvals.append(approval)

    async def suspend(self, suspension: Suspension) -> None:
        self.suspensions[suspension.release] = suspension

    async def resume(self, release: ReleaseName) -> None:
        self.resumed.append(release)


@dataclass(kw_only=True)
class Fleet:
    """What a test looks at and may change."""

    status: Status
    events: FakeEntries
    book: FakeBook = field(default_factory=FakeBook)
    news: News = field(default_factory=News)
    clock: FakeClock = field(default_factory=FakeClock)

    def controls(self, *, needs_signature: bool = False) -> Controls:
        return Controls(
            status=lambda: self.status,
            events=self.events,
            book=self.book,
            news=self.news,
            clock=self.clock,
            needs_signature=needs_signature,
        )


def condition(kind: ConditionType, status: Truth, reason: str, message: str = "") -> Condition:
    return statuses.condition(kind, status, reason, message, NOON - timedelta(minutes=20))


def host(name: str, state: str, **more: object) -> HostStatus:
    made = HostStatus(
        release=BACKEND,
        host=HostName(name),
        state=state,
        reason="Proved" if state == "converged" else "InFlight",
        message="by its result and by its probe" if state == "converged" else f"it is {state}",
        wanted=NEW,
        running=NEW if state == "converged" else OLD,
        proved_at=NOON if state == "converged" else None,
        sha256="9" * 64,
    )
    return replace(made, **more)  # type: ignore[arg-type]  # names and values are the test's own


def wave(name: str, hosts: Sequence[HostStatus], *, is_open: bool) -> WaveStatus:
    own = [host for host in hosts if host.wave == name]
    return WaveStatus(
        name=name,
        hosts=len(own),
        healthy=sum(host.state == "converged" for host in own),
        failed=sum(host.state == "failed" for host in own),
        offline=sum(host.state == "offline" for host in own),
        is_open=is_open,
    )


def counted(hosts: Sequence[HostStatus]) -> Mapping[str, int]:
    return {
        state: sum(host.state == state for host in hosts)
        for state in sorted({host.state for host in hosts})
    }


READY = condition(ConditionType.READY, Truth.FALSE, "Soaking", "3 of 24 hosts run it, proved")
RECONCILING = condition(ConditionType.RECONCILING, Truth.TRUE, "Soaking", "3 of 24 hosts")
CALM = condition(ConditionType.STALLED, Truth.FALSE, "Progressing")
STEADY = condition(ConditionType.DRIFT_DETECTED, Truth.FALSE, "NoDrift")
DONE = condition(ConditionType.READY, Truth.TRUE, "Converged", "8 of 8 hosts run it, proved")
SOURCE = condition(ConditionType.SOURCE_READY, Truth.TRUE, "Fetched", "main")


def rollout() -> list[HostStatus]:
    """A canary that is proved, a wave on its way with a failure in it, and the rest."""
    hosts = [host(f"canary-{number:02}", "converged", wave="canary") for number in (1, 2, 3)]
    hosts += [
        host("office-01", "running", wave="office"),
        host("office-02", "converged", wave="office"),
        host(
            "office-03",
            "failed",
            wave="office",
            reason="ServiceDidNotStart",
            message="the new service did not come up; the old install is intact",
            fix="publish a version that starts, or roll back",
            exit_code=1,
            last_line="<b>dépannage</b>: \x1b[31mservice did not start",
        ),
        host("office-04", "offline", wave="office", reason="HostOffline", message="for 4 days"),
    ]
    hosts += [
        host(
            f"plant-{number:02}",
            "pending",
            wave="rest",
            reason="WaveNotDone",
            message="wave office is not done",
            held=Held(reason="WaveNotDone", message="wave office is not done"),
        )
        for number in range(1, 18)
    ]
    return hosts


LOG = HostLog(
    release=BACKEND,
    host=HostName("office-03"),
    result_id=ResultId("result-1"),
    version=NEW,
    fingerprint=FINGERPRINT,
    asked_at=NOON,
    lines=tuple(f"{number:02}  INFO <i>dépannage</i> \ufffd[31m" for number in range(30)),
)


def fleet(hosts: Sequence[HostStatus] | None = None) -> Fleet:
    """A rollout in its middle, and a release that is done."""
    found = list(hosts) if hosts is not None else rollout()
    done = [
        replace(host(f"tool-{number}", "converged"), release=TOOL, running=NEW)
        for number in range(1, 9)
    ]
    backend = release(
        BACKEND,
        *(READY, RECONCILING, CALM, STEADY),
        condition(ConditionType.APPROVED, Truth.FALSE, "ApprovalRequired", "it needs 1 approval"),
        counts=counted(found),
        waits_for="wave office is not done",
        waves=tuple(
            wave(name, found, is_open=name != "rest")
            for name in dict.fromkeys(host.wave for host in found)
        ),
        held=(APPROVAL, SOAK),
        change=Change(revision=REVISION, committed_at=NOON - timedelta(minutes=25)),
        words=(ApprovalStatus(kind="approval", by="alice", at=NOON, reason="tried it"),),
        compared_with=OLD,
        compared_as="proved",
    )
    tool = release(TOOL, DONE, CALM, STEADY, counts=counted(done))
    return Fleet(
        status=Status(
            controller=ControllerStatus(
                revision=REVISION,
                subject="Bump kanade-backend to 0.43.0 <b>now</b>",
                instance="ops-1",
                conditions=(SOURCE,),
            ),
            releases={BACKEND: backend, TOOL: tool},
            hosts={(item.release, item.host): item for item in (*found, *done)},
            jobs={
                JobId("install-kanade-backend"): JobStatus(
                    id=JobId("install-kanade-backend"),
                    release=BACKEND,
                    version=NEW,
                    registered=NEW,
                    reason="InSync",
                    message="",
                ),
                JobId("probe-disk"): JobStatus(
                    id=JobId("probe-disk"),
                    release=None,
                    version=Version("1"),
                    registered=None,
                    reason="Missing",
                    message="the next pass registers it",
                ),
            },
            logs={(BACKEND, LOG.host): LOG},
        ),
        events=FakeEntries(
            [Entry(sequence=number, event=event) for number, event in enumerate(told(), 1)]
        ),
    )


def told() -> Iterator[Event]:
    """Yield what has happened in the rollout, a minute after the other."""
    at = NOON - timedelta(minutes=24)

    def event(kind: str, message: str, **more: object) -> Event:
        nonlocal at
        at += timedelta(minutes=1)
        made = Event(at=at, kind=kind, message=message, release=BACKEND, revision=REVISION)
        return replace(made, **more)  # type: ignore[arg-type]  # names and values are the test's

    yield event(
        "RevisionApplied", "revision aaaaaaaaaaaa is in force: Bump", release=None, details=PLAN
    )
    yield event("Progressing", "0 of 24 hosts run it, proved")
    for number in (1, 2, 3):
        yield event("HostRunning", "InFlight: it is running", host=HostName(f"canary-0{number}"))
    for number in (1, 2, 3):
        yield event("HostConverged", "Proved: by its probe", host=HostName(f"canary-0{number}"))
    yield event("Soaking", "wave canary soaks for 5m")
    yield event(
        "HostFailed",
        "ServiceDidNotStart: the new service did not come up",
        host=HostName("office-03"),
        severity="error",
    )
    yield event("ServiceDidNotStart", "office-03", severity="error")


def many(count: int) -> list[HostStatus]:
    """Hosts of a large fleet, in every state."""
    states = ("converged", "converged", "converged", "running", "pending", "offline", "failed")
    return [
        host(
            f"pc-{number:05}",
            states[number % len(states)],
            wave=("canary", "office", "plants")[min(number // 50, 2)],
        )
        for number in range(count)
    ]


OTHER = Revision("b" * 40)
