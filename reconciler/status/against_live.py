"""What git asks for beside what kanade has, text by text, without any secret; pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.desired.script import CannotRender, masked, render
from reconciler.model.desired import Desired, Release
from reconciler.model.identity import Json, ObjectRef
from reconciler.model.observed import LiveJob, Observed
from reconciler.plan.differences import MASK, is_sensitive
from reconciler.plan.manifest import complete, same_manifest
from reconciler.plan.publish import package_of, script_ref
from reconciler.plan.upsert import free_action, stands_unmarked
from reconciler.status.manifest_text import compared, spelled

_NAMES = ("live", "wanted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """One thing that kanade has otherwise, or not at all."""

    kind: str
    """`package`, `script` or `job`."""
    name: str
    message: str
    lines: tuple[str, ...] = ()
    """A unified diff, from what is live to what is wanted."""


def live_script(release: Release, observed: Observed) -> ObjectRef | None:
    """Return the script that the catalogue has the job of *release* run, if it is stored."""
    live = observed.jobs.get(release.job.id)
    execute = live.manifest.get("execute") if live is not None else None
    named = execute.get("script_object") if isinstance(execute, dict) else None
    ref = ObjectRef.parse(named) if isinstance(named, str) else None
    return ref if ref in observed.scripts else None


def release_against_live(
    release: Release, desired: Desired, observed: Observed, live_text: bytes | None
) -> Iterator[Discrepancy]:
    """Yield what of *release* is otherwise; *live_text* is the script that is live."""
    yield from _package(release, observed)
    rendered = observed.rendered.get((release.name, release.fingerprint))
    if rendered is None:
        why = observed.unrendered.get((release.name, release.fingerprint), "it cannot be rendered")
        yield Discrepancy(kind="script", name=release.script.object_name, message=why)
        return
    ref = script_ref(release, rendered.digest, observed)
    stored = observed.scripts.get(ref)
    if stored is None or stored.digest != rendered.digest:
        yield _script(release, ref, live_text)
    manifest = complete(release.job, version=release.version, script=ref, repo=desired.repo)
    yield from _job(release.job.id, manifest, observed.jobs.get(release.job.id))


def free_jobs_against_live(desired: Desired, observed: Observed) -> Iterator[Discrepancy]:
    """Yield the jobs of no release that are otherwise."""
    for job in sorted(desired.jobs.values(), key=lambda job: job.id):
        action = free_action(job, desired)
        if not stands_unmarked(action, observed):
            yield from _job(job.id, action.manifest, observed.jobs.get(job.id))


def _package(release: Release, observed: Observed) -> Iterator[Discrepancy]:
    ref, wanted = package_of(release), release.artifact.digest
    stored = observed.packages.get(ref)
    if stored is None:
        message = f"is not stored; wanted is sha256 {wanted}"
        yield Discrepancy(kind="package", name=str(ref), message=message)
    elif stored.digest != wanted:
        message = f"is stored with sha256 {stored.digest}; wanted is {wanted}"
        yield Discrepancy(kind="package", name=str(ref), message=message)


def _script(release: Release, ref: ObjectRef, live_text: bytes | None) -> Discrepancy:
    """Compare the texts; of their heads only plain knobs are shown that resemble no secret."""
    script = release.script
    shown = {
        name: knob
        for name, knob in script.knobs.items()
        if isinstance(knob, str) and not is_sensitive(name)
    }
    new = masked(render(script.template, script.path, shown), script.path, MASK, shown)
    message = "is not stored as it should be"
    try:
        old = masked(live_text or b"", script.path, MASK, shown)
    except CannotRender as error:
        message += f"; the live one cannot be shown: {error}"
        return Discrepancy(kind="script", name=str(ref), message=message)
    return Discrepancy(
        kind="script", name=str(ref), message=message, lines=compared(old, new, _NAMES)
    )


def _job(name: str, wanted: Mapping[str, Json], live: LiveJob | None) -> Iterator[Discrepancy]:
    if live is not None and same_manifest(wanted, live.manifest):
        if live.pin != wanted["version"]:
            message = f"script_current says {live.pin or 'nothing'}, not {wanted['version']}"
            yield Discrepancy(kind="job", name=name, message=message)
        return
    old = spelled(live.manifest) if live is not None else ""
    message = "is registered otherwise" if live is not None else "is not registered"
    lines = compared(old, spelled(wanted), _NAMES)
    yield Discrepancy(kind="job", name=name, message=message, lines=lines)
