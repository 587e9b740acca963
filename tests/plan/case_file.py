"""Reads a plan case: a small YAML file that a person who knows no Python can check.

```yaml
why: the rule, as a sentence
releases:                   # defaults: one release `tool` 2.0.0 on pc-01, with a probe job
  tool: {version: "2.0.0", hosts: [pc-01], probe: true, approval: false, ...}
missing: [package, script, job, probe-job]      # of the first release; all is supplied otherwise
hosts:
  pc-01:
    presence: online | offline | unknown        # online when left out
    runs: "1.0.0"           # what its newest evidence says; `absent`; nothing when left out
    by: probe | result      # who said so; a probe also saw the right bytes of that version
    ago: 1h                 # when
    before: "2.0.0"         # what the evidence had said until then
    before_ago: 2m          # when it had last said so; when the newest came, when left out
    install: {...}          # the last install: state, ago, version, failure, then, number, cause
    probe: {...}            # the last probe, likewise
    by_hand: 1m             # when somebody else has started the release's job there
    slot: other | ours      # what lies in its slot, newer than its last heartbeat
    signed_only: true       # its agent takes signed commands only
    hostname: PC-01         # what its system is called; `doubled`: the systems that take turns
    changed: 1m             # when another system was first heard under its name
    windows: [...]          # when it may be changed: "allow 0 22 * * 1-5 for 4h in Asia/Tokyo"
    labels: {ring: "1"}     # what the repository says of it; `groups`: kanade's
    agent: "0.41.0"         # its version; `agent_target`: what it was told to run, agent_told: 1m
    unhealthy: 1m           # since when its service has said so; or `healthy`; needs health: true
agent_releases: [...]       # the agent versions that kanade has
edited: true                # somebody has edited the first release's job
owns_job: false             # it was never ours
records: ["1.0.0"]          # what was proved once, the oldest first; today's when left out
approved_last: "1.0.0"      # what people let through last; today's when left out
frozen: true                # and: revoked, scheduled, suspended, suspended_for, approved, retried
backend: up                 # or down, none
words: [{by: aki, ...}]     # approvals, `of` another version where said; with `for` an override
quarantined: ["2.0.0"]      # what has failed, 5 minutes ago
offer_revert: true          # the settings want a branch offered; `offered`: of what one was
returned: {to: "1.0.0"}     # a person's word to go back, a minute ago
stores: {...}               # what else is in kanade's stores and jobs: see store_case.py
now: 2027-03-28T01:00:00Z   # the moment of the plan; noon on 2026-11-23 when left out
steps: [verb/subject, ...]  # what must come out, in this order
deferred: [Reason, ...]     # the reasons, sorted
unapproved: [tool]          # the releases that lack people's words, whatever holds them first
claims: [version-tool]        # the jobs that are ours from now on, without a step
needs_person: [Reason, ...] # the reasons that nothing but a person ends, sorted
blocked: {tool: Reason}     # what is told to hold a release as a whole
look_again: 5m              # when the clock alone will change something; `never` for not at all
states: {pc-01: pending}
drifted: [pc-01]            # the hosts that were right and are not any more
```
"""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypedDict

import yaml

from reconciler.desired.cron import parse_cron
from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.desired import Desired, DriftPolicy, HealthCheck, Release
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
    Version,
)
from reconciler.model.observed import (
    AgentTarget,
    BackendState,
    Freeze,
    Health,
    HostState,
    Observed,
    Presence,
    Slot,
)
from reconciler.model.policy import ApprovalPolicy, Cron, Window, WindowKind
from reconciler.model.proof import Proof
from reconciler.model.record import ReleaseRecord
from reconciler.model.report import RunStarted
from tests.plan.case_memory import at_version, with_memory, with_return
from tests.plan.case_missing import without
from tests.plan.case_requests import WordCase, requests_of
from tests.plan.case_rollout import RolloutCase, rollout_of
from tests.plan.case_time import span
from tests.plan.store_case import StoresCase
from tests.support import builders
from tests.support.builders import NOON

_HEALTH = HealthCheck(url="http://{host}:8080/health", every=timedelta(seconds=30), failures=3)


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


class ReleaseCase(RolloutCase, total=False):
    version: str
    hosts: list[str]
    probe: bool
    approval: bool
    health: bool
    max_in_flight: int
    depends_on: list[str]
    allow_downgrade: bool
    adopt: bool
    suspend: bool
    drift: str
    yanked: list[str]
    requires_agent: str
    upgrade_agent: str
    windows: list[str]
    required: int
    expires: str


class PlanCase(TypedDict, total=False):
    why: str
    releases: dict[str, ReleaseCase]
    missing: list[str]
    hosts: dict[str, HostCase]
    edited: bool
    owns_job: bool
    frozen: bool
    revoked: bool
    scheduled: str
    suspended: str
    suspended_for: str
    words: list[WordCase]
    approved: bool
    retried: str
    agent_releases: list[str]
    records: list[str]
    approved_last: str
    quarantined: list[str]
    offer_revert: bool
    offered: list[str]
    returned: dict[str, str]
    backend: str
    stores: StoresCase
    now: datetime
    needs_person: list[str]
    blocked: dict[str, str]
    look_again: str
    steps: list[str]
    deferred: list[str]
    unapproved: list[str]
    claims: list[str]
    states: dict[str, str]
    drifted: list[str]


def read_case(path: Path) -> PlanCase:
    case: PlanCase = yaml.safe_load(path.read_text())
    unknown = set(case) - set(PlanCase.__annotations__)
    assert not unknown, f"{path.name}: unknown keys {sorted(unknown)}"
    return case


def releases_of(case: PlanCase) -> tuple[Release, ...]:
    named = case.get("releases") or {"tool": ReleaseCase()}
    return tuple(_release(name, item) for name, item in named.items())


def _release(name: str, item: ReleaseCase) -> Release:
    built = builders.release(
        item.get("version", "2.0.0"),
        name=name,
        hosts=item.get("hosts", ["pc-01"]),
        probe=item.get("probe", True),
        install=builders.job(f"install-{name}", require_approval=item.get("approval", False)),
        max_in_flight=item.get("max_in_flight", 10),
        depends_on=frozenset(map(ReleaseName, item.get("depends_on", []))),
        allow_downgrade=item.get("allow_downgrade", False),
        adopt=item.get("adopt", False),
        suspend=item.get("suspend", False),
        drift=DriftPolicy(item.get("drift", "heal")),
    )
    expires = item.get("expires")
    approval = ApprovalPolicy(
        required=item.get("required", 1), expires=span(expires) if expires is not None else None
    )
    return replace(
        built,
        rollout=rollout_of(built.rollout, item),
        verify=replace(built.verify, http=_HEALTH if item.get("health") else None),
        approval=approval if "required" in item else None,
        windows=_windows(item.get("windows", [])),
        yanked=frozenset(map(Version, item.get("yanked", []))),
        requires_agent=_version(item.get("requires_agent")),
        upgrade_agent=_version(item.get("upgrade_agent")),
    )


def _version(text: str | None) -> Version | None:
    return Version(text) if text is not None else None


def _windows(lines: list[str]) -> tuple[Window, ...]:
    """Read `allow 0 22 * * 1-5 for 4h in Asia/Tokyo`; UTC where no zone is named."""
    windows: list[Window] = []
    for line in lines:
        found = re.fullmatch(r"(allow|deny) (.+) for (\w+)(?: in (\S+))?", line)
        assert found is not None, line
        cron = parse_cron(found[2])
        assert isinstance(cron, Cron), cron
        kind, zone = WindowKind(found[1]), found[4] or "UTC"
        windows.append(Window(kind=kind, cron=cron, duration=span(found[3]), zone=zone))
    return tuple(windows)


def desired_of(case: PlanCase) -> Desired:
    built = builders.desired(*releases_of(case))
    hosts = {
        name: replace(
            host,
            windows=_windows(case.get("hosts", {}).get(name, {}).get("windows", [])),
            labels=case.get("hosts", {}).get(name, {}).get("labels", {}),
        )
        for name, host in built.hosts.items()
    }
    return replace(built, hosts=hosts)


def observed_of(case: PlanCase) -> Observed:
    releases = releases_of(case)
    first = releases[0]
    supply = _supplied(case, releases)
    hosts: dict[HostName, HostState] = {}
    attempts: dict[tuple[ReleaseName, HostName, Purpose], Attempt] = {}
    proofs: dict[tuple[PackageName, HostName], Proof] = {}
    slots: dict[HostName, Slot] = {}
    runs: dict[tuple[JobId, HostName], RunStarted] = {}
    health: dict[tuple[ReleaseName, HostName], Health] = {}
    for text, host_case in case.get("hosts", {}).items():
        name = HostName(text)
        item = next((one for one in releases if name in one.targets.hosts), first)
        hosts[name] = _host(host_case)
        health |= _health(item, name, host_case)
        proofs |= _proof(item, name, host_case)
        for purpose in Purpose:
            known = (
                host_case.get("install") if purpose is Purpose.INSTALL else host_case.get("probe")
            )
            if known is not None:
                attempts[item.name, name, purpose] = _attempt(item, name, purpose, known)
        if "by_hand" in host_case:
            runs[item.job.id, name] = _by_hand(item, name, host_case["by_hand"])
        if "slot" in host_case:
            last = attempts.get((item.name, name, Purpose.PROBE))
            slots[name] = _slot(last if host_case["slot"] == "ours" else None)
    return replace(
        supply,
        approved=_approved(case, first),
        hosts=hosts,
        attempts=attempts,
        proofs=proofs,
        slots=slots,
        runs=runs,
        health=health,
        freeze=Freeze(frozen=case.get("frozen", False), reason="audit"),
        agent_releases=frozenset(map(Version, case.get("agent_releases", []))),
        agent_targets={
            HostName(name): AgentTarget(
                version=Version(host["agent_target"]),
                at=NOON - span(host.get("agent_told", "1m")),
            )
            for name, host in case.get("hosts", {}).items()
            if "agent_target" in host
        },
        requests=with_return(
            requests_of(
                first,
                words=case.get("words", [WordCase(by="mika")] if case.get("approved") else []),
                suspended=case.get("suspended"),
                suspended_for=case.get("suspended_for"),
                retried=case.get("retried"),
            ),
            first,
            case.get("returned"),
        ),
        backend=BackendState(case.get("backend", "none")),
    )


def _approved(case: PlanCase, first: Release) -> dict[ReleaseName, ReleaseRecord]:
    kept = at_version(first, case.get("approved_last", first.version))
    return {first.name: builders.record(kept)}


def _supplied(case: PlanCase, releases: tuple[Release, ...]) -> Observed:
    """Return what is in kanade and in our own memory, before any host is looked at."""
    first = releases[0]
    supply = builders.supplied(*releases)
    for item in releases:
        records = case.get("records") if item is first else None
        bad = case.get("quarantined", []) if item is first else []
        offered = case.get("offered", []) if item is first else []
        kept = with_memory(supply, item, records, bad, offered)
        supply = replace(
            kept,
            records={**supply.records, **kept.records},
            quarantine={**supply.quarantine, **kept.quarantine},
            offers={**supply.offers, **kept.offers},
        )
    supply = without(supply, first, case.get("missing", []))
    if case.get("edited"):
        live = supply.jobs[first.job.id]
        edited = replace(live, manifest={**live.manifest, "description": "mine", "origin": None})
        supply = replace(supply, jobs={**supply.jobs, live.id: edited})
    if not case.get("owns_job", True):
        supply = replace(supply, owned_jobs={})
    if case.get("revoked") or case.get("scheduled"):
        live = supply.jobs[first.job.id]
        job = replace(live, revoked="revoked" in case, schedule=case.get("scheduled"))
        supply = replace(supply, jobs={**supply.jobs, job.id: job})
    return supply


def _host(case: HostCase) -> HostState:
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


def _health(
    item: Release, host: HostName, case: HostCase
) -> dict[tuple[ReleaseName, HostName], Health]:
    since = case.get("unhealthy") or case.get("healthy")
    if since is None:
        return {}
    ok = "unhealthy" not in case
    found = Health(ok=ok, since=NOON - span(since), message="" if ok else "HTTP 503")
    return {(item.name, host): found}


def _proof(
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


def _attempt(item: Release, host: HostName, purpose: Purpose, case: AttemptCase) -> Attempt:
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


def _by_hand(item: Release, host: HostName, ago: str) -> RunStarted:
    return RunStarted(
        result_id=ResultId("by hand"),
        request_id=RequestId("by hand"),
        exec_id=ExecId("by hand"),
        host=host,
        job=item.job.id,
        version=item.version,
        at=NOON - span(ago),
    )


def _slot(ours: Attempt | None) -> Slot:
    return Slot(
        sequence=99,
        at=NOON - timedelta(seconds=5),
        request_id=ours.request_id if ours is not None else None,
        exec_id=None,
        job=JobId("cleanup"),
        version=None,
        script_sha256=None,
    )
