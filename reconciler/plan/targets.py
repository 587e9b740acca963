"""Which hosts a release is wanted on, today."""

from collections.abc import Mapping

from reconciler.model.desired import Desired, Host, Release
from reconciler.model.identity import HostName
from reconciler.model.observed import Observed


def targets_of(release: Release, desired: Desired, observed: Observed) -> tuple[HostName, ...]:
    """Return the union of the release's selectors, in order; never "all" by accident."""
    targets = release.targets
    named = set(targets.hosts)
    labelled = {
        host.name
        for host in desired.hosts.values()
        if targets.labels and carries(host, targets.labels)
    }
    grouped = {
        name
        for name, state in observed.hosts.items()
        if targets.groups and state.groups & targets.groups
    }
    return tuple(sorted(named | labelled | grouped))


def carries(host: Host, labels: Mapping[str, str]) -> bool:
    """True when *host* has every one of *labels*."""
    return all(host.labels.get(key) == value for key, value in labels.items())
