"""What a revision asks for that another one does not: for those who review it; pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from reconciler.model.desired import Desired, Host, JobSpec, Release
from reconciler.model.difference import Difference
from reconciler.model.identity import HostName, JobId
from reconciler.model.observed import Observed
from reconciler.plan.approval import approvals_needed
from reconciler.plan.differences import differences
from reconciler.plan.manifest import same_manifest
from reconciler.plan.records import record_of
from reconciler.plan.targets import targets_of
from reconciler.status.manifest_text import compared, spelled

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_NAMES = ("base", "head")
_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Revised:
    """A release, a job or a host that differs between two revisions."""

    mark: str
    """`+` new, `~` changed, `-` gone."""
    kind: str
    name: str
    message: str = ""
    differences: tuple[Difference, ...] = ()
    lines: tuple[str, ...] = ()
    """Of a job: its manifest as a unified diff."""


def between(base: Desired, head: Desired) -> tuple[Revised, ...]:
    """Return what *head* would change, as far as that is known without a fleet.

    Which hosts are in kanade's groups only a fleet knows; those are not counted.
    """
    return (*_releases(base, head), *_jobs(base.jobs, head.jobs), *_hosts(base.hosts, head.hosts))


def _releases(base: Desired, head: Desired) -> Iterator[Revised]:
    old, new = ({item.name: item for item in one.releases} for one in (base, head))
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        was = targets_of(before, base, _NOBODY) if before is not None else ()
        will = targets_of(after, head, _NOBODY) if after is not None else ()
        if after is None and before is not None:
            message = f"{before.version} on {len(was)} hosts is left as it is, and forgotten"
            yield Revised(mark="-", kind="release", name=name, message=message)
        elif before is None and after is not None:
            message = f"{after.version}{_moved(was, will)}{_words(after)}"
            yield Revised(mark="+", kind="release", name=name, message=message)
        elif before is not None and after is not None:
            found = (*differences(record_of(before, base.revision, _NEVER), after),)
            found += tuple(_policies(before, after))
            if found or was != will:
                versions = " -> ".join(dict.fromkeys((before.version, after.version)))
                changed = _words(after) if before.fingerprint != after.fingerprint else ""
                message = f"{versions}{_moved(was, will)}{changed}"
                yield Revised(
                    mark="~", kind="release", name=name, message=message, differences=found
                )


def _moved(was: Sequence[HostName], will: Sequence[HostName]) -> str:
    came, went = sorted({*will} - {*was}), sorted({*was} - {*will})
    text = f", on {len(will)} hosts"
    text += f", {_named(came)} added" if came and was else ""
    return text + (f", {_named(went)} no longer" if went else "")


def _named(hosts: Sequence[HostName]) -> str:
    more = f" and {len(hosts) - _NAMED} more" if len(hosts) > _NAMED else ""
    return ", ".join(hosts[:_NAMED]) + more


def _words(release: Release) -> str:
    needed = approvals_needed(release)
    if not needed:
        return ""
    return f"; it waits for {needed} approvals" if needed > 1 else "; it waits for approval"


def _policies(before: Release, after: Release) -> Iterator[Difference]:
    """Yield what a record does not keep, and a review should see."""
    old, new = map(dict, (_spelled_policies(before), _spelled_policies(after)))
    for what in old:
        if old[what] != new[what]:
            yield Difference(what=what, before=old[what], after=new[what])


def _spelled_policies(release: Release) -> Iterable[tuple[str, str]]:
    yield "suspend", str(release.suspend).lower()
    yield "drift", str(release.drift)
    yield "allow_downgrade", str(release.allow_downgrade).lower()
    yield "adopt", str(release.adopt).lower()
    yield "approvals", str(approvals_needed(release))
    yield "depends_on", ", ".join(sorted(release.depends_on))
    yield "yanked", ", ".join(sorted(release.yanked))
    yield "keep_versions", str(release.keep_versions)
    yield "requires_agent", release.requires_agent or ""
    yield "upgrade_agent", release.upgrade_agent or ""
    windows = (f"{it.kind} {it.cron.text} for {it.duration}, {it.zone}" for it in release.windows)
    yield "windows", "; ".join(windows)


def _jobs(old: Mapping[JobId, JobSpec], new: Mapping[JobId, JobSpec]) -> Iterator[Revised]:
    for name in sorted(old.keys() | new.keys()):
        before, after = (spelled(one[name].manifest) if name in one else "" for one in (old, new))
        if name in old and name in new and same_manifest(old[name].manifest, new[name].manifest):
            continue
        mark = "~" if before and after else "+" if after else "-"
        lines = compared(before, after, _NAMES)
        yield Revised(mark=mark, kind="job", name=name, lines=lines)


def _hosts(old: Mapping[HostName, Host], new: Mapping[HostName, Host]) -> Iterator[Revised]:
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        mark = "~" if before and after else "+" if after else "-"
        message = " -> ".join(dict.fromkeys(_labels(it) for it in (before, after) if it))
        yield Revised(mark=mark, kind="host", name=name, message=message)


def _labels(host: Host) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(host.labels.items()))


_NOBODY = Observed()
