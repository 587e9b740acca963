"""Releases in the order in which they depend on each other."""

from graphlib import TopologicalSorter

from reconciler.model.desired import Release
from reconciler.model.identity import ReleaseName


def in_order(releases: tuple[Release, ...]) -> tuple[Release, ...]:
    """Return *releases*, each after all that it depends on; otherwise by name.

    A cycle is a fault of the desired state, and is named and refused there: `rules_order.py`.
    """
    by_name = {release.name: release for release in releases}
    sorter: TopologicalSorter[ReleaseName] = TopologicalSorter()
    for name in sorted(by_name):
        sorter.add(name, *sorted(by_name[name].depends_on & by_name.keys()))
    return tuple(by_name[name] for name in sorter.static_order())
