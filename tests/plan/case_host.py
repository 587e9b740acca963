"""What a plan case says of a host: what is seen of it, and what was sent to it."""

from dataclasses import replace
from datetime import timedelta
from typing import TypedDict

from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.desired import Release
from reconciler.model.failure import FailureClass, Next
from reconciler.model.identity import (
    ExecId,
    GroupName,
    HostName,
    JobId,
    PackageName,
    ReleaseName,
    RequestId,
    ResultId,
)
from reconciler.model.observed import (
    Health,
    HostState,
    Presence,
    Slot,
)
from reconciler.model.proof import Proof
from reconciler.model.report import RunStarted
from tests.plan.case_memory import at_version
from tests.plan.case_time import span
from tests.support import builders
from tests.support.builders import NOON


class AttemptCase(TypedDict, total=False):
    state: str
    ago: str
    started: str
    version: str
    failure: str
    then: str
    number: int
    cause: str
    ended: str
    returns_to: str
    heals: int
    sent: bool


class HostCase(TypedDict, total=False):
    presence: str
    runs: str
    by: str
    ago: str
    since: str
    before: str
    before_ago: str
    bytes: str
    stopped: bool
    install: AttemptCase
    probe: AttemptCase
    slot: str
    unread: str
    by_hand: str
    agent: str
    agent_target: str
    agent_told: str
    windows: list[str]
    hostname: str
    signed_only: bool
    doubled: list[str]
    changed: str
    labels: dict[str, str]
    groups: list[str]
    healthy: str
    unhealthy: str


def host_of(case: HostCase) -> HostState:
    presence = Presence(case.get("presence", "online"))
    seen = NOON if presence is Presence.ONLINE else NOON - timedelta(days=2)
    return HostState(
        presence=presence,
        last_seen=seen if "slot" not in case else NOON - timedelta(seconds=20),
        agent_version=case.get("agent"),
        hostname=case.get("hostname"),
        signed_only=case.get("signed_only", False),
        groups=frozenset(map(GroupName, case.get("groups", []))),
        doubled=tuple(case.get("doubled", [])),
        changed_at=NOON - span(case["changed"]) if "changed" in case else None,
    )


def health_of(
    item: Release, host: HostName, case: HostCase
) -> dict[tuple[ReleaseName, HostName], Health]:
    since = case.get("unhealthy") or case.get("healthy")
    if since is None:
        return {}
    ok = "unhealthy" not in case
    found = Health(ok=ok, since=NOON - span(since), message="" if ok else "HTTP 503")
    return {(item.name, host): found}


def proof_of(
    item: Release, host: HostName, case: HostCase
) -> dict[tuple[PackageName, HostName], Proof]:
    if "runs" not in case:
        return {}
    version = None if case["runs"] == "absent" else case["runs"]
    by_probe = case.get("by", "probe") == "probe"
    sha = builders.digest_of(case.get("bytes", f"{item.name} {version}")) if by_probe else None
    found = builders.evidence(
        version,
        ago=span(case.get("ago", "1h")),
        sha=sha,
        running=not case.get("stopped", False),
        before=case.get("before"),
        before_ago=span(case["before_ago"]) if "before_ago" in case else None,
    )
    if "since" in case:
        found = replace(found, first_at=NOON - span(case["since"]))
    proof = Proof(
        package=item.package,
        host=host,
        by_probe=found if by_probe else None,
        by_result=None if by_probe else found,
    )
    return {(item.package, host): proof}


def attempt_of(item: Release, host: HostName, purpose: Purpose, case: AttemptCase) -> Attempt:
    release = builders.release(case["version"], name=item.name) if "version" in case else item
    outcome = None
    if case.get("state") in ("succeeded", "failed"):
        kind = FailureClass(case["failure"]) if "failure" in case else None
        outcome = builders.outcome(
            kind,
            then=Next(case["then"]) if "then" in case else None,
            ago=span(case.get("ended", "30s")),
        )
    built = builders.attempt(
        release,
        host,
        purpose=purpose,
        cause=case.get("cause", "fact-0"),
        ago=span(case.get("ago", "1m")),
        started_ago=span(case["started"]) if "started" in case else None,
        number=case.get("number", 1),
        outcome=outcome,
        sent=case.get("sent", True),
    )
    back = at_version(item, case["returns_to"]).fingerprint if "returns_to" in case else None
    return replace(built, returns_to=back, heals=case.get("heals", 0))


def run_by_hand(item: Release, host: HostName, ago: str) -> RunStarted:
    return RunStarted(
        result_id=ResultId("by hand"),
        request_id=RequestId("by hand"),
        exec_id=ExecId("by hand"),
        host=host,
        job=item.job.id,
        version=item.version,
        at=NOON - span(ago),
    )


def slot_of(ours: Attempt | None) -> Slot:
    return Slot(
        sequence=99,
        at=NOON - timedelta(seconds=5),
        request_id=ours.request_id if ours is not None else None,
        exec_id=None,
        job=JobId("cleanup"),
        version=None,
        script_sha256=None,
    )
