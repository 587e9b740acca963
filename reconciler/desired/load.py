"""The whole stage: a snapshot's files to a `Desired`, or every fault there is."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from reconciler.desired.draft import Drafts, HostDraft, JobDraft, ReleaseDraft
from reconciler.desired.files import select, shown_path
from reconciler.desired.read_drafts import read_drafts
from reconciler.desired.release_fingerprint import release_fingerprint
from reconciler.desired.rules_artifacts import check_artifact, check_placeholders, tight_timeouts
from reconciler.desired.rules_jobs import check_jobs, owners_of
from reconciler.desired.rules_order import check_dependencies, check_versions
from reconciler.desired.rules_scripts import check_script, script_notes
from reconciler.desired.rules_targets import (
    check_host_windows,
    check_overlaps,
    check_targets,
    check_waves,
    idle_labels,
)
from reconciler.desired.validate import sorted_faults
from reconciler.errors import Fault, InvalidDesiredState
from reconciler.model.desired import BlobArtifact, Desired, Host, Release, Script
from reconciler.model.identity import HostName, Position
from reconciler.model.policy import Window
from reconciler.model.snapshot import Snapshot


def load(snapshot: Snapshot) -> Desired:
    """Return what *snapshot* asks for.

    Raises:
        InvalidDesiredState: with all faults of the revision, by file, line and column; it
            changes nothing.
    """
    selection = select(snapshot)
    if selection.faults:
        raise InvalidDesiredState(sorted_faults(list(selection.faults)))
    drafts, findings = read_drafts(selection.files, snapshot)
    faults = [*findings.faults, *_broken_rules(drafts)]
    if not faults and not drafts.releases and not drafts.jobs:
        faults.append(_empty(snapshot))
    if faults:
        raise InvalidDesiredState(sorted_faults(faults))
    notes = sorted_faults([*findings.notes, *_notes(drafts)])
    return _desired(drafts, (*selection.notes, *map(str, notes)))


def _broken_rules(drafts: Drafts) -> Iterator[Fault]:
    for release in drafts.releases:
        yield from check_placeholders(release)
        yield from check_artifact(release, drafts)
        yield from check_script(release, drafts)
        yield from check_targets(release, drafts)
        yield from check_waves(release, drafts)
    yield from check_host_windows(drafts)
    yield from check_jobs(drafts)
    yield from check_overlaps(drafts)
    yield from check_dependencies(drafts)
    yield from check_versions(drafts)


def _notes(drafts: Drafts) -> Iterator[Fault]:
    for release in drafts.releases:
        yield from script_notes(release, drafts)
        yield from idle_labels(release, drafts)
        yield from tight_timeouts(release, drafts)
    yield from _alike(drafts.hosts.values())


def _alike(hosts: Iterable[HostDraft]) -> Iterator[Fault]:
    """Host names are never folded, so two that differ in case alone are two hosts."""
    seen: dict[str, HostDraft] = {}
    for draft in hosts:
        other = seen.setdefault(draft.host.name.lower(), draft)
        if other is not draft:
            message = f"host {draft.host.name} differs from {other.host.name} in case alone"
            yield Fault(draft.position, message)


def _empty(snapshot: Snapshot) -> Fault:
    where = Position(shown_path(snapshot, ""))
    return Fault(
        where, "desired state is empty: refused; expected releases/*.yaml or jobs/*.yaml in here"
    )


def _desired(drafts: Drafts, notes: tuple[str, ...]) -> Desired:
    owners = owners_of(drafts)
    return Desired(
        revision=drafts.snapshot.commit.revision,
        repo=drafts.snapshot.origin,
        folder=drafts.snapshot.folder,
        releases=tuple(
            _release(draft, drafts.jobs[draft.job], drafts) for draft in drafts.releases
        ),
        jobs={name: draft.job for name, draft in drafts.jobs.items() if name not in owners},
        hosts=_hosts(drafts),
        notes=notes,
    )


def _hosts(drafts: Drafts) -> dict[HostName, Host]:
    """Return the hosts, each with the windows of its labels; hosts alike share one tuple."""
    windows: dict[HostName, tuple[Window, ...]] = {}
    for draft in drafts.windows:
        longer: dict[tuple[Window, ...], tuple[Window, ...]] = {}
        for name in drafts.carrying(draft.labels):
            before = windows.get(name, ())
            windows[name] = longer.setdefault(before, (*before, draft.window))
    return {
        name: replace(draft.host, windows=windows[name]) if name in windows else draft.host
        for name, draft in drafts.hosts.items()
    }


def _release(draft: ReleaseDraft, job: JobDraft, drafts: Drafts) -> Release:
    files = drafts.snapshot.files
    template = files[draft.script.path].content or b""
    origin = draft.artifact.origin
    size = files[origin.path].size_bytes if isinstance(origin, BlobArtifact) else None
    return Release(
        name=draft.name,
        package=draft.package,
        version=draft.version,
        artifact=replace(draft.artifact, size_bytes=size),
        script=Script(
            path=draft.script.path,
            object_name=draft.script.object_name,
            template=template,
            knobs=draft.script.knobs,
        ),
        job=job.job,
        targets=draft.targets,
        verify=draft.verify,
        rollout=draft.rollout,
        depends_on=draft.depends_on,
        suspend=draft.suspend,
        allow_downgrade=draft.allow_downgrade,
        adopt=draft.adopt,
        drift=draft.drift,
        keep_versions=draft.keep_versions,
        fingerprint=release_fingerprint(draft, job.job, template, drafts),
        position=draft.position,
        approval=draft.approval,
        requires_agent=draft.requires_agent,
        upgrade_agent=draft.upgrade_agent,
        windows=draft.windows,
        yanked=draft.yanked,
    )
