"""Rules between releases and jobs: who owns which, and that they agree."""

from collections.abc import Iterator

from reconciler.desired.draft import Drafts, JobDraft, ReleaseDraft
from reconciler.desired.schemas import Kind
from reconciler.desired.wording import did_you_mean, printable
from reconciler.errors import Fault
from reconciler.model.desired import Shell
from reconciler.model.identity import JobId

_SOURCES = ("script", "script_object")
_SHELLS = {".sh": (Shell.SH,), ".ps1": (Shell.POWERSHELL, Shell.PWSH)}


def owners_of(drafts: Drafts) -> dict[JobId, ReleaseDraft]:
    """Return which release owns which job: the first to name it."""
    owners: dict[JobId, ReleaseDraft] = {}
    for release in drafts.knowing("job"):
        owners.setdefault(release.job, release)
    return owners


def check_jobs(drafts: Drafts) -> Iterator[Fault]:
    """Yield what is wrong between releases and jobs."""
    owners, owning = owners_of(drafts), drafts.knowing("job")
    for release in owning:
        yield from _check_ownership(release, drafts, owners)
    for release in drafts.releases:
        yield from _check_probe(release, drafts, owners)
    contested = {release.job for release in owning if owners[release.job] is not release}
    for job_id, job in drafts.jobs.items():
        owner = owners.get(job_id)
        if owner is not None and job_id not in contested:
            yield from _check_owned(job, owner)
        elif owner is None and not contested and Kind.RELEASE not in drafts.unread:
            yield from _check_free(job)


def _check_ownership(
    release: ReleaseDraft, drafts: Drafts, owners: dict[JobId, ReleaseDraft]
) -> Iterator[Fault]:
    if release.job not in drafts.jobs:
        yield from _missing(release, drafts, release.job, "job")
    owner = owners[release.job]
    if owner is not release:
        message = f"job {release.job} belongs to release {owner.name} ({owner.position}) already"
        yield release.fault(f"{message}; give each release a job of its own", "job")


def _check_probe(
    release: ReleaseDraft, drafts: Drafts, owners: dict[JobId, ReleaseDraft]
) -> Iterator[Fault]:
    probe = release.verify.probe
    if probe is None or not release.knows("verify", "probe", "job"):
        return
    at = ("verify", "probe", "job")
    if probe.job in owners:
        owner = owners[probe.job].name
        message = f"job {probe.job} installs release {owner}; a probe must be a job that only reads"
        yield release.fault(message, *at)
    elif probe.job not in drafts.jobs:
        yield from _missing(release, drafts, probe.job, *at)


def _missing(release: ReleaseDraft, drafts: Drafts, job: JobId, *path: str) -> Iterator[Fault]:
    if Kind.JOB not in drafts.unread:
        hint = did_you_mean(job, drafts.jobs) or "; expected its manifest in jobs/"
        yield release.fault(f"job {printable(job)} does not exist{hint}", *path)


def _check_owned(job: JobDraft, owner: ReleaseDraft) -> Iterator[Fault]:
    version = job.job.manifest.get("version")
    whose = f"release {owner.name} ({owner.position.file})"
    if version is not None and version != owner.version and owner.knows("version"):
        message = f"version {version} is not {owner.version}, which {whose} says"
        yield job.fault(f"{message}; leave it out here", "version")
    if job.has("script"):
        source = "script" if job.job.script_file is None else "script_file"
        message = f"execute.{source}: the job runs the script of {whose}; leave it out here"
        yield job.fault(message, "execute", source)
        return
    if owner.knows("version") and owner.knows("script", "object"):
        yield from _check_object(job, owner, whose)
    if owner.knows("script", "path"):
        yield from _check_shell(job, owner)


def _check_object(job: JobDraft, owner: ReleaseDraft, whose: str) -> Iterator[Fault]:
    wanted = f"{owner.script.object_name}/{owner.version}"
    execute = job.job.manifest.get("execute")
    members = execute if isinstance(execute, dict) else {}
    if members.get("script_object") not in {None, wanted}:
        message = f"script_object {members['script_object']} is not {wanted}, which {whose} says"
        yield job.fault(f"{message}; leave it out here", "execute", "script_object")


def _check_shell(job: JobDraft, owner: ReleaseDraft) -> Iterator[Fault]:
    execute = job.job.manifest.get("execute")
    shell = str(execute.get("shell") if isinstance(execute, dict) else None)
    for suffix, shells in _SHELLS.items():
        if owner.script.path.endswith(suffix) and shell not in shells:
            expected = " or ".join(shells)
            message = f"shell {shell} cannot run {printable(owner.script.path)}, the script of"
            yield job.fault(
                f"{message} release {owner.name}; expected {expected}", "execute", "shell"
            )


def _check_free(job: JobDraft) -> Iterator[Fault]:
    if "version" not in job.job.manifest:
        yield job.fault('version is missing; no release owns this job: write version: "1"')
    if not any(job.has(source) for source in _SOURCES):
        message = "execute needs one of script, script_file and script_object: no release owns it"
        yield job.fault(message, "execute")
