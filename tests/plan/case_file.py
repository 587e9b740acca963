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
    unread: 1m              # when its last install was written down, which nobody can read now
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

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypedDict

import yaml

from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.desired import Desired, Release
from reconciler.model.identity import (
    HostName,
    JobId,
    PackageName,
    ReleaseName,
    Version,
)
from reconciler.model.observed import (
    AgentTarget,
    BackendState,
    Freeze,
    Health,
    HostState,
    Observed,
    Slot,
)
from reconciler.model.proof import Proof
from reconciler.model.record import ReleaseRecord
from reconciler.model.report import RunStarted
from tests.plan.case_host import (
    HostCase,
    attempt_of,
    health_of,
    host_of,
    proof_of,
    run_by_hand,
    slot_of,
)
from tests.plan.case_memory import at_version, with_memory, with_return
from tests.plan.case_missing import without
from tests.plan.case_release import ReleaseCase, release_of, windows_of
from tests.plan.case_requests import WordCase, requests_of
from tests.plan.case_time import span
from tests.plan.store_case import StoresCase
from tests.support import builders
from tests.support.builders import NOON


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
    return tuple(release_of(name, item) for name, item in named.items())


def desired_of(case: PlanCase) -> Desired:
    built = builders.desired(*releases_of(case))
    hosts = {
        name: replace(
            host,
            windows=windows_of(case.get("hosts", {}).get(name, {}).get("windows", [])),
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
    unread: dict[tuple[ReleaseName, HostName], datetime] = {}
    for text, host_case in case.get("hosts", {}).items():
        name = HostName(text)
        item = next((one for one in releases if name in one.targets.hosts), first)
        hosts[name] = host_of(host_case)
        health |= health_of(item, name, host_case)
        proofs |= proof_of(item, name, host_case)
        for purpose in Purpose:
            known = (
                host_case.get("install") if purpose is Purpose.INSTALL else host_case.get("probe")
            )
            if known is not None:
                attempts[item.name, name, purpose] = attempt_of(item, name, purpose, known)
        if "unread" in host_case:
            unread[item.name, name] = NOON - span(host_case["unread"])
        if "by_hand" in host_case:
            runs[item.job.id, name] = run_by_hand(item, name, host_case["by_hand"])
        if "slot" in host_case:
            last = attempts.get((item.name, name, Purpose.PROBE))
            slots[name] = slot_of(last if host_case["slot"] == "ours" else None)
    return replace(
        supply,
        approved=_approved(case, first),
        hosts=hosts,
        attempts=attempts,
        unread_installs=unread,
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
