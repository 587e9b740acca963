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
    install: {...}          # the last install: state, ago, version, failure, then, number, cause
    probe: {...}            # the last probe, likewise
    slot: other | ours      # what lies in its slot, newer than its last heartbeat
frozen: true                # and: suspended, approved, retried, backend
steps: [verb/subject, ...]  # what must come out, in this order
deferred: [Reason, ...]     # the reasons, sorted
states: {pc-01: pending}
drifted: [pc-01]            # the hosts that were right and are not any more
```
"""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypedDict

import yaml

from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.desired import Desired, DriftPolicy, Release, Wave
from reconciler.model.failure import FailureClass, Next
from reconciler.model.identity import HostName, JobId, PackageName, ReleaseName
from reconciler.model.observed import (
    Approval,
    BackendState,
    Freeze,
    HostState,
    Observed,
    Presence,
    Requests,
    Retry,
    Slot,
    Suspension,
)
from reconciler.model.policy import Offline, OfflineRule
from reconciler.model.proof import Proof
from tests.support import builders
from tests.support.builders import NOON

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


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
    sent: bool


class HostCase(TypedDict, total=False):
    presence: str
    runs: str
    by: str
    ago: str
    before: str
    bytes: str
    stopped: bool
    install: AttemptCase
    probe: AttemptCase
    slot: str


class WaveCase(TypedDict, total=False):
    count: int
    percent: int
    hosts: list[str]
    offline: str


class ReleaseCase(TypedDict, total=False):
    version: str
    hosts: list[str]
    probe: bool
    approval: bool
    max_in_flight: int
    max_failures: int
    depends_on: list[str]
    allow_downgrade: bool
    adopt: bool
    suspend: bool
    drift: str
    soak: str
    progress_deadline: str
    waves: list[WaveCase]


class PlanCase(TypedDict, total=False):
    why: str
    releases: dict[str, ReleaseCase]
    missing: list[str]
    hosts: dict[str, HostCase]
    frozen: bool
    suspended: str
    approved: bool
    retried: str
    backend: str
    steps: list[str]
    deferred: list[str]
    states: dict[str, str]
    drifted: list[str]


def read_case(path: Path) -> PlanCase:
    case: PlanCase = yaml.safe_load(path.read_text())
    unknown = set(case) - set(PlanCase.__annotations__)
    assert not unknown, f"{path.name}: unknown keys {sorted(unknown)}"
    return case


def span(text: str) -> timedelta:
    found = re.fullmatch(r"(\d+)([smhd])", text)
    assert found is not None, text
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


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
        max_failures=item.get("max_failures", 0),
        depends_on=frozenset(map(ReleaseName, item.get("depends_on", []))),
        allow_downgrade=item.get("allow_downgrade", False),
        adopt=item.get("adopt", False),
        suspend=item.get("suspend", False),
        drift=DriftPolicy(item.get("drift", "heal")),
    )
    limit = item.get("progress_deadline")
    rollout = replace(
        built.rollout,
        waves=tuple(_wave(wave) for wave in item.get("waves") or [WaveCase(percent=100)]),
        soak=span(item.get("soak", "0s")),
        progress_deadline=span(limit) if limit is not None else None,
    )
    return replace(built, rollout=rollout)


def _wave(item: WaveCase) -> Wave:
    rule = item.get("offline")
    return Wave(
        name="wave",
        count=item.get("count"),
        percent=item.get("percent"),
        hosts=frozenset(map(HostName, item.get("hosts", []))),
        offline=Offline(rule=OfflineRule(rule)) if rule is not None else None,
    )


def desired_of(case: PlanCase) -> Desired:
    return builders.desired(*releases_of(case))


def observed_of(case: PlanCase) -> Observed:
    releases = releases_of(case)
    first = releases[0]
    supply = _without(builders.supplied(*releases), first, case.get("missing", []))
    hosts: dict[HostName, HostState] = {}
    attempts: dict[tuple[ReleaseName, HostName, Purpose], Attempt] = {}
    proofs: dict[tuple[PackageName, HostName], Proof] = {}
    slots: dict[HostName, Slot] = {}
    for text, host_case in case.get("hosts", {}).items():
        name = HostName(text)
        item = next((one for one in releases if name in one.targets.hosts), first)
        hosts[name] = _host(host_case)
        proofs |= _proof(item, name, host_case)
        for purpose in Purpose:
            known = (
                host_case.get("install") if purpose is Purpose.INSTALL else host_case.get("probe")
            )
            if known is not None:
                attempts[item.name, name, purpose] = _attempt(item, name, purpose, known)
        if "slot" in host_case:
            last = attempts.get((item.name, name, Purpose.PROBE))
            slots[name] = _slot(last if host_case["slot"] == "ours" else None)
    return replace(
        supply,
        hosts=hosts,
        attempts=attempts,
        proofs=proofs,
        slots=slots,
        freeze=Freeze(frozen=case.get("frozen", False), reason="audit"),
        requests=_requests(case, first),
        backend=BackendState(case.get("backend", "none")),
    )


def _without(observed: Observed, item: Release, missing: list[str]) -> Observed:
    for word in missing:
        match word:
            case "package":
                observed = replace(observed, packages={}, owned_packages={})
            case "script":
                observed = replace(observed, scripts={}, owned_scripts={})
            case "job" | "probe-job":
                gone = item.job.id if word == "job" else builders.PROBE_JOB.id
                jobs = {key: job for key, job in observed.jobs.items() if key != gone}
                observed = replace(observed, jobs=jobs)
            case _:
                raise AssertionError(word)
    return observed


def _host(case: HostCase) -> HostState:
    presence = Presence(case.get("presence", "online"))
    seen = NOON if presence is Presence.ONLINE else NOON - timedelta(days=2)
    return HostState(
        presence=presence, last_seen=seen if "slot" not in case else NOON - timedelta(seconds=20)
    )


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
    )
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
            kind, then=Next(case.get("then", "hold")), ago=span(case.get("ended", "30s"))
        )
    return builders.attempt(
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


def _requests(case: PlanCase, item: Release) -> Requests:
    approvals = (
        (Approval(release=item.name, fingerprint=item.fingerprint, approver="mika", at=NOON),)
        if case.get("approved")
        else ()
    )
    suspensions = (
        {item.name: Suspension(release=item.name, by="mika", reason=case["suspended"], since=NOON)}
        if "suspended" in case
        else {}
    )
    retries = (
        {
            item.name: Retry(
                release=item.name, id="retry-1", by="mika", at=NOON - span(case["retried"])
            )
        }
        if "retried" in case
        else {}
    )
    return Requests(approvals=approvals, suspensions=suspensions, retries=retries)
