"""Rules between releases and hosts: who is selected, by whom, and in which order."""

from collections.abc import Iterator

from reconciler.desired.draft import Drafts, ReleaseDraft
from reconciler.desired.node import Key
from reconciler.desired.schemas import Kind
from reconciler.desired.wording import did_you_mean, listed, printable
from reconciler.errors import Fault
from reconciler.model.desired import Wave
from reconciler.model.identity import HostName, PackageName, ReleaseName

_MOST_NAMED = 10
"""Of the names in one list; who has mistyped more has a bigger worry."""


def check_targets(release: ReleaseDraft, drafts: Drafts) -> Iterator[Fault]:
    """Yield what is wrong with the hosts that *release* selects."""
    targets = release.targets
    if not release.knows("targets"):
        return
    yield from _undeclared(release, drafts, targets.hosts, "targets", "hosts")
    nobody = not drafts.selected(targets) and not targets.groups
    if nobody and not (targets.labels and Kind.HOSTS in drafts.unread):
        if targets.labels:
            spelled = listed(f"{key}={value}" for key, value in targets.labels.items())
            message = f"targets selects no host: nobody in hosts/ carries {spelled}"
            yield release.fault(message, "targets", "labels")
        else:
            message = "targets selects no host; name hosts, labels or groups"
            yield release.fault(message, "targets")
    if targets.groups and release.approval is not None and release.approval.pin_hosts:
        message = "groups are looked up live, so approval.hosts cannot pin them; name the hosts"
        yield release.fault(message, "targets", "groups")


def check_waves(release: ReleaseDraft, drafts: Drafts) -> Iterator[Fault]:
    """Yield what is wrong with the order in which *release* goes to its hosts."""
    waves = release.rollout.waves
    if not release.knows("rollout", "waves"):
        return
    seen: set[str] = set()
    reached = {"hosts": 0, "percent": 0}
    for index, wave in enumerate(waves):
        at = ("rollout", "waves", index)
        if wave.name in seen:
            yield release.fault(f"a wave {wave.name!r} is there already", *at, "name")
        seen.add(wave.name)
        for key, size in (("hosts", wave.count), ("percent", wave.percent)):
            if size is not None and size <= reached[key]:
                message = f"{key}: {size} adds nobody: it counts from the first host, and an "
                yield release.fault(f"{message}earlier wave goes up to {reached[key]}", *at, key)
            reached[key] = size or reached[key]
        yield from _wave_hosts(release, drafts, wave, index)
    if waves[-1].percent != 100:
        message = "the last wave must be percent: 100, so that no host is forgotten"
        yield release.fault(message, "rollout", "waves", len(waves) - 1)


def _wave_hosts(release: ReleaseDraft, drafts: Drafts, wave: Wave, index: int) -> Iterator[Fault]:
    at: tuple[Key, ...] = ("rollout", "waves", index, "hosts")
    yield from _undeclared(release, drafts, wave.hosts, *at)
    if not release.knows("targets") or release.targets.groups:
        return
    if release.targets.labels and Kind.HOSTS in drafts.unread:
        return
    strangers = (wave.hosts & drafts.hosts.keys()) - drafts.selected(release.targets)
    if strangers:
        yield release.fault(f"{listed(strangers)}: not among this release's targets", *at)


def _undeclared(
    release: ReleaseDraft, drafts: Drafts, names: frozenset[HostName], *path: Key
) -> Iterator[Fault]:
    if Kind.HOSTS in drafts.unread:
        return
    unknown = sorted(names - drafts.hosts.keys())
    for name in unknown[:_MOST_NAMED]:
        hint = did_you_mean(name, drafts.hosts) or "; declare it in hosts/"
        yield release.item_fault(f"host {printable(name)} is not declared{hint}", name, *path)
    rest = len(unknown) - _MOST_NAMED
    if rest > 0:
        yield release.fault(f"{rest} more hosts are not declared in hosts/", *path)


def check_host_windows(drafts: Drafts) -> Iterator[Fault]:
    """Yield the windows that no host has: somebody relies on a time that nobody minds."""
    for draft in drafts.windows:
        if not drafts.carrying(draft.labels) and Kind.HOSTS not in drafts.unread:
            spelled = listed(f"{key}={value}" for key, value in draft.labels.items())
            message = f"window selects no host: nobody in hosts/ carries {spelled}"
            yield Fault(draft.position, message)


def check_overlaps(drafts: Drafts) -> Iterator[Fault]:
    """Yield the hosts that two releases want to bring to a version of the same package."""
    takers: dict[tuple[PackageName, str], ReleaseDraft] = {}
    for release in drafts.knowing("name", "package", "targets"):
        shared: dict[ReleaseName, list[str]] = {}
        groups = {f"group {group}" for group in release.targets.groups}
        for host in drafts.selected(release.targets) | groups:
            taker = takers.setdefault((release.package, host), release)
            if taker is not release:
                shared.setdefault(taker.name, []).append(host)
        for other, hosts in shared.items():
            message = f"release {other} wants package {release.package} on {listed(hosts)} as well"
            yield release.fault(f"{message}; a host runs one version", "targets")


def idle_labels(release: ReleaseDraft, drafts: Drafts) -> Iterator[Fault]:
    """Yield notes about label selectors that select nobody while another one does."""
    targets = release.targets
    others = targets.hosts or targets.groups
    if targets.labels and others and not drafts.carrying(targets.labels):
        yield release.fault("nobody in hosts/ carries these labels", "targets", "labels")
