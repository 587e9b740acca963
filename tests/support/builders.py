"""Values for tests: everything has a default, so a test says only what it is about."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from reconciler.model.approval import Approval, ApprovalOrOverride, Checked, Gate, Override
from reconciler.model.attempt import Attempt, Outcome, Purpose, Via, Wish
from reconciler.model.desired import (
    Artifact,
    BlobArtifact,
    Desired,
    DriftPolicy,
    Host,
    JobSpec,
    OnFailure,
    Probe,
    Release,
    Rollout,
    Script,
    Targets,
    Verify,
    Wave,
)
from reconciler.model.digest import Digest
from reconciler.model.failure import Failure, FailureClass, Next
from reconciler.model.fingerprint import fingerprint, wish_id
from reconciler.model.identity import (
    ExecId,
    HostName,
    JobId,
    Json,
    ObjectRef,
    PackageName,
    Position,
    ReleaseName,
    RequestId,
    ResultId,
    Revision,
    Version,
)
from reconciler.model.observed import (
    HostState,
    LiveJob,
    Observed,
    Owned,
    Presence,
    Rendered,
    StoredObject,
)
from reconciler.model.proof import Evidence
from reconciler.model.record import Quarantine, ReleaseRecord
from reconciler.model.revert import RevertOffer
from reconciler.observe.failure_table import ROWS
from reconciler.plan.manifest import complete, manifest_digest
from reconciler.plan.records import record_of

NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
REVISION = Revision("a" * 40)
REPO = "https://git.example/fleet.git"


def digest_of(word: str) -> Digest:
    """Return a digest that *word* stands for."""
    return Digest.of(word.encode())


def job(
    name: str = "install-tool",
    *,
    version: str | None = None,
    require_approval: bool = False,
    timeout: timedelta = timedelta(minutes=5),
) -> JobSpec:
    execute: dict[str, Json] = {"shell": "sh", "timeout": "300s", "run_as": "system"}
    manifest: dict[str, Json] = {"id": name, "execute": execute, "staleness": {"mode": "cached"}}
    if version is not None:
        manifest["version"] = version
        execute["script"] = "true"
    if require_approval:
        manifest["require_approval"] = True
    return JobSpec(
        id=JobId(name),
        path=f"jobs/{name}.yaml",
        manifest=manifest,
        yaml=f"id: {name}\n",
        timeout=timeout,
    )


PROBE_JOB = job("version-tool", version="1")


def release(
    version: str = "2.0.0",
    *,
    name: str = "tool",
    hosts: Sequence[str] = ("pc-01",),
    probe: bool = True,
    install: JobSpec | None = None,
    max_in_flight: int = 10,
    max_failures: int = 0,
    bytes_of: str | None = None,
    **changes: object,
) -> Release:
    install = install or job(f"install-{name}")
    artifact = Artifact(
        origin=BlobArtifact(path=f"artifacts/{name}"),
        digest=digest_of(bytes_of or f"{name} {version}"),
    )
    built = Release(
        name=ReleaseName(name),
        package=PackageName(name),
        version=Version(version),
        artifact=artifact,
        script=Script(
            path="scripts/deploy.sh", object_name=f"deploy-{name}", template=b"", knobs={}
        ),
        job=install,
        targets=Targets(hosts=frozenset(map(HostName, hosts))),
        verify=Verify(
            stdout_ends_with=f"{name} {version}",
            probe=Probe(job=PROBE_JOB.id, every=timedelta(hours=24)) if probe else None,
        ),
        rollout=Rollout(
            waves=(Wave(name="all", percent=100),),
            max_in_flight=max_in_flight,
            max_failures=max_failures,
            soak=timedelta(0),
            on_failure=OnFailure.HOLD,
        ),
        depends_on=frozenset(),
        suspend=False,
        allow_downgrade=False,
        adopt=False,
        drift=DriftPolicy.HEAL,
        keep_versions=3,
        fingerprint=fingerprint({"name": name, "version": version, "sha256": artifact.digest.hex}),
        position=Position(f"releases/{name}.yaml", 1, 1),
    )
    return replace(built, **changes)  # type: ignore[arg-type]  # the test names real fields


def desired(*releases: Release, jobs: Sequence[JobSpec] = (PROBE_JOB,)) -> Desired:
    names = sorted({host for item in releases for host in item.targets.hosts})
    return Desired(
        revision=REVISION,
        repo=REPO,
        releases=releases,
        jobs={item.id: item for item in jobs},
        hosts={name: Host(name=name, labels={}) for name in names},
    )


def stored(ref: ObjectRef, digest: Digest, sequence: int = 7) -> StoredObject:
    return StoredObject(ref=ref, size_bytes=10, digest=digest, sequence=sequence, nuid="N")


def script_digest(item: Release) -> Digest:
    return digest_of(f"script of {item.name} {item.version}")


def supplied(*releases: Release, jobs: Sequence[JobSpec] = (PROBE_JOB,)) -> Observed:
    """Return a fleet where everything is published and registered, and no host is known."""
    packages = {ObjectRef(item.package, item.version): item.artifact.digest for item in releases}
    scripts = {
        ObjectRef(item.script.object_name, item.version): script_digest(item) for item in releases
    }
    live = {
        item.job.id: _live(item.job, item.version, script)
        for item, script in zip(releases, scripts, strict=True)
    }
    live |= {item.id: _live(item, Version(str(item.manifest["version"])), None) for item in jobs}
    return Observed(
        packages={ref: stored(ref, digest) for ref, digest in packages.items()},
        scripts={ref: stored(ref, digest) for ref, digest in scripts.items()},
        owned_packages={
            ref: Owned(digest=digest, release=None) for ref, digest in packages.items()
        },
        owned_scripts={ref: Owned(digest=digest, release=None) for ref, digest in scripts.items()},
        owned_jobs={
            id_: Owned(digest=manifest_digest(job.manifest), release=None)
            for id_, job in live.items()
        },
        rendered={
            (item.name, item.fingerprint): Rendered(digest=script_digest(item), size_bytes=10)
            for item in releases
        },
        jobs=live,
    )


def _live(item: JobSpec, version: Version, script: ObjectRef | None) -> LiveJob:
    manifest = complete(item, version=version, script=script, repo=REPO)
    return LiveJob(id=item.id, manifest=manifest, pin=version, revoked=False)


def online(*names: str, seen: datetime = NOON) -> dict[HostName, HostState]:
    return {
        HostName(name): HostState(
            presence=Presence.ONLINE, agent_version="0.101.0", os_family="linux", last_seen=seen
        )
        for name in names
    }


def evidence(
    version: str | None,
    *,
    ago: timedelta = timedelta(hours=1),
    sha: Digest | None = None,
    running: bool = True,
    before: str | None = None,
    before_ago: timedelta | None = None,
    name: str = "fact-1",
) -> Evidence:
    at = NOON - ago
    return Evidence(
        id=ResultId(name),
        version=Version(version) if version is not None else None,
        digest=sha,
        running=running and version is not None,
        request_id=RequestId(f"request-of-{name}"),
        first_at=at,
        last_at=at,
        before=Version(before) if before is not None else None,
        before_at=NOON - (before_ago or ago) if before is not None else None,
    )


def attempt(
    item: Release,
    host: str = "pc-01",
    *,
    purpose: Purpose = Purpose.INSTALL,
    cause: str = "fact-1",
    ago: timedelta = timedelta(minutes=1),
    started_ago: timedelta | None = None,
    number: int = 1,
    via: Via = Via.NATS,
    outcome: Outcome | None = None,
    sent: bool = True,
) -> Attempt:
    wish = Wish(
        release=item.name,
        host=HostName(host),
        fingerprint=item.fingerprint,
        purpose=purpose,
        cause=cause,
    )
    job_id = item.job.id if purpose is Purpose.INSTALL else PROBE_JOB.id
    at = NOON - ago
    return Attempt(
        wish=wish,
        wish_id=wish_id(wish),
        package=item.package,
        version=item.version if purpose is Purpose.INSTALL else Version("1"),
        job=job_id,
        script=None,
        script_sha256=None,
        via=via,
        timeout=timedelta(minutes=5),
        intended_at=at,
        deadline_at=at + timedelta(minutes=10),
        payload="{}",
        number=number,
        sent_at=at if sent else None,
        slot_sequence=5 if sent else None,
        request_id=RequestId(wish_id(wish)),
        exec_id=ExecId(wish_id(wish)),
        started_at=NOON - started_ago if started_ago is not None else None,
        outcome=outcome,
    )


def outcome(
    kind: FailureClass | None = None,
    *,
    then: Next | None = None,
    ago: timedelta = timedelta(seconds=30),
    name: str = "result-1",
    exit_code: int | None = None,
    last_line: str = "",
) -> Outcome:
    failure = None
    if kind is not None:
        row = next((row for row in ROWS if row.kind is kind), None)
        usual = row.next if row is not None else Next.ROLL_BACK
        failure = Failure(
            kind=kind, cause="it went wrong", fix="mend it", next=then or usual, install_intact=True
        )
    return Outcome(
        result_id=ResultId(name),
        exit_code=exit_code if exit_code is not None else int(kind is not None),
        skipped=False,
        last_line=last_line,
        stderr_tail="",
        at=NOON - ago,
        failure=failure,
    )


def record(item: Release, ago: timedelta = timedelta(days=1)) -> ReleaseRecord:
    """Return what is kept of *item*, proved *ago* before `NOON`."""
    return record_of(item, REVISION, NOON - ago)


def quarantine(item: Release, ago: timedelta = timedelta(minutes=5)) -> Quarantine:
    """Return the quarantine of *item*, put in place *ago* before `NOON`."""
    return Quarantine(
        release=item.name,
        fingerprint=item.fingerprint,
        version=item.version,
        reason=FailureClass.SERVICE_DID_NOT_START,
        message="the service did not start",
        at=NOON - ago,
        host=HostName("pc-01"),
    )


def offer(item: Release, refusal: str = "") -> RevertOffer:
    """Return a revert of *item* as a branch; one that was refused, where *refusal* says why."""
    return RevertOffer(
        release=item.name,
        fingerprint=item.fingerprint,
        to=Version("1.0.0"),
        branch=f"reconciler/revert-{item.name}-{item.version}-{item.fingerprint[:8]}",
        commit=None if refusal else REVISION,
        refusal=refusal,
        by_hand="git push origin HEAD" if refusal else "",
        at=NOON,
    )


def approval(
    item: Release,
    by: str = "mika",
    *,
    ago: timedelta = timedelta(minutes=1),
    key: str = "",
    refusal: str = "",
) -> Checked[ApprovalOrOverride]:
    """Return a person's word on *item*, checked."""
    word = Approval(release=item.name, fingerprint=item.fingerprint, approver=by, at=NOON - ago)
    return Checked(signed=word, key=key, refusal=refusal)


def override(
    item: Release, length: timedelta, *, ago: timedelta = timedelta(minutes=1)
) -> Checked[ApprovalOrOverride]:
    """Return a person's word that *item* may pass its windows, said *ago*."""
    at = NOON - ago
    word = Override(
        release=item.name,
        fingerprint=item.fingerprint,
        gate=Gate.WINDOW,
        approver="mika",
        at=at,
        until=at + length,
        reason="the data centre moves",
    )
    return Checked(signed=word)


def labels(**pairs: str) -> Mapping[str, str]:
    return pairs
